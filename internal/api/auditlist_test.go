package api_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

func TestAuditFilters(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		una := join(t, s, "Una", "user-admin") // create by owner, login by Una
		ted := una.post(t, "/api/v2/users", newUser("ted")).user(t, http.StatusCreated)
		una.put(t, path("ted", "status/suspend"), nil).want(t, http.StatusOK)
		owner(s).delete(t, path("ted")).want(t, http.StatusOK)
		today := time.Now().UTC()
		day := func(shift int) string { return today.AddDate(0, 0, shift).Format(time.DateOnly) }

		for q, want := range map[string]int{
			"":                                     7, // first user, its login, create Una, her login, create ted, suspend, delete
			"user":                                 5,
			"resource_type:api_key":                2,
			"resource_type:user action:create":     3,
			"action:delete":                        1,
			"action:stop":                          0,
			"resource_id:" + ted.ID.String():       3,
			"resource_id:" + uuid.NewString():      0,
			"resource_target:ted":                  3,
			"resource_target:TED":                  3,
			"resource_target:te":                   0,
			"username:una":                         3,
			"username:UNA action:write":            1,
			"username:me":                          4,
			"username:nobody":                      0,
			"email:UNA@example.com":                3,
			"date_from:" + day(-1):                 7,
			"date_from:" + day(1):                  0,
			"date_to:" + day(1):                    7,
			"date_to:" + day(-2):                   0,
			"organization:coder":                   0,
			"organization:" + uuid.NewString():     0,
			"build_reason:autostart":               0,
			"resource_type:user username:una":      2,
			`resource_target:"ted" action:"write"`: 1,
		} {
			if page := auditPage(t, owner(s), "?q="+url.QueryEscape(q)); page.Count != want || len(page.AuditLogs) != want {
				t.Errorf("%q: count %d, %d entries, want %d", q, page.Count, len(page.AuditLogs), want)
			}
		}
		// "me" is whoever asks.
		if page := auditPage(t, join(t, s, "aud", "auditor").client, "?q=username:me"); page.Count != 1 {
			t.Errorf("the auditor did %d things, want 1: its login", page.Count)
		}
	})
}

func TestAuditQueryFaults(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	for q, field := range map[string]string{
		"invalid":               "resource_type",
		"resource_type:nothing": "resource_type",
		"action:explode":        "action",
		"build_reason:because":  "build_reason",
		"resource_id:x":         "resource_id",
		"request_id:x":          "request_id",
		"date_from:yesterday":   "date_from",
		"date_to:2026-13-01":    "date_to",
		"organization:nowhere":  "organization",
		"colour:red":            "colour",
		":x":                    "q",
		"action:":               "q",
	} {
		owner(s).get(t, auditPath+"?q="+url.QueryEscape(q)).refused(t, http.StatusBadRequest, "Invalid audit search query.", field)
	}
	owner(s).get(t, auditPath+"?limit=-1&offset=x").refused(t, http.StatusBadRequest, badQuery, "limit", "offset")
	owner(s).get(t, auditPath+"?limit=1&limit=2").refused(t, http.StatusBadRequest, badQuery, "limit")
	// after_id means nothing here, whatever it is.
	owner(s).get(t, auditPath+"?after_id=x").want(t, http.StatusOK)
}

func TestAuditPages(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		user := create(t, s, newUser("ted"))
		const more = 104
		for range more / 2 {
			owner(s).put(t, path(user.ID, "status/suspend"), nil).want(t, http.StatusOK)
			owner(s).put(t, path(user.ID, "status/activate"), nil).want(t, http.StatusOK)
		}
		q := "?q=resource_id:" + user.ID.String()
		for query, want := range map[string]int{
			q: 100, q + "&limit=": 100, q + "&limit=0": 100, q + "&limit=3": 3, q + "&limit=1000": more + 1,
			q + "&offset=100": 5, q + "&offset=1000": 0,
		} {
			page := auditPage(t, owner(s), query)
			if len(page.AuditLogs) != want || page.Count != more+1 {
				t.Errorf("%s: %d entries of %d, want %d of %d", query, len(page.AuditLogs), page.Count, want, more+1)
			}
			for i := 1; i < len(page.AuditLogs); i++ {
				if page.AuditLogs[i].Time.After(page.AuditLogs[i-1].Time) {
					t.Fatalf("%s: entry %d is newer than the one before", query, i)
				}
			}
		}
	})
}

func TestAuditReaders(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		if n := auditPage(t, join(t, s, "aud", "auditor").client, "").Count; n == 0 {
			t.Error("an auditor reads nothing")
		}
		for name, roles := range map[string][]string{"uma": {"user-admin"}, "tom": {"template-admin"}, "mia": nil} {
			who := join(t, s, name, roles...)
			who.get(t, auditPath).lacks(t, "audit_log:read", "role")
			who.get(t, auditPath+"?q=invalid").lacks(t, "audit_log:read", "role")
		}
		guest(s).get(t, auditPath).refused(t, http.StatusUnauthorized, signedOut)

		// A deleted actor is still shown.
		una := join(t, s, "una", "user-admin")
		a := una.post(t, "/api/v2/users", newUser("ted")).want(t, http.StatusCreated)
		owner(s).delete(t, path(una.ID)).want(t, http.StatusOK)
		if e := entryOf(t, s, a); e.User == nil || e.User.Username != "una" || e.User.Email != una.Email || len(e.User.Roles) != 1 {
			t.Errorf("the actor is %+v", e.User)
		}
	})
}
