package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"usher/sdk"
)

// roleOptions are the flags of a custom role.
type roleOptions struct {
	org         string
	displayName string
	permissions []string
	file        string
	output      format
}

func (o *roleOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	addOrganization(cmd, &o.org)
	flags.StringVar(&o.displayName, "display-name", "", "the `name` for people")
	flags.StringArrayVar(&o.permissions, "permission", nil,
		"permit this `resource:action`, or deny it with ! before it; *\nis every resource or action; repeatable")
	flags.StringVar(&o.file, "file", "", "read the role from this JSON `file`; - is standard input")
	o.output.addFlag(cmd)
	flags.SortFlags = false
}

// takesRole accepts the name of a role, which with --file may be in the file.
func (o *roleOptions) takesRole(cmd *cobra.Command, args []string) error {
	for _, flag := range []string{"display-name", "permission", "clear"} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		if err := exclusive(cmd, "file", flag); err != nil {
			return err
		}
	}
	switch {
	case cmd.Flags().Changed("file") && o.file == "":
		return misused(cmd, "--file is empty")
	case o.file != "":
		return takesOptional("ROLE")(cmd, args)
	}
	return takes("ROLE")(cmd, args)
}

func (a *app) rolesCreateCommand() *cobra.Command {
	var options roleOptions
	cmd := &cobra.Command{
		Use:   "create ROLE",
		Short: "Create a custom role",
		Long: "Creates a role of an organization. What it permits and denies holds in that\n" +
			"organization alone; a denial beats what other roles of the organization permit.\n" +
			"You can permit only what you may do yourself.",
		Example: "  usher organizations roles create helper --permission organization_member:read \\\n" +
			"      --permission '!workspace:*'\n" +
			"  usher organizations roles create --file helper.json",
		Args: options.takesRole,
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := a.describedRole(cmd, options, args)
			if err != nil {
				return err
			}
			client, o, err := a.organization(cmd.Context(), options.org)
			if err != nil {
				return err
			}
			created, err := client.CreateOrganizationRole(cmd.Context(), o.ID.String(), wanted)
			if err != nil {
				return err
			}
			return a.print(options.output, created, func(w io.Writer) { fmt.Fprintf(w, "Created role %s in %s.\n", created.Name, o.Name) })
		},
	}
	options.addFlags(cmd)
	return cmd
}

// describedRole returns the role that the file, or else the flags, describe. No
// server is asked before that is known to make sense.
func (a *app) describedRole(cmd *cobra.Command, options roleOptions, args []string) (sdk.CustomRoleRequest, error) {
	role := sdk.CustomRoleRequest{DisplayName: options.displayName}
	if options.file != "" {
		if err := a.readJSON(options.file, "a role", &role); err != nil {
			return role, err
		}
	}
	if len(args) > 0 {
		role.Name = args[0]
	}
	if role.Name == "" {
		return role, fmt.Errorf("%s names no role", options.file)
	}
	for _, text := range options.permissions {
		permission, err := parsePermission(text)
		if err != nil {
			return role, misused(cmd, "%w", err)
		}
		role.OrganizationPermissions = append(role.OrganizationPermissions, permission)
	}
	return role, nil
}

// readJSON reads a file, or standard input, as the JSON of what the API calls so.
func (a *app) readJSON(name, what string, v any) error {
	in := io.Reader(a.lines)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	if err := json.NewDecoder(in).Decode(v); err != nil {
		return fmt.Errorf("read %s: it is not the JSON of %s: %w", name, what, err)
	}
	return nil
}

// parsePermission reads "resource:action" or "!resource:action".
func parsePermission(text string) (sdk.Permission, error) {
	pair, negate := strings.CutPrefix(text, "!")
	resource, action, found := strings.Cut(pair, ":")
	if !found || resource == "" || action == "" {
		return sdk.Permission{}, fmt.Errorf("--permission: %q is not of the form resource:action", text)
	}
	return sdk.Permission{Negate: negate, ResourceType: resource, Action: action}, nil
}

func (a *app) rolesUpdateCommand() *cobra.Command {
	var options roleOptions
	var none bool
	cmd := &cobra.Command{
		Use:   "update ROLE",
		Short: "Change a custom role",
		Long: "Changes a custom role for everyone who holds it, from their next request on: the\n" +
			"display name, or the whole list of what it permits and denies. With --file the\n" +
			"role becomes what the file says.",
		Example: "  usher organizations roles update helper --permission template:read\n" +
			"  usher organizations roles show helper --output json > helper.json\n" +
			"  usher organizations roles update --file helper.json",
		Args: options.takesRole,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exclusive(cmd, "permission", "clear"); err != nil {
				return err
			}
			flags := cmd.Flags()
			if !flags.Changed("file") && !flags.Changed("display-name") && !flags.Changed("permission") && !none {
				return misused(cmd, "nothing is to be changed; say what with --permission, --clear, --display-name or --file")
			}
			return a.updateRole(cmd, options, args, none)
		},
	}
	options.addFlags(cmd)
	cmd.Flags().BoolVar(&none, "clear", false, "permit and deny nothing any more")
	return cmd
}

// updateRole keeps what the flags do not speak of, because the API replaces a
// role as a whole.
func (a *app) updateRole(cmd *cobra.Command, options roleOptions, args []string, none bool) error {
	ctx := cmd.Context()
	wanted, err := a.describedRole(cmd, options, args)
	if err != nil {
		return err
	}
	client, o, err := a.organization(ctx, options.org)
	if err != nil {
		return err
	}
	if options.file == "" {
		current, err := currentRole(ctx, client, o, wanted.Name)
		if err != nil {
			return err
		}
		if !cmd.Flags().Changed("display-name") {
			wanted.DisplayName = current.DisplayName
		}
		if !none && !cmd.Flags().Changed("permission") {
			wanted.OrganizationPermissions = current.OrganizationPermissions
		}
	}
	updated, err := client.UpdateOrganizationRole(ctx, o.ID.String(), wanted)
	if sdk.IsNotFound(err) {
		err = fmt.Errorf("there is no role %q in %s", wanted.Name, o.Name)
	}
	if err != nil {
		return err
	}
	return a.print(options.output, updated, func(w io.Writer) { fmt.Fprintf(w, "Updated role %s in %s.\n", updated.Name, o.Name) })
}

func currentRole(ctx context.Context, client *sdk.Client, o sdk.Organization, name string) (sdk.CustomRoleRequest, error) {
	roles, err := client.OrganizationRoles(ctx, o.ID.String())
	if err != nil {
		return sdk.CustomRoleRequest{}, err
	}
	role, err := roleNamed(roles, o, name)
	return sdk.CustomRoleRequest{
		Name: role.Name, DisplayName: role.DisplayName, OrganizationPermissions: role.OrganizationPermissions,
	}, err
}

func (a *app) rolesDeleteCommand() *cobra.Command {
	var org string
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete ROLE",
		Short: "Delete a custom role",
		Long:  "Deletes a custom role and takes it from everyone who holds it, after a confirmation.",
		Args:  takes("ROLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, o, err := a.organization(cmd.Context(), org)
			if err != nil {
				return err
			}
			role, err := currentRole(cmd.Context(), client, o, args[0])
			if err != nil {
				return err
			}
			question := fmt.Sprintf("Delete the role %s of %s, also from everyone who holds it?", printable(role.Name), printable(o.Name))
			if err := a.confirm(cmd.Context(), yes, question); err != nil {
				return err
			}
			if err := client.DeleteOrganizationRole(cmd.Context(), o.ID.String(), role.Name); err != nil {
				return err
			}
			a.printf("Deleted role %s of %s.\n", role.Name, o.Name)
			return nil
		},
	}
	addOrganization(cmd, &org)
	addYes(cmd, &yes)
	cmd.Flags().SortFlags = false
	return cmd
}
