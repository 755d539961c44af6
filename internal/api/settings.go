package api

import (
	"usher/internal/account"
	"usher/sdk"
)

func (a *API) getUserAppearance(c *call) error {
	return c.appearance200(a.Service.Appearance(c.ctx(), c.actor, c.user()))
}

func (a *API) updateUserAppearance(c *call) error {
	var req sdk.UpdateUserAppearanceSettingsRequest
	malformed := c.read(&req)
	return c.appearance200(a.Service.UpdateAppearance(c.ctx(), c.actor, c.user(), account.Appearance{
		ThemePreference: req.ThemePreference,
		TerminalFont:    string(req.TerminalFont),
		ThemeMode:       string(req.ThemeMode),
		ThemeLight:      req.ThemeLight,
		ThemeDark:       req.ThemeDark,
	}, malformed))
}

func (c *call) appearance200(appearance account.Appearance, err error) error {
	if err != nil {
		return err
	}
	return c.ok(sdk.UserAppearanceSettings{
		ThemePreference: appearance.ThemePreference,
		TerminalFont:    sdk.TerminalFont(appearance.TerminalFont),
		ThemeMode:       sdk.ThemeMode(appearance.ThemeMode),
		ThemeLight:      appearance.ThemeLight,
		ThemeDark:       appearance.ThemeDark,
	})
}

func (a *API) getUserPreferences(c *call) error {
	return c.preferences200(a.Service.Preferences(c.ctx(), c.actor, c.user()))
}

func (a *API) updateUserPreferences(c *call) error {
	var req sdk.UpdateUserPreferenceSettingsRequest
	malformed := c.read(&req)
	return c.preferences200(a.Service.UpdatePreferences(c.ctx(), c.actor, c.user(), account.Preferences{
		TaskNotificationAlertDismissed: req.TaskNotificationAlertDismissed,
		ThinkingDisplayMode:            req.ThinkingDisplayMode,
		ShellToolDisplayMode:           req.ShellToolDisplayMode,
		CodeDiffDisplayMode:            req.CodeDiffDisplayMode,
		AgentChatSendShortcut:          req.AgentChatSendShortcut,
	}, malformed))
}

func (c *call) preferences200(preferences account.Preferences, err error) error {
	if err != nil {
		return err
	}
	return c.ok(sdk.UserPreferenceSettings{
		TaskNotificationAlertDismissed: *preferences.TaskNotificationAlertDismissed,
		ThinkingDisplayMode:            preferences.ThinkingDisplayMode,
		ShellToolDisplayMode:           preferences.ShellToolDisplayMode,
		CodeDiffDisplayMode:            preferences.CodeDiffDisplayMode,
		AgentChatSendShortcut:          preferences.AgentChatSendShortcut,
	})
}
