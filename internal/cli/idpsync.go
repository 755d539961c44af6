package cli

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"usher/sdk"
)

func (a *app) syncSettingsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "Decide what an identity provider decides",
		Long: "Shows and sets how organizations, and roles in them, follow from what the default\n" +
			"OpenID Connect provider says of people. It happens when they log in; what follows from\n" +
			"a provider cannot be changed by hand for those who come from there.",
	}
	show := &cobra.Command{
		Use: "show", Short: "Show how organizations or roles follow from a provider",
		Long: "Shows how organizations, or roles in one of them, follow from what the provider says.",
	}
	show.AddCommand(a.showOrganizationSyncCommand(), a.showRoleSyncCommand())
	set := &cobra.Command{
		Use: "set", Short: "Set how organizations or roles follow from a provider",
		Long: "Sets how organizations, or roles in one of them, follow from what the provider says.",
	}
	set.AddCommand(a.setOrganizationSyncCommand(), a.setRoleSyncCommand())
	cmd.AddCommand(group(show), group(set))
	return group(cmd)
}

func (a *app) showOrganizationSyncCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "organization-sync",
		Short: "Show how people come to organizations",
		Long: "Shows which claim decides about organizations, and which organizations its values\n" +
			"give. The JSON can be changed and given to \"usher organizations settings set\n" +
			"organization-sync\".",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			settings, err := client.OrganizationSync(cmd.Context())
			if err != nil {
				return err
			}
			return a.printOrganizationSync(cmd.Context(), output, client, settings)
		},
	}
	output.addFlag(cmd)
	return cmd
}

func (a *app) showRoleSyncCommand() *cobra.Command {
	var org string
	var output format
	cmd := &cobra.Command{
		Use:   "role-sync",
		Short: "Show how members come to the roles of an organization",
		Long: "Shows which claim decides about roles in an organization, and which roles its\n" +
			"values give. The JSON can be changed and given to \"usher organizations settings set\n" +
			"role-sync\".",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, o, err := a.organization(cmd.Context(), org)
			if err != nil {
				return err
			}
			settings, err := client.RoleSync(cmd.Context(), o.ID.String())
			if err != nil {
				return err
			}
			return a.printRoleSync(output, o, settings)
		},
	}
	addOrganization(cmd, &org)
	output.addFlag(cmd)
	cmd.Flags().SortFlags = false
	return cmd
}

// printOrganizationSync names the organizations that the caller may see.
func (a *app) printOrganizationSync(ctx context.Context, output format, client *sdk.Client, settings sdk.OrganizationSyncSettings) error {
	names := map[uuid.UUID]string{}
	if !output.json {
		list, err := client.Organizations(ctx)
		if err != nil {
			return err
		}
		for _, o := range list {
			names[o.ID] = o.Name
		}
	}
	return a.print(output, settings, func(w io.Writer) {
		writeRow(w, "Claim", orDash(settings.Field))
		writeRow(w, "Everyone in the default one", yesOrDash(settings.AssignDefault))
		writeMapping(w, settings.Mapping, func(id uuid.UUID) string {
			if name, known := names[id]; known {
				return name
			}
			return id.String()
		})
	})
}

func (a *app) printRoleSync(output format, o sdk.Organization, settings sdk.RoleSyncSettings) error {
	return a.print(output, settings, func(w io.Writer) {
		writeRow(w, "Organization", o.Name)
		writeRow(w, "Claim", orDash(settings.Field))
		writeMapping(w, settings.Mapping, func(role string) string { return role })
	})
}

// writeMapping writes a line for each value of the claim.
func writeMapping[T any](w io.Writer, mapping map[string][]T, name func(T) string) {
	title := "Mapping"
	for _, claim := range slices.Sorted(maps.Keys(mapping)) {
		names := []string{}
		for _, target := range mapping[claim] {
			names = append(names, name(target))
		}
		gets := strings.Join(names, ", ")
		if gets == "" {
			gets = "nothing"
		}
		writeRow(w, title, claim+" → "+gets)
		title = ""
	}
}
