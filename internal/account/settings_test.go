package account_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/account"
)

// faulty returns the fields of the faults, in their order.
func faulty(faults []account.FieldError) []string {
	fields := []string{}
	for _, f := range faults {
		fields = append(fields, f.Field)
	}
	return fields
}

func TestAppearanceCheck(t *testing.T) {
	t.Parallel()
	good := account.Appearance{ThemePreference: "dark", TerminalFont: "fira-code"}
	for name, test := range map[string]struct {
		edit func(*account.Appearance)
		want []string
	}{
		"as clients without modes send it": {func(*account.Appearance) {}, nil},
		"any name of a theme":              {func(a *account.Appearance) { a.ThemePreference = "Ma thème" }, nil},
		"the longest name":                 {func(a *account.Appearance) { a.ThemePreference = strings.Repeat("x", 64) }, nil},
		"a longer name":                    {func(a *account.Appearance) { a.ThemePreference = strings.Repeat("x", 65) }, []string{"theme_preference"}},
		"a name with a line break":         {func(a *account.Appearance) { a.ThemePreference = "a\nb" }, []string{"theme_preference"}},
		"a name that is no text":           {func(a *account.Appearance) { a.ThemePreference = "\xff" }, []string{"theme_preference"}},
		"no theme":                         {func(a *account.Appearance) { a.ThemePreference = "" }, []string{"theme_preference"}},
		"no font":                          {func(a *account.Appearance) { a.TerminalFont = "" }, []string{"terminal_font"}},
		"another font":                     {func(a *account.Appearance) { a.TerminalFont = "comic-sans" }, []string{"terminal_font"}},
		"nothing":                          {func(a *account.Appearance) { *a = account.Appearance{} }, []string{"theme_preference", "terminal_font"}},
		"another mode":                     {func(a *account.Appearance) { a.ThemeMode = "auto" }, []string{"theme_mode"}},
		"sync": {func(a *account.Appearance) {
			a.ThemeMode, a.ThemeLight, a.ThemeDark = "sync", "light-tritan", "dark"
		}, nil},
		"sync with a dark theme by day": {func(a *account.Appearance) {
			a.ThemeMode, a.ThemeLight, a.ThemeDark = "sync", "dark-protan-deuter", "light-protan-deuter"
		}, nil},
		"sync without themes":      {func(a *account.Appearance) { a.ThemeMode = "sync" }, []string{"theme_light", "theme_dark"}},
		"sync with one theme":      {func(a *account.Appearance) { a.ThemeMode, a.ThemeLight = "sync", "light" }, []string{"theme_dark"}},
		"single":                   {func(a *account.Appearance) { a.ThemeMode = "single" }, nil},
		"single with a bad theme":  {func(a *account.Appearance) { a.ThemeMode, a.ThemeDark = "single", "night" }, []string{"theme_dark"}},
		"no mode with a bad theme": {func(a *account.Appearance) { a.ThemeLight = "auto" }, []string{"theme_light"}},
		"everything bad": {func(a *account.Appearance) {
			*a = account.Appearance{ThemeMode: "x", ThemeLight: "x", ThemeDark: "x", TerminalFont: "x"}
		}, []string{"theme_preference", "terminal_font", "theme_mode", "theme_light", "theme_dark"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := good
			test.edit(&a)
			if got := faulty(a.Check()); !slices.Equal(got, test.want) {
				t.Errorf("faults of %q, want %q", got, test.want)
			}
		})
	}
}

// TestAppearanceAfter follows one user through changes by clients of both
// kinds.
func TestAppearanceAfter(t *testing.T) {
	t.Parallel()
	var a account.Appearance
	for _, step := range []struct{ change, want account.Appearance }{
		{ // who knows no modes chooses none
			account.Appearance{ThemePreference: "light", TerminalFont: "fira-code", ThemeLight: "light", ThemeDark: "dark"},
			account.Appearance{ThemePreference: "light", TerminalFont: "fira-code"},
		},
		{
			account.Appearance{ThemePreference: "light", TerminalFont: "geist-mono", ThemeMode: "sync", ThemeLight: "light", ThemeDark: "dark-tritan"},
			account.Appearance{ThemePreference: "light", TerminalFont: "geist-mono", ThemeMode: "sync", ThemeLight: "light", ThemeDark: "dark-tritan"},
		},
		{ // an older client leaves what it does not know
			account.Appearance{ThemePreference: "dark", TerminalFont: "fira-code"},
			account.Appearance{ThemePreference: "dark", TerminalFont: "fira-code", ThemeMode: "sync", ThemeLight: "light", ThemeDark: "dark-tritan"},
		},
		{
			account.Appearance{ThemePreference: "dark", TerminalFont: "fira-code", ThemeMode: "single"},
			account.Appearance{ThemePreference: "dark", TerminalFont: "fira-code", ThemeMode: "single", ThemeLight: "light", ThemeDark: "dark-tritan"},
		},
		{
			account.Appearance{ThemePreference: "dark", TerminalFont: "fira-code", ThemeMode: "single", ThemeDark: "dark"},
			account.Appearance{ThemePreference: "dark", TerminalFont: "fira-code", ThemeMode: "single", ThemeLight: "light", ThemeDark: "dark"},
		},
		{ // "auto" with a mode is a name like any other
			account.Appearance{ThemePreference: "auto", TerminalFont: "fira-code", ThemeMode: "single"},
			account.Appearance{ThemePreference: "auto", TerminalFont: "fira-code", ThemeMode: "single", ThemeLight: "light", ThemeDark: "dark"},
		},
		{ // without one it ends the mode
			account.Appearance{ThemePreference: "auto", TerminalFont: "fira-code"},
			account.Appearance{ThemePreference: "auto", TerminalFont: "fira-code", ThemeLight: "light", ThemeDark: "dark"},
		},
	} {
		a = a.After(step.change)
		if diff := cmp.Diff(step.want, a); diff != "" {
			t.Fatalf("after %+v (-want +got):\n%s", step.change, diff)
		}
	}
}

// inEffect are the preferences of a user who chose nothing.
func inEffect() account.Preferences {
	return account.Preferences{
		TaskNotificationAlertDismissed: new(bool), ThinkingDisplayMode: "auto",
		ShellToolDisplayMode: "always_collapsed", AgentChatSendShortcut: "enter",
	}
}

func TestPreferencesCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change account.Preferences
		want   []string
	}{
		"nothing":              {account.Preferences{}, nil},
		"the defaults":         {inEffect(), nil},
		"preview of thinking":  {account.Preferences{ThinkingDisplayMode: "preview"}, nil},
		"preview of a diff":    {account.Preferences{CodeDiffDisplayMode: "preview"}, []string{"code_diff_display_mode"}},
		"preview of a shell":   {account.Preferences{ShellToolDisplayMode: "preview"}, []string{"shell_tool_display_mode"}},
		"another shortcut":     {account.Preferences{AgentChatSendShortcut: "space"}, []string{"agent_chat_send_shortcut"}},
		"case counts":          {account.Preferences{ThinkingDisplayMode: "Auto"}, []string{"thinking_display_mode"}},
		"only the first of 4":  {account.Preferences{ThinkingDisplayMode: "x", ShellToolDisplayMode: "x", CodeDiffDisplayMode: "x", AgentChatSendShortcut: "x"}, []string{"thinking_display_mode"}},
		"only the first of 3":  {account.Preferences{ShellToolDisplayMode: "x", CodeDiffDisplayMode: "x", AgentChatSendShortcut: "x"}, []string{"shell_tool_display_mode"}},
		"the second of 2 good": {account.Preferences{CodeDiffDisplayMode: "auto", AgentChatSendShortcut: "x"}, []string{"agent_chat_send_shortcut"}},
		"only the first of 2":  {account.Preferences{CodeDiffDisplayMode: "x", AgentChatSendShortcut: "x"}, []string{"code_diff_display_mode"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := faulty(test.change.Check()); !slices.Equal(got, test.want) {
				t.Errorf("faults of %q, want %q", got, test.want)
			}
		})
	}
}

func TestPreferencesAfter(t *testing.T) {
	t.Parallel()
	var p account.Preferences
	if diff := cmp.Diff(inEffect(), p.InEffect()); diff != "" {
		t.Errorf("of nothing chosen (-want +got):\n%s", diff)
	}
	yes, no := true, false
	all := account.Preferences{
		TaskNotificationAlertDismissed: &yes, ThinkingDisplayMode: "preview", ShellToolDisplayMode: "auto",
		CodeDiffDisplayMode: "always_expanded", AgentChatSendShortcut: "modifier_enter",
	}
	p = p.After(all)
	if diff := cmp.Diff(all, p.After(account.Preferences{}).InEffect()); diff != "" {
		t.Errorf("an empty change changed (-want +got):\n%s", diff)
	}
	all.CodeDiffDisplayMode = "auto"
	if diff := cmp.Diff(all, p.After(account.Preferences{CodeDiffDisplayMode: "auto"})); diff != "" {
		t.Errorf("one choice changed others (-want +got):\n%s", diff)
	}
	if got := p.After(account.Preferences{TaskNotificationAlertDismissed: &no}); *got.TaskNotificationAlertDismissed || !*p.TaskNotificationAlertDismissed {
		t.Error("false is not taken for a choice, or changed what it came from")
	}
}

// TestPreferencesOfAnotherVersion: what was stored by another version, and is no
// choice of this one, reads as the default.
func TestPreferencesOfAnotherVersion(t *testing.T) {
	t.Parallel()
	strange := account.Preferences{
		ThinkingDisplayMode: "x", ShellToolDisplayMode: "preview", CodeDiffDisplayMode: "preview", AgentChatSendShortcut: "x",
	}
	if diff := cmp.Diff(inEffect(), strange.InEffect()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
