package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"usher/sdk"
)

func (a *app) membersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "members",
		Short: "Manage who belongs to an organization",
		Long:  "Manages who belongs to an organization and with which roles. USER is a username,\nan id, or me.",
	}
	cmd.AddCommand(a.membersListCommand(), a.membersAddCommand(), a.membersRemoveCommand(), a.membersEditRolesCommand())
	return group(cmd)
}

func (a *app) membersListCommand() *cobra.Command {
	var org, search string
	var output format
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the members of an organization",
		Long: "Lists the members that you may see, by username.\n\n" +
			"A search is like that of \"usher users list\"; it is for those who may see all\n" +
			"members.",
		Example: "  usher organizations members list --org research\n" +
			"  usher organizations members list --search \"status:suspended\" --output json",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, o, err := a.organization(cmd.Context(), org)
			if err != nil {
				return err
			}
			members, err := fetchMembers(cmd.Context(), client, o, search)
			if err != nil {
				return err
			}
			return a.print(output, members, func(w io.Writer) {
				writeRow(w, "USERNAME", "EMAIL", "NAME", "STATUS", "ORGANIZATION ROLES", "SITE ROLES")
				for _, m := range members {
					writeRow(w, m.Username, orDash(m.Email), orDash(m.Name), string(m.Status),
						orDash(roleNames(m.Roles)), orDash(roleNames(m.GlobalRoles)))
				}
			})
		},
	}
	flags := cmd.Flags()
	addOrganization(cmd, &org)
	flags.StringVar(&search, "search", "", "show only members that match this `query`")
	output.addFlag(cmd)
	flags.SortFlags = false
	return cmd
}

// fetchMembers takes the list that everyone may ask for, unless there is
// something to search.
func fetchMembers(ctx context.Context, client *sdk.Client, o sdk.Organization, search string) ([]sdk.OrganizationMemberWithUserData, error) {
	if search == "" {
		return client.OrganizationMembers(ctx, o.ID.String())
	}
	page, err := client.OrganizationMembersPage(ctx, o.ID.String(), sdk.MembersRequest{Search: search})
	return page.Members, err
}

func (a *app) membersAddCommand() *cobra.Command {
	var org string
	var output format
	cmd := &cobra.Command{
		Use:   "add USER",
		Short: "Make a user a member of an organization",
		Long:  "Makes a user a member, without a role in the organization.",
		Args:  takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, o, err := a.organization(cmd.Context(), org)
			if err != nil {
				return err
			}
			_, user, err := a.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			member, err := client.AddOrganizationMember(cmd.Context(), o.ID.String(), user.ID.String())
			if err != nil {
				return err
			}
			return a.print(output, member, func(w io.Writer) { fmt.Fprintf(w, "Added %s to %s.\n", user.Username, o.Name) })
		},
	}
	addOrganization(cmd, &org)
	output.addFlag(cmd)
	cmd.Flags().SortFlags = false
	return cmd
}

// member returns a client, the organization and one of its members.
func (a *app) member(ctx context.Context, org, name string) (*sdk.Client, sdk.Organization, sdk.OrganizationMemberWithUserData, error) {
	client, o, err := a.organization(ctx, org)
	if err != nil {
		return nil, o, sdk.OrganizationMemberWithUserData{}, err
	}
	member, err := client.OrganizationMember(ctx, o.ID.String(), name)
	if sdk.IsNotFound(err) {
		err = fmt.Errorf("there is no member %q of %s that you may see", name, o.Name)
	}
	return client, o, member, err
}

func (a *app) membersRemoveCommand() *cobra.Command {
	var org string
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove USER",
		Short: "Take a user out of an organization",
		Long:  "Ends a membership and the roles that came with it, after a confirmation. The user\nis not deleted.",
		Args:  takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, o, member, err := a.member(cmd.Context(), org, args[0])
			if err != nil {
				return err
			}
			question := fmt.Sprintf("Remove %s from %s?", printable(member.Username), printable(o.Name))
			if err := a.confirm(cmd.Context(), yes, question); err != nil {
				return err
			}
			if err := client.RemoveOrganizationMember(cmd.Context(), o.ID.String(), member.UserID.String()); err != nil {
				return err
			}
			a.printf("Removed %s from %s.\n", member.Username, o.Name)
			return nil
		},
	}
	addOrganization(cmd, &org)
	addYes(cmd, &yes)
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) membersEditRolesCommand() *cobra.Command {
	var org string
	var roles []string
	var none bool
	var output format
	cmd := &cobra.Command{
		Use:   "edit-roles USER",
		Short: "Replace the organization roles of a member",
		Long: "Replaces the roles of a member in an organization by those that are given, and\n" +
			"shows the roles before and after. See which there are with: usher organizations\n" +
			"roles show",
		Example: "  usher organizations members edit-roles alice --role organization-auditor\n  usher organizations members edit-roles alice --org research --clear",
		Args:    takes("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exclusive(cmd, "role", "clear"); err != nil {
				return err
			}
			if len(roles) == 0 && !none {
				return misused(cmd, "--role is missing; --clear takes every role away")
			}
			return a.editMemberRoles(cmd.Context(), org, args[0], roles, output)
		},
	}
	flags := cmd.Flags()
	addOrganization(cmd, &org)
	flags.StringArrayVar(&roles, "role", nil, "give this `role`; repeatable")
	flags.BoolVar(&none, "clear", false, "take every role away")
	output.addFlag(cmd)
	flags.SortFlags = false
	return cmd
}

// editMemberRoles replaces roles; no roles at all are an empty list, never null.
func (a *app) editMemberRoles(ctx context.Context, org, name string, roles []string, output format) error {
	client, o, before, err := a.member(ctx, org, name)
	if err != nil {
		return err
	}
	request := sdk.UpdateRolesRequest{Roles: append([]string{}, roles...)}
	after, err := client.UpdateOrganizationMemberRoles(ctx, o.ID.String(), before.UserID.String(), request)
	if err != nil {
		return err
	}
	return a.print(output, after, func(w io.Writer) {
		fmt.Fprintf(w, "%s in %s: %s → %s\n", before.Username, o.Name, rolesOrNone(before.Roles), rolesOrNone(after.Roles))
	})
}
