package api

import (
	"fmt"
	"iter"

	"usher/internal/account"
	"usher/sdk"
)

func (a *API) listMembers(c *call) error {
	members, err := a.Service.ListMembers(c.ctx(), c.actor, c.org(), c.query("q"))
	if err != nil {
		return err
	}
	return c.streamMembers("[", members, "]\n")
}

func (a *API) listMembersPaginated(c *call) error {
	page, malformed := c.page()
	listing, err := a.Service.PageMembers(c.ctx(), c.actor, c.org(), c.query("q"), page, malformed)
	if err != nil {
		return err
	}
	return c.streamMembers(fmt.Sprintf(`{"count":%d,"members":[`, listing.Count), listing.Members, "]}\n")
}

func (c *call) streamMembers(head string, members iter.Seq2[account.Member, error], tail string) error {
	return stream(c, head, members, func(m account.Member) any { return toMemberWithUser(m) }, tail)
}

func (a *API) getMember(c *call) error {
	member, err := a.Service.Member(c.ctx(), c.actor, c.org(), c.user())
	if err != nil {
		return err
	}
	return c.ok(toMemberWithUser(member))
}

func (a *API) addMember(c *call) error {
	return c.member200(a.Service.AddMember(c.ctx(), c.actor, c.org(), c.user()))
}

func (a *API) removeMember(c *call) error {
	if err := a.Service.RemoveMember(c.ctx(), c.actor, c.org(), c.user()); err != nil {
		return err
	}
	return c.noContent()
}

func (a *API) updateMemberRoles(c *call) error {
	var req sdk.UpdateRolesRequest
	malformed := c.read(&req)
	return c.member200(a.Service.UpdateMemberRoles(c.ctx(), c.actor, c.org(), c.user(), req.Roles, malformed))
}

func (c *call) member200(member account.Member, err error) error {
	if err != nil {
		return err
	}
	return c.ok(toMember(member))
}

func toMember(m account.Member) sdk.OrganizationMember {
	return sdk.OrganizationMember{
		UserID:         m.User.ID,
		OrganizationID: m.OrganizationID,
		CreatedAt:      m.CreatedAt,
		UpdatedAt:      m.UpdatedAt,
		Roles: encodeEach(m.Roles, func(name string) sdk.SlimRole {
			return sdk.SlimRole{
				Name: name, DisplayName: m.Role(name).DisplayName, OrganizationID: m.OrganizationID.String(),
			}
		}),
	}
}

func toMemberWithUser(m account.Member) sdk.OrganizationMemberWithUserData {
	user := toUser(m.User)
	return sdk.OrganizationMemberWithUserData{
		OrganizationMember: toMember(m),
		Username:           user.Username,
		Name:               user.Name,
		AvatarURL:          user.AvatarURL,
		Email:              user.Email,
		GlobalRoles:        user.Roles,
		Status:             user.Status,
		LoginType:          user.LoginType,
		LastSeenAt:         user.LastSeenAt,
		UserCreatedAt:      user.CreatedAt,
		UserUpdatedAt:      user.UpdatedAt,
		IsServiceAccount:   user.IsServiceAccount,
		HasAISeat:          user.HasAISeat,
	}
}
