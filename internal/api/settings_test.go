package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// look is the request for an appearance, as older clients send it.
func look(theme, font string) body { return body{"theme_preference": theme, "terminal_font": font} }

func TestAppearance(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia := join(t, s, "mia")
		at := path("me", "appearance")
		read := func(a answer) sdk.UserAppearanceSettings {
			return decode[sdk.UserAppearanceSettings](t, a.want(t, http.StatusOK))
		}
		if got := read(mia.get(t, at)); got != (sdk.UserAppearanceSettings{}) {
			t.Errorf("before anything was chosen: %+v", got)
		}
		for _, step := range []struct {
			put  body
			want sdk.UserAppearanceSettings
		}{
			{look("dark", "fira-code"), sdk.UserAppearanceSettings{ThemePreference: "dark"}},
			{
				look("dark", "fira-code").but("theme_mode", "sync").but("theme_light", "light-tritan").but("theme_dark", "dark"),
				sdk.UserAppearanceSettings{ThemePreference: "dark", ThemeMode: "sync", ThemeLight: "light-tritan", ThemeDark: "dark"},
			},
			{
				look("light", "geist-mono"),
				sdk.UserAppearanceSettings{ThemePreference: "light", TerminalFont: "geist-mono", ThemeMode: "sync", ThemeLight: "light-tritan", ThemeDark: "dark"},
			},
			{
				look("light", "fira-code").but("theme_mode", "single").but("theme_dark", "dark-tritan"),
				sdk.UserAppearanceSettings{ThemePreference: "light", ThemeMode: "single", ThemeLight: "light-tritan", ThemeDark: "dark-tritan"},
			},
			{
				look("auto", "fira-code").but("theme_mode", ""),
				sdk.UserAppearanceSettings{ThemePreference: "auto", ThemeLight: "light-tritan", ThemeDark: "dark-tritan"},
			},
		} {
			want := step.want
			if want.TerminalFont == "" {
				want.TerminalFont = "fira-code"
			}
			if diff := cmp.Diff(want, read(mia.put(t, at, step.put))); diff != "" {
				t.Errorf("%v is answered with (-want +got):\n%s", step.put, diff)
			}
			if diff := cmp.Diff(want, read(owner(s).get(t, path("mia", "appearance")))); diff != "" {
				t.Errorf("%v stores (-want +got):\n%s", step.put, diff)
			}
		}
		if got := read(owner(s).get(t, at)); got != (sdk.UserAppearanceSettings{}) {
			t.Errorf("another user has it, too: %+v", got)
		}
	})
}

func TestAppearanceRefusals(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	at := path("me", "appearance")
	good := look("dark", "fira-code")
	owner(s).put(t, at, good).want(t, http.StatusOK)
	for _, test := range []struct {
		put    any
		fields []string
	}{
		{body{}, []string{"theme_preference", "terminal_font"}},
		{look("", "fira-code"), []string{"theme_preference"}},
		{look("light", ""), []string{"terminal_font"}},
		{look("light", "comic-sans"), []string{"terminal_font"}},
		{look("light", "fira-code").but("theme_mode", "both"), []string{"theme_mode"}},
		{look("light", "fira-code").but("theme_light", "noon"), []string{"theme_light"}},
		{look("light", "fira-code").but("theme_mode", "single").but("theme_dark", "night"), []string{"theme_dark"}},
		{look("light", "fira-code").but("theme_mode", "sync"), []string{"theme_light", "theme_dark"}},
		{look(strings.Repeat("x", 65), "fira-code"), []string{"theme_preference"}},
	} {
		owner(s).put(t, at, test.put).refused(t, http.StatusBadRequest, badFields, test.fields...)
	}
	for _, text := range []string{"", "{", `{"theme_preference":1}`, `"dark"`} {
		owner(s).put(t, at, text).refused(t, http.StatusBadRequest, badJSON)
	}
	got := decode[sdk.UserAppearanceSettings](t, owner(s).get(t, at))
	if got != (sdk.UserAppearanceSettings{ThemePreference: "dark", TerminalFont: "fira-code"}) {
		t.Errorf("a refusal changed something: %+v", got)
	}
}

// TestUsersShowTheTheme: the preference is part of the user wherever the user
// is shown, at once, and by a session that was in use before.
func TestUsersShowTheTheme(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia := join(t, s, "mia", "auditor")
		shows := func(name string, got sdk.User, want string) {
			t.Helper()
			if got.ThemePreference != want {
				t.Errorf("%s shows the theme %q, want %q", name, got.ThemePreference, want)
			}
		}
		shows("before", mia.get(t, path("me")).user(t, http.StatusOK), "")
		for _, theme := range []string{"dark", "light"} {
			who := map[string]client{"dark": mia.client, "light": owner(s)}[theme]
			who.put(t, path(mia.ID, "appearance"), look(theme, "fira-code")).want(t, http.StatusOK)
			shows("me", mia.get(t, path("me")).user(t, http.StatusOK), theme)
			shows("get", owner(s).get(t, path("mia")).user(t, http.StatusOK), theme)
			shows("list", users(t, owner(s), "mia").Users[0], theme)
			shows("roles", owner(s).get(t, path("mia", "roles")).user(t, http.StatusOK), theme)
			shows("profile", mia.put(t, path("me", "profile"), body{"username": "mia", "name": theme}).user(t, http.StatusOK), theme)
			shows("status", owner(s).put(t, path("mia", "status/activate"), nil).user(t, http.StatusOK), theme)
		}
		shows("another", owner(s).get(t, path("me")).user(t, http.StatusOK), "")
		for dialect, want := range map[string]bool{sdk.DialectReference: true, sdk.DialectCoder: false, sdk.DialectLegacy: false} {
			c := owner(s).with(sdk.DialectHeader, dialect)
			if _, there := decode[map[string]any](t, c.get(t, path("me")))["theme_preference"]; there != want {
				t.Errorf("%s: an empty theme is there: %t", dialect, there)
			}
			if got := decode[map[string]any](t, c.get(t, path("mia")))["theme_preference"]; got != "light" {
				t.Errorf("%s: the theme is %v", dialect, got)
			}
		}
	})
}

func untouched() sdk.UserPreferenceSettings {
	return sdk.UserPreferenceSettings{
		ThinkingDisplayMode: "auto", ShellToolDisplayMode: "always_collapsed", AgentChatSendShortcut: "enter",
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia := join(t, s, "mia")
		at := path("me", "preferences")
		want := untouched()
		check := func(what string, a answer) {
			t.Helper()
			if diff := cmp.Diff(want, decode[sdk.UserPreferenceSettings](t, a.want(t, http.StatusOK))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		check("before anything was chosen", mia.get(t, at))
		check("an empty change", mia.put(t, at, body{}))
		want = sdk.UserPreferenceSettings{
			TaskNotificationAlertDismissed: true, ThinkingDisplayMode: "preview", ShellToolDisplayMode: "auto",
			CodeDiffDisplayMode: "always_expanded", AgentChatSendShortcut: "modifier_enter",
		}
		check("everything", mia.put(t, at, want))
		check("again", mia.put(t, at, want))
		check("nothing, in all ways", mia.put(t, at, body{
			"task_notification_alert_dismissed": nil, "thinking_display_mode": "", "shell_tool_display_mode": nil,
		}))
		want.CodeDiffDisplayMode = "auto"
		check("one", mia.put(t, at, body{"code_diff_display_mode": "auto"}))
		want.TaskNotificationAlertDismissed = false
		check("false is no absence", owner(s).put(t, path("mia", "preferences"), body{"task_notification_alert_dismissed": false}))
		check("read by the owner", owner(s).get(t, path("mia", "preferences")))

		bad := body{"thinking_display_mode": "always_expanded", "agent_chat_send_shortcut": "space"}
		mia.put(t, at, bad).refused(t, http.StatusBadRequest, badFields, "agent_chat_send_shortcut")
		mia.put(t, at, bad.but("code_diff_display_mode", "preview")).refused(t, http.StatusBadRequest, badFields, "code_diff_display_mode")
		mia.put(t, at, bad.but("thinking_display_mode", "x")).refused(t, http.StatusBadRequest, badFields, "thinking_display_mode")
		mia.put(t, at, `{"task_notification_alert_dismissed":"true"}`).refused(t, http.StatusBadRequest, badJSON)
		mia.put(t, at, "").refused(t, http.StatusBadRequest, badJSON)
		check("after refusals", mia.get(t, at))
		want = untouched()
		check("of another", owner(s).get(t, at))
	})
}

// TestPreferencesAtOnce: clients that change different preferences at the same
// moment do not undo each other's change.
func TestPreferencesAtOnce(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		want := sdk.UserPreferenceSettings{
			TaskNotificationAlertDismissed: true, ThinkingDisplayMode: "preview", ShellToolDisplayMode: "auto",
			CodeDiffDisplayMode: "always_expanded", AgentChatSendShortcut: "modifier_enter",
		}
		var wait sync.WaitGroup
		for name, value := range decode[body](t, answer{body: encode(t, want)}) {
			wait.Go(func() {
				a, err := owner(s).try(t, http.MethodPut, path("me", "preferences"), body{name: value})
				if err != nil || a.status != http.StatusOK {
					t.Errorf("%s: %s, %v", name, a, err)
				}
			})
		}
		wait.Wait()
		if diff := cmp.Diff(want, decode[sdk.UserPreferenceSettings](t, owner(s).get(t, path("me", "preferences")))); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// cast are callers of every standing towards an ordinary user.
type cast struct {
	self person
	// others by name: a member, and the holders of each role.
	others map[string]client
}

func newCast(t *testing.T, s *servertest.Server) cast {
	t.Helper()
	c := cast{self: join(t, s, "target"), others: map[string]client{"owner": owner(s), "member": join(t, s, "member").client}}
	for _, role := range []string{"auditor", "template-admin", "user-admin"} {
		c.others[role] = join(t, s, role, role).client
	}
	admin := join(t, s, "org-admin")
	owner(s).put(t, fmt.Sprintf("/api/v2/organizations/%s/members/%s/roles", s.OrganizationID, admin.ID),
		body{"roles": []string{"organization-admin"}}).want(t, http.StatusOK)
	c.others["organization-admin"] = admin.client
	return c
}

// TestSettingsPermissions is the row of the permission matrix (users.md, 8.3)
// for the settings: what the refusals say, and that a bad body does not come
// before them.
func TestSettingsPermissions(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		c := newCast(t, s)
		template := "?template_id=" + uuid.NewString()
		for _, route := range []struct {
			method, below, permission string
			body                      any
		}{
			{http.MethodGet, "appearance", "user:read_personal", nil},
			{http.MethodPut, "appearance", "user:update_personal", look("dark", "fira-code")},
			{http.MethodGet, "preferences", "user:read_personal", nil},
			{http.MethodPut, "preferences", "user:update_personal", body{}},
			{http.MethodGet, "autofill-parameters" + template, "user:read_personal", nil},
		} {
			at := path(c.self.ID, route.below)
			c.self.do(t, route.method, at, route.body).want(t, http.StatusOK)
			for name, who := range c.others {
				a := who.do(t, route.method, at, route.body)
				switch name {
				case "owner", "user-admin":
					a.want(t, http.StatusOK)
				case "member":
					a.refused(t, http.StatusNotFound, notFound)
				default:
					a.lacks(t, route.permission, "role")
					if route.body != nil {
						who.do(t, route.method, at, "{").lacks(t, route.permission, "role")
					}
				}
			}
			if route.body != nil {
				c.others["member"].do(t, route.method, at, "{").refused(t, http.StatusNotFound, notFound)
			}
			guest(s).do(t, route.method, at, route.body).refused(t, http.StatusUnauthorized, signedOut)
			owner(s).do(t, route.method, path(uuid.New(), route.below), route.body).refused(t, http.StatusNotFound, notFound)
		}
		narrow := func(scopes ...string) client {
			a := c.self.post(t, path("me", "keys/tokens"), body{"scopes": scopes}).want(t, http.StatusCreated)
			return guest(s).as(decode[sdk.GenerateAPIKeyResponse](t, a).Key)
		}
		reader := narrow("user:read_personal")
		reader.get(t, path("me", "appearance")).want(t, http.StatusOK)
		reader.put(t, path("me", "appearance"), look("dark", "fira-code")).lacks(t, "user:update_personal", "scope")
		narrow("user:read").get(t, path("me", "preferences")).lacks(t, "user:read_personal", "scope")

		owner(s).delete(t, path(c.self.ID)).want(t, http.StatusOK)
		owner(s).get(t, path(c.self.ID, "appearance")).refused(t, http.StatusNotFound, notFound)
		owner(s).put(t, path(c.self.ID, "preferences"), body{}).refused(t, http.StatusNotFound, notFound)
	})
}

// TestSettingsAreNotAudited: neither changes nor refusals of them leave an
// entry.
func TestSettingsAreNotAudited(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	target, aud := create(t, s, newUser("ted")), join(t, s, "aud", "auditor")
	build := body{"template_id": uuid.New(), "parameters": []body{{"name": "n", "value": "v"}}}
	for _, c := range []struct {
		who  client
		want [5]int
	}{
		{owner(s), [5]int{200, 200, 201, 204, 204}},
		{aud.client, [5]int{403, 403, 403, 403, 403}},
	} {
		for i, a := range []answer{
			c.who.put(t, path(target.ID, "appearance"), look("dark", "fira-code")),
			c.who.put(t, path(target.ID, "preferences"), body{"thinking_display_mode": "preview"}),
			c.who.post(t, path(target.ID, "autofill-parameters"), build),
			c.who.post(t, path(target.ID, "ai-seat"), body{"event": "task"}),
			c.who.delete(t, path(target.ID, "ai-seat")),
		} {
			a.want(t, c.want[i])
			if entries := audit(t, s, "request_id:"+a.header.Get(sdk.RequestIDHeader)); len(entries) != 0 {
				t.Errorf("%s left %+v", a, entries)
			}
		}
	}
}
