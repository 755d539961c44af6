package store

import (
	"context"

	"github.com/google/uuid"

	"usher/internal/account"
)

// settings are all that is kept of a user's choices.
type settings struct {
	appearance  account.Appearance
	preferences account.Preferences
}

func scanSettings(r row) (settings, error) {
	var s settings
	a, p := &s.appearance, &s.preferences
	err := r.Scan(&a.ThemePreference, &a.TerminalFont, &a.ThemeMode, &a.ThemeLight, &a.ThemeDark,
		&p.TaskNotificationAlertDismissed, &p.ThinkingDisplayMode, &p.ShellToolDisplayMode,
		&p.CodeDiffDisplayMode, &p.AgentChatSendShortcut)
	return s, err
}

// settings returns what a user chose; who chose nothing has no row.
func (tx *Tx) settings(ctx context.Context, userID uuid.UUID) (settings, error) {
	list, err := many(ctx, tx, scanSettings, `
		SELECT s.theme_preference, s.terminal_font, s.theme_mode, s.theme_light, s.theme_dark,
		       s.task_notification_alert_dismissed, s.thinking_display_mode, s.shell_tool_display_mode,
		       s.code_diff_display_mode, s.agent_chat_send_shortcut
		  FROM user_settings s WHERE s.user_id = $1`, userID)
	if err != nil || len(list) == 0 {
		return settings{}, err
	}
	return list[0], nil
}

// Appearance returns what a user chose of how things look.
func (tx *Tx) Appearance(ctx context.Context, userID uuid.UUID) (account.Appearance, error) {
	s, err := tx.settings(ctx, userID)
	return s.appearance, err
}

// UpdateAppearance stores how things look to a user.
func (tx *Tx) UpdateAppearance(ctx context.Context, userID uuid.UUID, a account.Appearance) error {
	_, err := tx.exec(ctx, `
		INSERT INTO user_settings (user_id, theme_preference, terminal_font, theme_mode, theme_light, theme_dark)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id) DO UPDATE SET theme_preference = excluded.theme_preference,
			terminal_font = excluded.terminal_font, theme_mode = excluded.theme_mode,
			theme_light = excluded.theme_light, theme_dark = excluded.theme_dark`,
		userID, a.ThemePreference, a.TerminalFont, a.ThemeMode, a.ThemeLight, a.ThemeDark)
	return err
}

// Preferences returns what a user chose of how things behave.
func (tx *Tx) Preferences(ctx context.Context, userID uuid.UUID) (account.Preferences, error) {
	s, err := tx.settings(ctx, userID)
	return s.preferences, err
}

// UpdatePreferences stores how things behave for a user.
func (tx *Tx) UpdatePreferences(ctx context.Context, userID uuid.UUID, p account.Preferences) error {
	_, err := tx.exec(ctx, `
		INSERT INTO user_settings (user_id, task_notification_alert_dismissed, thinking_display_mode,
			shell_tool_display_mode, code_diff_display_mode, agent_chat_send_shortcut)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id) DO UPDATE SET
			task_notification_alert_dismissed = excluded.task_notification_alert_dismissed,
			thinking_display_mode = excluded.thinking_display_mode,
			shell_tool_display_mode = excluded.shell_tool_display_mode,
			code_diff_display_mode = excluded.code_diff_display_mode,
			agent_chat_send_shortcut = excluded.agent_chat_send_shortcut`,
		userID, p.TaskNotificationAlertDismissed, p.ThinkingDisplayMode, p.ShellToolDisplayMode,
		p.CodeDiffDisplayMode, p.AgentChatSendShortcut)
	return err
}
