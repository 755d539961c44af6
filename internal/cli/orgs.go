package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"usher/sdk"
)

func (a *app) organizationsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "organizations",
		Aliases: []string{"orgs"},
		Short:   "Manage organizations, their members and roles",
		Long:    "Manages organizations, who belongs to them and what their members may do in them.\nORG is a name, an id, or default.",
	}
	cmd.AddCommand(
		a.organizationsListCommand(), a.organizationsShowCommand(), a.organizationsCreateCommand(), a.organizationsDeleteCommand(),
		a.membersCommand(), a.rolesCommand(), a.syncSettingsCommand(),
	)
	return group(cmd)
}

// addOrganization adds the flag that says which organization a command is about.
func addOrganization(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "org", "", "the `organization`: a name, an id, or default\n[default: the only one that you belong to]")
}

// organization returns a client and the organization that --org names. Without
// it there must be no choice.
func (a *app) organization(ctx context.Context, name string) (*sdk.Client, sdk.Organization, error) {
	client, err := a.client()
	if err != nil {
		return nil, sdk.Organization{}, err
	}
	if name == "" {
		organization, err := onlyOrganization(ctx, client)
		return client, organization, err
	}
	organization, err := client.Organization(ctx, name)
	if sdk.IsNotFound(err) {
		err = noSuchOrganization(name)
	}
	return client, organization, err
}

func onlyOrganization(ctx context.Context, client *sdk.Client) (sdk.Organization, error) {
	own, err := client.UserOrganizations(ctx, sdk.Me)
	switch {
	case err != nil:
		return sdk.Organization{}, err
	case len(own) == 0:
		return sdk.Organization{}, errors.New("you belong to no organization; say which one with --org")
	case len(own) > 1:
		var names []string
		for _, organization := range own {
			names = append(names, organization.Name)
		}
		return sdk.Organization{}, fmt.Errorf("you belong to %s; say which one with --org", enumerate(names))
	}
	return own[0], nil
}

func noSuchOrganization(name string) error {
	return fmt.Errorf("there is no organization %q that you may see", name)
}

func (a *app) organizationsListCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List organizations",
		Long:  "Lists the organizations that you may see, the default one first.",
		Args:  takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			list, err := client.Organizations(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(output, list, func(w io.Writer) {
				writeRow(w, "NAME", "DISPLAY NAME", "ID", "DEFAULT", "CREATED")
				for _, o := range list {
					writeRow(w, o.Name, orDash(o.DisplayName), o.ID.String(), yesOrDash(o.IsDefault), date(o.CreatedAt))
				}
			})
		},
	}
	output.addFlag(cmd)
	return cmd
}

func yesOrDash(yes bool) string {
	if yes {
		return "yes"
	}
	return "-"
}

func (a *app) organizationsShowCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "show [ORG]",
		Short: "Show an organization",
		Long:  "Shows an organization: without ORG the only one that you belong to.",
		Args:  takesOptional("ORG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, o, err := a.organization(cmd.Context(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			return a.print(output, o, func(w io.Writer) {
				writeRow(w, "Name", o.Name)
				writeRow(w, "Display name", orDash(o.DisplayName))
				writeRow(w, "Description", orDash(o.Description))
				writeRow(w, "ID", o.ID.String())
				writeRow(w, "Default", yesOrDash(o.IsDefault))
				writeRow(w, "Created", date(o.CreatedAt))
				writeRow(w, "Server", a.target.url)
			})
		},
	}
	output.addFlag(cmd)
	return cmd
}

// takesOptional accepts the named argument, which is not empty, or none.
func takesOptional(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if args[0] == "" {
			return misused(cmd, "%s is empty", name)
		}
		return takes(name)(cmd, args)
	}
}

func (a *app) organizationsCreateCommand() *cobra.Command {
	var request sdk.CreateOrganizationRequest
	var output format
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Create an organization",
		Long:    "Creates an organization, whose first member you are.",
		Example: "  usher organizations create research --display-name \"Research and Development\"",
		Args:    takes("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			request.Name = args[0]
			created, err := client.CreateOrganization(cmd.Context(), request)
			if err != nil {
				return err
			}
			return a.print(output, created, func(w io.Writer) { fmt.Fprintf(w, "Created organization %s.\n", created.Name) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.DisplayName, "display-name", "", "the `name` for people [default: NAME]")
	flags.StringVar(&request.Description, "description", "", "what it is, in a `sentence`")
	flags.StringVar(&request.Icon, "icon", "", "the `address` of a picture")
	output.addFlag(cmd)
	flags.SortFlags = false
	return cmd
}

func (a *app) organizationsDeleteCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete ORG",
		Short: "Delete an organization",
		Long: "Deletes an organization with its custom roles, after a confirmation. It must have\n" +
			"no member but you, and must not be the default one. There is no way back.",
		Args: takes("ORG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return misused(cmd, "ORG is empty")
			}
			client, o, err := a.organization(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(cmd.Context(), yes, fmt.Sprintf("Delete the organization %s for ever?", printable(o.Name))); err != nil {
				return err
			}
			if err := client.DeleteOrganization(cmd.Context(), o.ID.String()); err != nil {
				return err
			}
			a.printf("Deleted organization %s.\n", o.Name)
			return nil
		},
	}
	addYes(cmd, &yes)
	return cmd
}
