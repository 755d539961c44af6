package sdk

import (
	"context"
	"net/http"
)

// TerminalFont is the font of terminals in a browser.
type TerminalFont string

// The terminal fonts. Empty is the choice of users who never made one; it cannot
// be chosen.
const (
	TerminalFontUnset         TerminalFont = ""
	TerminalFontGeistMono     TerminalFont = "geist-mono"
	TerminalFontIBMPlexMono   TerminalFont = "ibm-plex-mono"
	TerminalFontFiraCode      TerminalFont = "fira-code"
	TerminalFontSourceCodePro TerminalFont = "source-code-pro"
	TerminalFontJetBrainsMono TerminalFont = "jetbrains-mono"
)

// ThemeMode says how a theme is chosen.
type ThemeMode string

const (
	// ThemeModeUnset is the mode of users who never chose one.
	ThemeModeUnset ThemeMode = ""
	// ThemeModeSync follows the system, with a light and a dark theme.
	ThemeModeSync ThemeMode = "sync"
	// ThemeModeSingle keeps one theme, whatever the system does.
	ThemeModeSingle ThemeMode = "single"
)

// UserAppearanceSettings are how a user interface looks to a user. What was
// never chosen is empty.
type UserAppearanceSettings struct {
	// ThemePreference is also part of every [User].
	ThemePreference string       `json:"theme_preference"`
	TerminalFont    TerminalFont `json:"terminal_font"`
	ThemeMode       ThemeMode    `json:"theme_mode"`
	// ThemeLight and ThemeDark are the themes of the mode sync: light or dark,
	// or one of their variants for the color-blind.
	ThemeLight string `json:"theme_light"`
	ThemeDark  string `json:"theme_dark"`
}

// UpdateUserAppearanceSettingsRequest changes an appearance.
type UpdateUserAppearanceSettingsRequest struct {
	// ThemePreference is the name of a theme, at most 64 bytes. It is required.
	ThemePreference string `json:"theme_preference"`
	// TerminalFont is required.
	TerminalFont TerminalFont `json:"terminal_font"`
	// ThemeMode leaves the stored mode and themes as they are where it is empty;
	// only the ThemePreference "auto" then ends the mode.
	ThemeMode ThemeMode `json:"theme_mode,omitempty"`
	// ThemeLight and ThemeDark are required with the mode sync. With the mode
	// single an empty one stays as it is.
	ThemeLight string `json:"theme_light,omitempty"`
	ThemeDark  string `json:"theme_dark,omitempty"`
}

// UserPreferenceSettings are how a user interface behaves for a user.
type UserPreferenceSettings struct {
	TaskNotificationAlertDismissed bool `json:"task_notification_alert_dismissed"`
	// ThinkingDisplayMode is auto, preview, always_expanded or always_collapsed.
	ThinkingDisplayMode string `json:"thinking_display_mode"`
	// ShellToolDisplayMode is auto, always_expanded or always_collapsed.
	ShellToolDisplayMode string `json:"shell_tool_display_mode"`
	// CodeDiffDisplayMode is auto, always_expanded or always_collapsed; empty
	// where it was never chosen.
	CodeDiffDisplayMode string `json:"code_diff_display_mode"`
	// AgentChatSendShortcut is enter or modifier_enter.
	AgentChatSendShortcut string `json:"agent_chat_send_shortcut"`
}

// UpdateUserPreferenceSettingsRequest changes the preferences that are set in
// it; nil and empty ones stay as they are. The values are those of
// [UserPreferenceSettings].
type UpdateUserPreferenceSettingsRequest struct {
	TaskNotificationAlertDismissed *bool  `json:"task_notification_alert_dismissed,omitempty"`
	ThinkingDisplayMode            string `json:"thinking_display_mode,omitempty"`
	ShellToolDisplayMode           string `json:"shell_tool_display_mode,omitempty"`
	CodeDiffDisplayMode            string `json:"code_diff_display_mode,omitempty"`
	AgentChatSendShortcut          string `json:"agent_chat_send_shortcut,omitempty"`
}

// UserAppearance returns how a user interface looks to the user. It needs
// user:read_personal.
func (c *Client) UserAppearance(ctx context.Context, user string) (UserAppearanceSettings, error) {
	var result UserAppearanceSettings
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"users", user, "appearance"},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// UpdateUserAppearance changes how a user interface looks to the user, and
// returns all that is stored then. It needs user:update_personal.
func (c *Client) UpdateUserAppearance(ctx context.Context, user string, req UpdateUserAppearanceSettingsRequest) (UserAppearanceSettings, error) {
	var result UserAppearanceSettings
	err := c.do(ctx, call{
		method: http.MethodPut, path: []string{"users", user, "appearance"},
		body: req, status: http.StatusOK, result: &result,
	})
	return result, err
}

// UserPreferences returns how a user interface behaves for the user. It needs
// user:read_personal.
func (c *Client) UserPreferences(ctx context.Context, user string) (UserPreferenceSettings, error) {
	var result UserPreferenceSettings
	err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"users", user, "preferences"},
		status: http.StatusOK, result: &result,
	})
	return result, err
}

// UpdateUserPreferences changes some of the user's preferences and returns all
// of them. It needs user:update_personal; 400 names the first bad value.
func (c *Client) UpdateUserPreferences(ctx context.Context, user string, req UpdateUserPreferenceSettingsRequest) (UserPreferenceSettings, error) {
	var result UserPreferenceSettings
	err := c.do(ctx, call{
		method: http.MethodPut, path: []string{"users", user, "preferences"},
		body: req, status: http.StatusOK, result: &result,
	})
	return result, err
}
