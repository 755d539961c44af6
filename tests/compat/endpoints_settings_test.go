package compat_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

// chosenAppearance differs in everything from that of somebody who never chose.
func chosenAppearance() map[string]any {
	return map[string]any{"theme_preference": "dark", "terminal_font": "fira-code"}
}

// chosenPreferences does so, too.
func chosenPreferences() map[string]any {
	return map[string]any{
		"agent_chat_send_shortcut": "modifier_enter", "code_diff_display_mode": "always_expanded",
		"task_notification_alert_dismissed": true, "thinking_display_mode": "preview",
	}
}

// choose is a user who chooses: what is sent is what the answer shows.
func choose(settings map[string]any) func(*testing.T, *servertest.Server) meaning {
	return func(t *testing.T, s *servertest.Server) meaning {
		t.Helper()
		m := selfService(t, s)
		m.fields, m.shows = settings, settings
		return m
	}
}

// chose is one who did so before.
func chose(path string, settings map[string]any) func(*testing.T, *servertest.Server) meaning {
	return func(t *testing.T, s *servertest.Server) meaning {
		t.Helper()
		m := selfService(t, s)
		raw(s).as(m.as.SessionToken()).call(t, "PUT", "/users/me"+path, settings).want(t, http.StatusOK)
		m.shows = maps.Clone(settings)
		return m
	}
}

// settingExamples are compared without exactness: deployed servers have settings
// that the page does not know so far.
func settingExamples() []example {
	return []example{
		{page: "current", method: "GET", path: "/users/{user}/appearance", prepare: chose("/appearance", chosenAppearance())},
		{page: "current", method: "PUT", path: "/users/{user}/appearance", prepare: choose(chosenAppearance())},
		{page: "current", method: "GET", path: "/users/{user}/preferences", prepare: chose("/preferences", chosenPreferences())},
		{page: "current", method: "PUT", path: "/users/{user}/preferences", prepare: choose(chosenPreferences())},
		{page: "current", method: "GET", path: "/users/{user}/autofill-parameters", exact: true, prepare: builtBefore},
		{page: "current", method: "GET", path: "/users/{user}/gitsshkey", exact: true, prepare: withSSHKey},
		{page: "current", method: "PUT", path: "/users/{user}/gitsshkey", exact: true, prepare: withSSHKey},
	}
}

// builtBefore is a user who started a workspace, whose parameters are now
// suggested.
func builtBefore(t *testing.T, s *servertest.Server) meaning {
	t.Helper()
	m := selfService(t, s)
	template := uuid.NewString()
	raw(s).as(m.as.SessionToken()).call(t, "POST", "/users/me/autofill-parameters", map[string]any{
		"template_id": template, "parameters": []any{map[string]any{"name": "region", "value": "eu"}},
	}).want(t, http.StatusCreated)
	m.query = url.Values{"template_id": {template}}
	return m
}

// withSSHKey is a user, who has a key as soon as somebody asks for it.
func withSSHKey(t *testing.T, s *servertest.Server) meaning {
	t.Helper()
	m := selfService(t, s)
	m.shows = map[string]any{"user_id": m.path["user"]}
	return m
}
