package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"usher/sdk"
)

func (a *app) rolesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "roles",
		Short: "Manage the roles of an organization",
		Long: "Manages the roles that members of an organization can be given: the built-in ones,\n" +
			"and custom ones that say for themselves what they permit and deny in it.",
	}
	cmd.AddCommand(a.rolesShowCommand(), a.rolesCreateCommand(), a.rolesUpdateCommand(), a.rolesDeleteCommand())
	return group(cmd)
}

func (a *app) rolesShowCommand() *cobra.Command {
	var org string
	var output format
	cmd := &cobra.Command{
		Use:   "show [ROLE]",
		Short: "Show the roles of an organization, or what one permits",
		Long: "Shows the roles of an organization and whether you may give them, or with ROLE\n" +
			"what one of them permits and denies. The JSON of a custom role can be changed and\n" +
			"given to \"usher organizations roles update --file\".",
		Args: takesOptional("ROLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, o, err := a.organization(cmd.Context(), org)
			if err != nil {
				return err
			}
			roles, err := client.OrganizationRoles(cmd.Context(), o.ID.String())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return a.print(output, roles, func(w io.Writer) { writeRoles(w, roles) })
			}
			role, err := roleNamed(roles, o, args[0])
			if err != nil {
				return err
			}
			return a.print(output, role, func(w io.Writer) { writeRole(w, role, o) })
		},
	}
	addOrganization(cmd, &org)
	output.addFlag(cmd)
	cmd.Flags().SortFlags = false
	return cmd
}

func roleNamed(roles []sdk.AssignableRole, o sdk.Organization, name string) (sdk.AssignableRole, error) {
	for _, role := range roles {
		if strings.EqualFold(role.Name, name) {
			return role, nil
		}
	}
	return sdk.AssignableRole{}, fmt.Errorf("there is no role %q in %s", name, o.Name)
}

func kindOfRole(role sdk.AssignableRole) string {
	if role.BuiltIn {
		return "built-in"
	}
	return "custom"
}

func writeRoles(w io.Writer, roles []sdk.AssignableRole) {
	writeRow(w, "NAME", "DISPLAY NAME", "KIND", "YOU MAY GIVE IT")
	for _, role := range roles {
		writeRow(w, role.Name, orDash(role.DisplayName), kindOfRole(role), yesOrDash(role.Assignable))
	}
}

func writeRole(w io.Writer, role sdk.AssignableRole, o sdk.Organization) {
	writeRow(w, "Name", role.Name)
	writeRow(w, "Display name", orDash(role.DisplayName))
	writeRow(w, "Kind", kindOfRole(role))
	writeRow(w, "Organization", o.Name)
	writeRow(w, "You may give it", yesOrDash(role.Assignable))
	writePermissions(w, "Permits on the site", role.SitePermissions, false)
	writePermissions(w, "Permits", role.OrganizationPermissions, false)
	writePermissions(w, "Denies", role.OrganizationPermissions, true)
}

// writePermissions writes a line for each resource with its actions.
func writePermissions(w io.Writer, title string, permissions []sdk.Permission, negate bool) {
	var resources []string
	actions := map[string][]string{}
	for _, p := range permissions {
		if p.Negate != negate {
			continue
		}
		if !slices.Contains(resources, p.ResourceType) {
			resources = append(resources, p.ResourceType)
		}
		actions[p.ResourceType] = append(actions[p.ResourceType], p.Action)
	}
	for _, resource := range resources {
		writeRow(w, title, resource+": "+strings.Join(actions[resource], ", "))
		title = ""
	}
}
