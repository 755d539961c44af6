package account

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxThemeBytes bounds the theme preference, which every answer about a user
// repeats.
const MaxThemeBytes = 64

// The modes of an appearance; there is none before one was chosen.
const (
	ThemeModeSync   = "sync"   // a light and a dark theme, as the system has it
	ThemeModeSingle = "single" // the theme preference, whatever the system has
)

// autoTheme is the theme preference that, before there were modes, meant to
// follow the system.
const autoTheme = "auto"

// Appearance is how a user interface looks to a user. The zero value belongs to
// users who have not chosen (users.md, section 5.15).
type Appearance struct {
	ThemePreference string
	TerminalFont    string
	ThemeMode       string
	ThemeLight      string // the light theme of the mode sync
	ThemeDark       string // the dark theme of the mode sync
}

var (
	terminalFonts = []string{"geist-mono", "ibm-plex-mono", "fira-code", "source-code-pro", "jetbrains-mono"}
	themeModes    = []string{ThemeModeSync, ThemeModeSingle}
	themes        = []string{
		"light", "light-protan-deuter", "light-tritan", "dark", "dark-protan-deuter", "dark-tritan",
	}
)

// Check reports every field of a change that breaks a rule, under its name on
// the wire. Any theme may stand in either place.
func (a *Appearance) Check() []FieldError {
	faults := []FieldError{}
	check := func(field string, fault error) {
		if fault != nil {
			faults = append(faults, FieldError{Field: field, Detail: fault.Error()})
		}
	}
	check("theme_preference", checkTheme(a.ThemePreference))
	check("terminal_font", oneOf(terminalFonts, a.TerminalFont))
	if a.ThemeMode != "" {
		check("theme_mode", oneOf(themeModes, a.ThemeMode))
	}
	if a.ThemeLight != "" || a.ThemeMode == ThemeModeSync {
		check("theme_light", oneOf(themes, a.ThemeLight))
	}
	if a.ThemeDark != "" || a.ThemeMode == ThemeModeSync {
		check("theme_dark", oneOf(themes, a.ThemeDark))
	}
	return faults
}

func checkTheme(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("must not be empty")
	case len(name) > MaxThemeBytes:
		return fmt.Errorf("must be at most %d bytes", MaxThemeBytes)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("must be text without control characters")
	}
	return nil
}

func oneOf(values []string, value string) error {
	if slices.Contains(values, value) {
		return nil
	}
	return fmt.Errorf("must be one of %s", strings.Join(values, ", "))
}

// After returns the appearance with a change that Check let pass. Clients that
// know no modes leave the mode and its themes as they are, except that their
// word for following the system ends the mode, which would overrule it.
func (a Appearance) After(change Appearance) Appearance {
	a.ThemePreference, a.TerminalFont = change.ThemePreference, change.TerminalFont
	if change.ThemeMode == "" {
		if change.ThemePreference == autoTheme {
			a.ThemeMode = ""
		}
		return a
	}
	a.ThemeMode = change.ThemeMode
	a.ThemeLight = orKept(change.ThemeLight, a.ThemeLight)
	a.ThemeDark = orKept(change.ThemeDark, a.ThemeDark)
	return a
}

// orKept returns what was given, or what there was where nothing is given.
func orKept(given, kept string) string {
	if given != "" {
		return given
	}
	return kept
}

// Preferences are what a user chose of a user interface's behaviour; nil and ""
// are choices that were not made (users.md, section 5.16).
type Preferences struct {
	TaskNotificationAlertDismissed *bool
	ThinkingDisplayMode            string
	ShellToolDisplayMode           string
	CodeDiffDisplayMode            string
	AgentChatSendShortcut          string
}

// preference is a choice between words.
type preference struct {
	field     string // on the wire
	values    []string
	byDefault string
	of        func(*Preferences) *string
}

var displayModes = []string{"auto", "always_expanded", "always_collapsed"}

// preferences are in the order in which they are checked.
var preferences = []preference{
	{
		"thinking_display_mode",
		[]string{"auto", "preview", "always_expanded", "always_collapsed"},
		"auto",
		func(p *Preferences) *string { return &p.ThinkingDisplayMode },
	},
	{
		"shell_tool_display_mode", displayModes, "always_collapsed",
		func(p *Preferences) *string { return &p.ShellToolDisplayMode },
	},
	{
		"code_diff_display_mode", displayModes, "",
		func(p *Preferences) *string { return &p.CodeDiffDisplayMode },
	},
	{
		"agent_chat_send_shortcut",
		[]string{"enter", "modifier_enter"},
		"enter",
		func(p *Preferences) *string { return &p.AgentChatSendShortcut },
	},
}

// Check reports the first choice that does not exist, and only that one, as
// clients expect.
func (p Preferences) Check() []FieldError {
	for _, one := range preferences {
		chosen := *one.of(&p)
		if chosen == "" {
			continue
		}
		if err := oneOf(one.values, chosen); err != nil {
			return []FieldError{{Field: one.field, Detail: err.Error()}}
		}
	}
	return nil
}

// After returns the preferences with a change that Check let pass: what it does
// not choose stays.
func (p Preferences) After(change Preferences) Preferences {
	for _, one := range preferences {
		*one.of(&p) = orKept(*one.of(&change), *one.of(&p))
	}
	if change.TaskNotificationAlertDismissed != nil {
		p.TaskNotificationAlertDismissed = change.TaskNotificationAlertDismissed
	}
	return p
}

// InEffect returns the preferences with the default in place of what was not
// chosen, or is no choice any more.
func (p Preferences) InEffect() Preferences {
	for _, one := range preferences {
		if chosen := one.of(&p); !slices.Contains(one.values, *chosen) {
			*chosen = one.byDefault
		}
	}
	if p.TaskNotificationAlertDismissed == nil {
		p.TaskNotificationAlertDismissed = new(bool)
	}
	return p
}
