package api_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// users returns the users that match a search, as the client sees them.
func users(t testing.TB, c client, q string) sdk.GetUsersResponse {
	t.Helper()
	return page(t, c, "?q="+url.QueryEscape(q))
}

func page(t testing.TB, c client, query string) sdk.GetUsersResponse {
	t.Helper()
	return decode[sdk.GetUsersResponse](t, c.get(t, "/api/v2/users"+query).want(t, http.StatusOK))
}

func names(list []sdk.User) []string {
	var names []string
	for _, user := range list {
		names = append(names, user.Username)
	}
	return names
}

func TestListIsFilteredByWhoAsks(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia := join(t, s, "mia")
		gone := create(t, s, newUser("gone"))
		owner(s).delete(t, path(gone.ID)).want(t, http.StatusOK)
		create(t, s, newUser("out").but("user_status", "suspended"))
		create(t, s, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}})

		if list := users(t, mia.client, ""); list.Count != 1 || len(list.Users) != 1 || list.Users[0].ID != mia.ID {
			t.Errorf("a member sees %v", names(list.Users))
		}
		if list := users(t, mia.client, "search:owner"); list.Count != 0 || list.Users == nil {
			t.Errorf("a member finds %v", names(list.Users))
		}
		want := []string{"mia", "out", "owner", "robot"}
		for _, role := range []string{"auditor", "template-admin", "user-admin"} {
			who := join(t, s, "zoe", role)
			list := users(t, who.client, "")
			if diff := gocmp.Diff(append(slices.Clone(want), "zoe"), names(list.Users)); diff != "" || list.Count != len(want)+1 {
				t.Errorf("%s: count %d\n%s", role, list.Count, diff)
			}
			owner(s).delete(t, path(who.ID)).want(t, http.StatusOK)
		}
		guest(s).get(t, "/api/v2/users").refused(t, http.StatusUnauthorized, signedOut)
	})
}

// TestSearch: what each key of the grammar finds. The grammar itself is tested
// where it is parsed.
func TestSearch(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		create(t, s, newUser("Ann", "auditor").but("name", "Ann O'Hara").but("user_status", nil))
		create(t, s, newUser("bob", "user-admin", "template-admin").but("email", "bob@gmail.com"))
		create(t, s, newUser("cal").but("user_status", "suspended").but("name", "100% cal_"))
		create(t, s, newUser("dee").but("password", nil).but("login_type", "none").but("user_status", nil))
		create(t, s, newUser("eve").but("password", nil).but("login_type", "github").but("name", "Ève"))
		create(t, s, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}})
		owned := owner(s).get(t, path("me")).user(t, http.StatusOK)
		instant := func(shift time.Duration) string {
			return `"` + owned.CreatedAt.Add(shift).Format(time.RFC3339Nano) + `"`
		}
		all := "Ann bob cal dee eve owner robot"
		for q, want := range map[string]string{
			"":                                 all,
			"status:active":                    "bob eve owner",
			"status:dormant":                   "Ann dee robot",
			"status:active,suspended":          "bob cal eve owner",
			"status:active status:suspended":   "bob cal eve owner",
			"STATUS:Active":                    "bob eve owner",
			"ANN":                              "Ann",
			"bob@gmail":                        "bob",
			"@EXAMPLE.com":                     "Ann cal dee eve owner",
			"search:b":                         "bob robot",
			`"b"`:                              "bob robot",
			"no body":                          "",
			"role:owner":                       "owner",
			"role:owner,auditor":               "Ann owner",
			"role:user-admin role:auditor":     "Ann bob",
			"role:member":                      all,
			"role:nothing":                     "",
			"login_type:none":                  "dee robot",
			"login_type:none,github":           "dee eve robot",
			"login_type:none status:dormant":   "dee robot",
			"service_account:true":             "robot",
			"service_account:0":                "Ann bob cal dee eve owner",
			"name:o'hara":                      "Ann",
			`name:"ann o"`:                     "Ann",
			"name:ève":                         "eve",
			"name:ÈVE":                         "eve",
			"name:%":                           "cal",
			"name:_":                           "cal",
			"%":                                "",
			"_":                                "",
			`\`:                                "",
			"github_com_user_id:0":             all,
			"github_com_user_id:5":             "",
			"created_before:" + instant(0):     "owner",
			"created_after:" + instant(0):      all,
			"created_after:" + instant(1000):   "Ann bob cal dee eve robot",
			"created_before:" + instant(-1000): "",
			`last_seen_after:"2020-01-01T00:00:00Z" role:auditor`: "",
			`last_seen_before:"0001-01-01T00:00:00z" ann`:         "Ann",
			`status:""`:             all,
			"status:active role:ow": "",
		} {
			list := users(t, owner(s), q)
			if got := strings.Join(names(list.Users), " "); got != want || list.Count != len(list.Users) {
				t.Errorf("%q: %s (%d), want %s", q, got, list.Count, want)
			}
		}
	})
}

func TestSearchFaults(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		const fault = "Invalid user search query."
		for q, fields := range map[string][]string{
			"status:asleep":                         {"status"},
			"login_type:magic":                      {"login_type"},
			"service_account:perhaps":               {"service_account"},
			"github_com_user_id:x":                  {"github_com_user_id"},
			"last_seen_before:yesterday":            {"last_seen_before"},
			"last_seen_after:2026-01-01":            {"last_seen_after"},
			"created_before:x created_after:y":      {"created_before", "created_after"},
			"created_before:2026-01-02T00:00:00Z":   {"q"},
			":x":                                    {"q"},
			"x:":                                    {"q"},
			"colour:red":                            {"colour"},
			"name:a name:b":                         {"name"},
			"search:a search:b":                     {"search"},
			"service_account:true status:x colour:": {"q", "status"},
			"a\x00b":                                {"q"},
			"name:\xff":                             {"q"},
			strings.Repeat("x", 5000):               {"q"},
		} {
			a := owner(s).get(t, "/api/v2/users?q="+url.QueryEscape(q))
			body := decode[sdk.Response](t, a.want(t, http.StatusBadRequest))
			var got []string
			for _, v := range body.Validations {
				got = append(got, v.Field)
			}
			slices.Sort(got)
			slices.Sort(fields)
			if body.Message != fault || !slices.Equal(got, fields) {
				t.Errorf("%q: %s %q, want %q", q, body.Message, got, fields)
			}
		}
		// The search is looked at before the page.
		owner(s).get(t, "/api/v2/users?q=x:&limit=-1").refused(t, http.StatusBadRequest, fault, "q")
	})
}

func TestPageFaults(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for query, fields := range map[string][]string{
		"?limit=-1":                            {"limit"},
		"?limit=2147483648":                    {"limit"},
		"?limit=1.5&offset=x&after_id=y":       {"limit", "offset", "after_id"},
		"?offset=-5":                           {"offset"},
		"?offset=99999999999999999999":         {"offset"},
		"?after_id=1":                          {"after_id"},
		"?limit=1&limit=1":                     {"limit"},
		"?after_id=" + uuid.Nil.String() + "a": {"after_id"},
	} {
		body := owner(s).get(t, "/api/v2/users"+query).refused(t, http.StatusBadRequest, badQuery, fields...)
		if strings.Contains(query, "&limit") && !strings.Contains(body.Validations[0].Detail, "provided more than once") {
			t.Errorf("%s: %s", query, body.Validations[0].Detail)
		}
	}
	for _, query := range []string{"?limit=&offset=&after_id=&q=", "?limit=0", "?limit=2147483647", "?unknown=1", "?after_id=" + uuid.Nil.String()} {
		if list := page(t, owner(s), query); len(list.Users) != 1 {
			t.Errorf("%s: %v", query, names(list.Users))
		}
	}
}

// TestPages walks the list by cursor and by offset, forwards and backwards, in
// pages of several sizes.
func TestPages(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		const total = 51
		for i := range total - 1 {
			name, mail := fmt.Sprintf("user-%02d", i), "example.com"
			if i%3 == 0 {
				name = strings.ToUpper(name)
			}
			if i%2 == 0 {
				mail = "gmail.com"
			}
			create(t, s, newUser(name).but("password", nil).but("login_type", "none").but("email", name+"@"+mail))
		}
		all := users(t, owner(s), "").Users
		byName := slices.Clone(all)
		slices.SortFunc(byName, func(a, b sdk.User) int {
			return cmp.Compare(strings.ToLower(a.Username), strings.ToLower(b.Username))
		})
		if diff := gocmp.Diff(names(byName), names(all)); diff != "" || len(all) != total {
			t.Fatalf("%d users, in another order than that of their names:\n%s", len(all), diff)
		}
		for _, q := range []string{"", "gmail", "status:active"} {
			whole := users(t, owner(s), q).Users
			for _, size := range []int{3, 5, 7, 10, 50, 51, 100} {
				walk(t, s, q, size, whole)
			}
		}
	})
}

func walk(t *testing.T, s *servertest.Server, q string, size int, want []sdk.User) {
	t.Helper()
	var byCursor, byOffset []string
	for after := uuid.Nil; ; {
		list := page(t, owner(s), fmt.Sprintf("?q=%s&limit=%d&after_id=%s", q, size, after))
		byCursor = append(byCursor, names(list.Users)...)
		if list.Count != len(want) {
			t.Errorf("%q: count %d, want %d whatever the page", q, list.Count, len(want))
		}
		if len(list.Users) < size {
			break
		}
		after = list.Users[size-1].ID
	}
	for offset := 0; offset < len(want)+size; offset += size {
		list := page(t, owner(s), fmt.Sprintf("?q=%s&limit=%d&offset=%d", q, size, offset))
		byOffset = append(byOffset, names(list.Users)...)
		if list.Count != len(want) {
			t.Errorf("%q: count %d at offset %d, want %d", q, list.Count, offset, len(want))
		}
	}
	if diff := gocmp.Diff(names(want), byCursor); diff != "" {
		t.Errorf("%q by cursor in pages of %d:\n%s", q, size, diff)
	}
	if diff := gocmp.Diff(names(want), byOffset); diff != "" {
		t.Errorf("%q by offset in pages of %d:\n%s", q, size, diff)
	}
}

// TestCursorsOutliveTheirUsers: the user that a page ended with may be deleted
// or suspended before the next one is asked for.
func TestCursorsOutliveTheirUsers(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, name := range []string{"a", "b", "c", "d"} {
			create(t, s, newUser(name).but("password", nil).but("login_type", "none"))
		}
		list := page(t, owner(s), "?limit=2")
		b := list.Users[1]
		rest := func() []string { return names(page(t, owner(s), "?after_id="+b.ID.String()).Users) }
		want := []string{"c", "d", "owner"}
		owner(s).put(t, path(b.ID, "status/suspend"), nil).want(t, http.StatusOK)
		if diff := gocmp.Diff(want, rest()); diff != "" {
			t.Errorf("after a suspended user:\n%s", diff)
		}
		owner(s).delete(t, path(b.ID)).want(t, http.StatusOK)
		if diff := gocmp.Diff(want, rest()); diff != "" {
			t.Errorf("after a deleted user:\n%s", diff)
		}
		if list := page(t, owner(s), "?after_id="+uuid.NewString()); len(list.Users) != 0 {
			t.Errorf("after nobody come %v", names(list.Users))
		}
		// With both, the offset counts from the cursor.
		if list := page(t, owner(s), "?offset=1&limit=1&after_id="+b.ID.String()); len(list.Users) != 1 || list.Users[0].Username != "d" {
			t.Errorf("one after c is %v", names(list.Users))
		}
		if list := page(t, owner(s), "?offset=100"); len(list.Users) != 0 || list.Count != 4 {
			t.Errorf("past the end: %d users, count %d", len(list.Users), list.Count)
		}
	})
}
