package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"usher/sdk"
)

// syncOptions are the flags that set how something follows from a provider.
type syncOptions struct {
	org           string
	field         string
	assignDefault bool
	add, remove   []string // VALUE=TARGET
	file          string
	output        format
}

func (o *syncOptions) addFlags(cmd *cobra.Command, target string) {
	flags := cmd.Flags()
	flags.StringVar(&o.field, "field", "", "the `claim` that decides; empty turns it off")
	flags.StringArrayVar(&o.add, "map", nil, "let this value of the claim give this "+target+", as\n`value="+target+"`; repeatable")
	flags.StringArrayVar(&o.remove, "unmap", nil, "give that no more, `value="+target+"`; repeatable")
	flags.StringVar(&o.file, "file", "", "replace everything by this JSON `file`; - is standard input")
	o.output.addFlag(cmd)
	flags.SortFlags = false
}

// editing are the flags that change something in part.
var editing = []string{"field", "assign-default", "map", "unmap"}

// replaces reports whether everything is to be replaced by JSON, and says what makes
// no sense. Without any flag the JSON is read from what is piped in.
func (o *syncOptions) replaces(a *app, cmd *cobra.Command) (bool, error) {
	changed := false
	for _, flag := range editing {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		if err := exclusive(cmd, "file", flag); err != nil {
			return false, err
		}
		changed = changed || cmd.Flags().Changed(flag)
	}
	switch {
	case cmd.Flags().Changed("file") && o.file == "":
		return false, misused(cmd, "--file is empty")
	case o.file == "" && !changed && a.interactive():
		return false, misused(cmd, "nothing is to be changed; say what with --field, --map or --unmap, or all of it with --file")
	case o.file == "" && !changed:
		o.file = "-"
	}
	return o.file != "", nil
}

// lines reads the lines to add and to remove.
func (o *syncOptions) lines(cmd *cobra.Command) (add, remove []sdk.SyncMapping[string], err error) {
	if add, err = parseLines("map", o.add); err == nil {
		remove, err = parseLines("unmap", o.remove)
	}
	if err != nil {
		return nil, nil, misused(cmd, "%w", err)
	}
	return add, remove, nil
}

// parseLines reads value=target. A value may have a = in it, as distinguished names
// do; a target never has.
func parseLines(flag string, texts []string) ([]sdk.SyncMapping[string], error) {
	lines := []sdk.SyncMapping[string]{}
	for _, text := range texts {
		i := strings.LastIndex(text, "=")
		if i < 1 || i == len(text)-1 {
			return nil, fmt.Errorf("--%s: %q is not of the form value=target", flag, text)
		}
		lines = append(lines, sdk.SyncMapping[string]{Given: text[:i], Gets: text[i+1:]})
	}
	return lines, nil
}

func (a *app) setOrganizationSyncCommand() *cobra.Command {
	var options syncOptions
	cmd := &cobra.Command{
		Use:   "organization-sync",
		Short: "Set how people come to organizations",
		Long: "Sets which claim decides about organizations, and which organizations its values\n" +
			"give: in part with flags, or as a whole with JSON, which is also read from what is\n" +
			"piped in. From the next login on people belong to these organizations and no other.",
		Example: "  usher organizations settings set organization-sync --field groups --map research=research\n" +
			"  usher organizations settings set organization-sync < settings.json",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			whole, err := options.replaces(a, cmd)
			if err != nil {
				return err
			}
			return a.setOrganizationSync(cmd, options, whole)
		},
	}
	cmd.Flags().BoolVar(&options.assignDefault, "assign-default", false, "let everyone belong to the default organization, or with\n=false nobody but whom the claim gives it")
	options.addFlags(cmd, "organization")
	return cmd
}

func (a *app) setOrganizationSync(cmd *cobra.Command, options syncOptions, whole bool) error {
	change := a.editOrganizationSync
	if whole {
		change = a.replaceOrganizationSync
	}
	client, settings, err := change(cmd, options)
	if err != nil {
		return err
	}
	return a.printOrganizationSync(cmd.Context(), options.output, client, settings)
}

func (a *app) replaceOrganizationSync(cmd *cobra.Command, options syncOptions) (*sdk.Client, sdk.OrganizationSyncSettings, error) {
	var wanted sdk.OrganizationSyncSettings
	if err := a.readJSON(options.file, "the settings", &wanted); err != nil {
		return nil, wanted, err
	}
	client, err := a.client()
	if err != nil {
		return nil, wanted, err
	}
	settings, err := client.UpdateOrganizationSync(cmd.Context(), wanted)
	return client, settings, err
}

// editOrganizationSync changes the mapping first: nobody is to log in between the
// two and find a claim that means nothing yet.
func (a *app) editOrganizationSync(cmd *cobra.Command, options syncOptions) (*sdk.Client, sdk.OrganizationSyncSettings, error) {
	var settings sdk.OrganizationSyncSettings
	add, remove, err := options.lines(cmd)
	if err != nil {
		return nil, settings, err
	}
	client, err := a.client()
	if err != nil {
		return nil, settings, err
	}
	ctx := cmd.Context()
	var request sdk.UpdateSyncMappingRequest[uuid.UUID]
	if request.Add, err = a.withOrganizations(ctx, add); err != nil {
		return nil, settings, err
	}
	if request.Remove, err = a.withOrganizations(ctx, remove); err != nil {
		return nil, settings, err
	}
	if len(add)+len(remove) > 0 {
		settings, err = client.UpdateOrganizationSyncMapping(ctx, request)
	} else {
		settings, err = client.OrganizationSync(ctx)
	}
	flags := cmd.Flags()
	if err != nil || !flags.Changed("field") && !flags.Changed("assign-default") {
		return client, settings, err
	}
	config := sdk.OrganizationSyncConfig{Field: settings.Field, AssignDefault: settings.AssignDefault}
	if flags.Changed("field") {
		config.Field = options.field
	}
	if flags.Changed("assign-default") {
		config.AssignDefault = options.assignDefault
	}
	settings, err = client.UpdateOrganizationSyncConfig(ctx, config)
	return client, settings, err
}

// withOrganizations finds the organizations that lines name. An id is one whether or
// not it exists: a line about a deleted organization can still be removed.
func (a *app) withOrganizations(ctx context.Context, lines []sdk.SyncMapping[string]) ([]sdk.SyncMapping[uuid.UUID], error) {
	found := []sdk.SyncMapping[uuid.UUID]{}
	for _, line := range lines {
		id, err := uuid.Parse(line.Gets)
		if err != nil {
			_, o, err := a.organization(ctx, line.Gets)
			if err != nil {
				return nil, err
			}
			id = o.ID
		}
		found = append(found, sdk.SyncMapping[uuid.UUID]{Given: line.Given, Gets: id})
	}
	return found, nil
}

func (a *app) setRoleSyncCommand() *cobra.Command {
	var options syncOptions
	cmd := &cobra.Command{
		Use:   "role-sync",
		Short: "Set how members come to the roles of an organization",
		Long: "Sets which claim decides about roles in an organization, and which roles its values\n" +
			"give: in part with flags, or as a whole with JSON, which is also read from what is\n" +
			"piped in. A value that is not mapped is itself the name of a role. From the next\n" +
			"login on members hold these roles and no other.",
		Example: "  usher organizations settings set role-sync --field groups --map leads=organization-admin\n" +
			"  usher organizations settings set role-sync --org research < settings.json",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			whole, err := options.replaces(a, cmd)
			if err != nil {
				return err
			}
			return a.setRoleSync(cmd, options, whole)
		},
	}
	addOrganization(cmd, &options.org)
	options.addFlags(cmd, "role")
	return cmd
}

func (a *app) setRoleSync(cmd *cobra.Command, options syncOptions, whole bool) error {
	change := a.editRoleSync
	if whole {
		change = a.replaceRoleSync
	}
	o, settings, err := change(cmd, options)
	if err != nil {
		return err
	}
	return a.printRoleSync(options.output, o, settings)
}

func (a *app) replaceRoleSync(cmd *cobra.Command, options syncOptions) (sdk.Organization, sdk.RoleSyncSettings, error) {
	var wanted sdk.RoleSyncSettings
	if err := a.readJSON(options.file, "the settings", &wanted); err != nil {
		return sdk.Organization{}, wanted, err
	}
	client, o, err := a.organization(cmd.Context(), options.org)
	if err != nil {
		return o, wanted, err
	}
	settings, err := client.UpdateRoleSync(cmd.Context(), o.ID.String(), wanted)
	return o, settings, err
}

// editRoleSync changes the mapping first, as editOrganizationSync does.
func (a *app) editRoleSync(cmd *cobra.Command, options syncOptions) (sdk.Organization, sdk.RoleSyncSettings, error) {
	var settings sdk.RoleSyncSettings
	add, remove, err := options.lines(cmd)
	if err != nil {
		return sdk.Organization{}, settings, err
	}
	ctx := cmd.Context()
	client, o, err := a.organization(ctx, options.org)
	if err != nil {
		return o, settings, err
	}
	if len(add)+len(remove) > 0 {
		settings, err = client.UpdateRoleSyncMapping(ctx, o.ID.String(), sdk.UpdateSyncMappingRequest[string]{Add: add, Remove: remove})
	}
	if err == nil && cmd.Flags().Changed("field") {
		settings, err = client.UpdateRoleSyncConfig(ctx, o.ID.String(), sdk.RoleSyncConfig{Field: options.field})
	}
	return o, settings, err
}
