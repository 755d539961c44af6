package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// members returns the members of the plain list that match a search.
func members(t testing.TB, c client, organization any, q string) []sdk.OrganizationMemberWithUserData {
	t.Helper()
	at := orgPath(organization, "members") + "?q=" + url.QueryEscape(q)
	return decode[[]sdk.OrganizationMemberWithUserData](t, c.get(t, at).want(t, http.StatusOK))
}

// memberPage returns a page of the other list.
func memberPage(t testing.TB, c client, organization any, query string) sdk.PaginatedMembersResponse {
	t.Helper()
	return decode[sdk.PaginatedMembersResponse](t, c.get(t, orgPath(organization, "paginated-members")+query).want(t, http.StatusOK))
}

func memberNames(list []sdk.OrganizationMemberWithUserData) string {
	var names []string
	for _, member := range list {
		names = append(names, member.Username)
	}
	return strings.Join(names, " ")
}

func TestMembers(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "Other")
		ann := outsider(t, s, other.ID, "Ann", "organization-auditor", "organization-template-admin")
		bob := create(t, s, newUser("bob", "auditor", "user-admin").but("name", "Bob B.").but("user_status", "suspended"))
		appoint(t, s, other.ID, bob.ID)
		robot := create(t, s, body{"username": "Robot", "service_account": true, "organization_ids": []uuid.UUID{other.ID}})
		gone := create(t, s, newUser("gone").but("organization_ids", []uuid.UUID{other.ID}))
		owner(s).delete(t, path(gone.ID)).want(t, http.StatusOK)
		create(t, s, newUser("elsewhere"))

		list := members(t, owner(s), "other", "")
		if got := memberNames(list); got != "Ann bob owner Robot" {
			t.Fatalf("the members are %q", got)
		}
		paged := memberPage(t, owner(s), other.ID, "")
		if diff := cmp.Diff(sdk.PaginatedMembersResponse{Members: list, Count: 4}, paged); diff != "" {
			t.Errorf("the two lists differ (-plain +paginated):\n%s", diff)
		}
		got := list[1]
		want := sdk.OrganizationMemberWithUserData{
			OrganizationMember: sdk.OrganizationMember{
				UserID: bob.ID, OrganizationID: other.ID, CreatedAt: got.CreatedAt, UpdatedAt: got.UpdatedAt, Roles: []sdk.SlimRole{},
			},
			Username: "bob", Name: "Bob B.", Email: bob.Email, GlobalRoles: bob.Roles, Status: sdk.UserStatusSuspended,
			LoginType: sdk.LoginTypePassword, UserCreatedAt: bob.CreatedAt, UserUpdatedAt: bob.UpdatedAt,
		}
		if diff := cmp.Diff(want, got); diff != "" || got.CreatedAt.IsZero() || got.UpdatedAt.Before(got.CreatedAt) {
			t.Errorf("bob at %v, %v (-want +got):\n%s", got.CreatedAt, got.UpdatedAt, diff)
		}
		roles := []sdk.SlimRole{
			{Name: "organization-auditor", DisplayName: "Organization Auditor", OrganizationID: other.ID.String()},
			{Name: "organization-template-admin", DisplayName: "Organization Template Admin", OrganizationID: other.ID.String()},
		}
		if diff := cmp.Diff(roles, list[0].Roles); diff != "" {
			t.Errorf("ann's roles (-want +got):\n%s", diff)
		}
		if !list[3].IsServiceAccount || list[3].Email != "" || list[3].UserID != robot.ID {
			t.Errorf("%+v", list[3])
		}
		for _, ref := range []string{"bob", "BOB", bob.ID.String()} {
			if one := decode[sdk.OrganizationMemberWithUserData](t, owner(s).get(t, orgPath("other", "members", ref)).want(t, http.StatusOK)); !cmp.Equal(one, want) {
				t.Errorf("%s reads %+v", ref, one)
			}
		}
		for _, ref := range []string{"gone", gone.ID.String(), "elsewhere", "nobody", bob.Email, "first", "%00"} {
			owner(s).get(t, orgPath("other", "members", ref)).refused(t, http.StatusNotFound, notFound)
		}
		if me := decode[sdk.OrganizationMemberWithUserData](t, ann.get(t, orgPath(other.ID, "members/me")).want(t, http.StatusOK)); me.UserID != ann.ID {
			t.Errorf("me reads %+v", me)
		}
	})
}

// TestMemberListPaths: clients ask with a slash at the end, and name the
// organization in every way.
func TestMemberListPaths(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	join(t, s, "mia")
	for _, ref := range []any{"default", uuid.Nil, s.OrganizationID, "coder", "CODER"} {
		for _, at := range []string{"members", "members/", "/members//"} {
			list := decode[[]sdk.OrganizationMemberWithUserData](t, owner(s).get(t, orgPath(ref, at)).want(t, http.StatusOK))
			if got := memberNames(list); got != "mia owner" {
				t.Errorf("%v, %s: %q", ref, at, got)
			}
		}
		if got := memberPage(t, owner(s), ref, "/"); memberNames(got.Members) != "mia owner" || got.Count != 2 {
			t.Errorf("%v: %+v", ref, got)
		}
	}
}

// TestMembersAreFilteredByWhoAsks: the plain list shortens, the other refuses.
func TestMembersAreFilteredByWhoAsks(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		mia := outsider(t, s, other.ID, "mia")
		everyone := "mia owner"
		for _, role := range []string{"organization-admin", "organization-auditor", "organization-template-admin", "organization-user-admin"} {
			who := outsider(t, s, other.ID, "zoe", role)
			list, paged := members(t, who.client, other.ID, ""), memberPage(t, who.client, other.ID, "")
			if memberNames(list) != everyone+" zoe" || memberNames(paged.Members) != everyone+" zoe" || paged.Count != 3 {
				t.Errorf("%s sees %q, %q of %d", role, memberNames(list), memberNames(paged.Members), paged.Count)
			}
			who.get(t, orgPath(other.ID, "members/mia")).want(t, http.StatusOK)
			who.get(t, orgPath("default", "members")).refused(t, http.StatusNotFound, notFound)
			who.get(t, orgPath("default", "paginated-members")).refused(t, http.StatusNotFound, notFound)
			owner(s).delete(t, path(who.ID)).want(t, http.StatusOK)
		}
		for _, role := range []string{"auditor", "template-admin", "user-admin"} { // without belonging to it
			who := join(t, s, "zoe", role)
			if got := memberNames(members(t, who.client, "other", "")); got != everyone {
				t.Errorf("%s sees %q", role, got)
			}
			if got := memberPage(t, who.client, "other", ""); got.Count != 2 {
				t.Errorf("%s counts %d", role, got.Count)
			}
			owner(s).delete(t, path(who.ID)).want(t, http.StatusOK)
		}
		list := members(t, mia.client, "other", "")
		if memberNames(list) != "mia" || list[0].Email != mia.Email {
			t.Errorf("a member sees %+v", list)
		}
		mia.get(t, orgPath("other", "paginated-members")).lacks(t, "organization_member:read", "role")
		mia.get(t, orgPath("other", "paginated-members")+"?q=x:").lacks(t, "organization_member:read", "role")
		mia.get(t, orgPath("other", "members/owner")).refused(t, http.StatusNotFound, notFound)
		mia.get(t, orgPath("other", "members/mia")).want(t, http.StatusOK)
		stranger := join(t, s, "stranger")
		for _, at := range []string{"members", "paginated-members", "members/mia", "members/me", "members?q=x:"} {
			stranger.get(t, orgPath("other", at)).refused(t, http.StatusNotFound, notFound)
			guest(s).get(t, orgPath("other", at)).refused(t, http.StatusUnauthorized, signedOut)
		}
	})
}

// TestMemberSearch is the grammar of the plain list, which knows few keys.
func TestMemberSearch(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia, out := join(t, s, "mia"), outsider(t, s, found(t, s, "other").ID, "out")
		for q, want := range map[string]string{
			"":                                  "mia owner",
			"user_id:" + mia.ID.String():        "mia",
			`user_id:"` + mia.ID.String() + `"`: "mia",
			"USER_ID:" + strings.ToUpper(mia.ID.String()):    "mia",
			"user_id:" + out.ID.String():                     "",
			"user_id:" + uuid.NewString():                    "",
			`user_id:""`:                                     "mia owner",
			"github_user_id:0":                               "mia owner",
			"github_user_id:7":                               "",
			"include_system:true":                            "mia owner",
			"include_system:0 user_id:" + s.OwnerID.String(): "owner",
		} {
			if got := memberNames(members(t, owner(s), "default", q)); got != want {
				t.Errorf("%q finds %q, want %q", q, got, want)
			}
		}
		if got := members(t, mia.client, "default", "user_id:"+s.OwnerID.String()); got == nil || len(got) != 0 {
			t.Errorf("a member finds %+v", got)
		}
		for q, field := range map[string]string{
			"mia": "search", "status:active": "status", "user_id:mia": "user_id", "github_user_id:x": "github_user_id",
			"include_system:perhaps": "include_system", "user_id:": "q", "a:b:c": "q",
			"user_id:" + mia.ID.String() + " user_id:" + mia.ID.String(): "user_id",
		} {
			at := orgPath("default", "members") + "?q=" + url.QueryEscape(q)
			owner(s).get(t, at).refused(t, http.StatusBadRequest, "Invalid organization member search query.", field)
		}
	})
}

// TestMemberPageSearch: the other list takes the search of users.
func TestMemberPageSearch(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		for i, name := range []string{"ann", "Anton", "ben"} {
			user := create(t, s, newUser(name, []string{"auditor", "member", "auditor"}[i]).but("user_status", []any{"active", nil, "suspended"}[i]))
			appoint(t, s, other.ID, user.ID)
		}
		create(t, s, newUser("annette"))
		for q, want := range map[string]string{
			"":                           "ann Anton ben owner",
			"AN":                         "ann Anton",
			"status:dormant":             "Anton",
			"status:active,suspended an": "ann",
			"role:auditor":               "ann ben",
			"ann@EXAMPLE.com":            "ann",
			"login_type:github":          "",
			"%":                          "",
		} {
			page := memberPage(t, owner(s), other.ID, "?q="+url.QueryEscape(q))
			if got := memberNames(page.Members); got != want || page.Count != len(page.Members) {
				t.Errorf("%q finds %q (%d), want %q", q, got, page.Count, want)
			}
		}
		at := orgPath("other", "paginated-members")
		owner(s).get(t, at+"?q=user_id:x&limit=-1").refused(t, http.StatusBadRequest, "Invalid user search query.", "user_id")
		owner(s).get(t, at+"?limit=-1&offset=x&after_id=1").refused(t, http.StatusBadRequest, badQuery, "limit", "offset", "after_id")
		owner(s).get(t, at+"?limit=1&limit=1").refused(t, http.StatusBadRequest, badQuery, "limit")
	})
}

func TestMemberPages(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := found(t, s, "other")
		want := []string{"owner"}
		for i := range 12 {
			name := fmt.Sprintf("%s%02d", []string{"m", "M"}[i%2], i)
			create(t, s, newUser(name).but("organization_ids", []uuid.UUID{other.ID}))
			create(t, s, newUser("not-"+name))
			want = append(want, name)
		}
		slices.SortFunc(want, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
		for _, size := range []int{3, 5, 13, 20} {
			var forward, skipping []string
			after, last := uuid.Nil, size
			for last == size {
				page := memberPage(t, owner(s), "other", fmt.Sprintf("?limit=%d&after_id=%s", size, after))
				for _, m := range page.Members {
					forward, after = append(forward, m.Username), m.UserID
				}
				last = len(page.Members)
			}
			for offset := 0; offset <= len(want); offset += size {
				page := memberPage(t, owner(s), "other", fmt.Sprintf("?limit=%d&offset=%d", size, offset))
				for _, m := range page.Members {
					skipping = append(skipping, m.Username)
				}
				if page.Count != len(want) {
					t.Errorf("the count is %d, want %d", page.Count, len(want))
				}
			}
			if !slices.Equal(forward, want) || !slices.Equal(skipping, want) {
				t.Errorf("by %d: %v, by offset %v, want %v", size, forward, skipping, want)
			}
		}
		past := memberPage(t, owner(s), "other", "?offset=50&limit=5")
		if past.Members == nil || len(past.Members) != 0 || past.Count != len(want) {
			t.Errorf("past the end: %+v", past)
		}
		if rest := memberPage(t, owner(s), "other", "?offset=10&limit=0&q="); len(rest.Members) != 3 {
			t.Errorf("without a limit there are %d", len(rest.Members))
		}
		if page := memberPage(t, owner(s), "other", "?after_id="+uuid.NewString()); len(page.Members) != 0 {
			t.Errorf("after nobody there are %d", len(page.Members))
		}
	})
}
