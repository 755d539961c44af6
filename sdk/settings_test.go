package sdk_test

import (
	"context"
	"time"

	"github.com/google/uuid"

	"usher/sdk"
)

// settingsMethods are those about what users chose, and what services tell of
// them.
func settingsMethods() map[string]method {
	template := uuid.MustParse("497f6eca-6276-4993-bfeb-53cbbbba6f08")
	dismissed := false
	appearance := `{"theme_preference":"dark","terminal_font":"fira-code","theme_mode":"sync","theme_light":"light","theme_dark":"dark"}`
	preferences := `{"task_notification_alert_dismissed":true,"thinking_display_mode":"preview","shell_tool_display_mode":"auto",
		"code_diff_display_mode":"","agent_chat_send_shortcut":"enter"}`
	recorded := `{"template_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","workspace_id":"00000000-0000-0000-0000-000000000000",
		"transition":"start","created_at":"2026-01-02T03:04:05.000006Z","parameters":[{"name":"n","value":"v"}]}`
	return map[string]method{
		"UserAppearance": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.UserAppearance(ctx, "ada") },
			want: "GET /api/v2/users/ada/appearance", status: 200, answer: appearance,
		},
		"UpdateUserAppearance": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateUserAppearance(ctx, "ada", sdk.UpdateUserAppearanceSettingsRequest{
					ThemePreference: "dark", TerminalFont: sdk.TerminalFontFiraCode,
				})
			},
			want: "PUT /api/v2/users/ada/appearance", body: `{"theme_preference":"dark","terminal_font":"fira-code"}`,
			status: 200, answer: appearance,
		},
		"UpdateUserAppearance, with a mode": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateUserAppearance(ctx, "ada", sdk.UpdateUserAppearanceSettingsRequest{
					ThemePreference: "dark", TerminalFont: sdk.TerminalFontGeistMono,
					ThemeMode: sdk.ThemeModeSync, ThemeLight: "light", ThemeDark: "dark",
				})
			},
			want:   "PUT /api/v2/users/ada/appearance",
			body:   `{"theme_preference":"dark","terminal_font":"geist-mono","theme_mode":"sync","theme_light":"light","theme_dark":"dark"}`,
			status: 200, answer: appearance,
		},
		"UserPreferences": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return c.UserPreferences(ctx, "ada") },
			want: "GET /api/v2/users/ada/preferences", status: 200, answer: preferences,
		},
		"UpdateUserPreferences": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.UpdateUserPreferences(ctx, "ada", sdk.UpdateUserPreferenceSettingsRequest{
					TaskNotificationAlertDismissed: &dismissed, CodeDiffDisplayMode: "auto",
				})
			},
			want: "PUT /api/v2/users/ada/preferences",
			body: `{"task_notification_alert_dismissed":false,"code_diff_display_mode":"auto"}`, status: 200, answer: preferences,
		},
		"AutofillParameters": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.AutofillParameters(ctx, "ada", template)
			},
			want:   "GET /api/v2/users/ada/autofill-parameters?template_id=497f6eca-6276-4993-bfeb-53cbbbba6f08",
			status: 200, answer: `[{"name":"n","value":"v"}]`,
		},
		"RecordAutofillParameters": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.RecordAutofillParameters(ctx, "ada", sdk.RecordAutofillParametersRequest{
					TemplateID: template, WorkspaceID: template, Transition: sdk.WorkspaceTransitionStop,
					CreatedAt:  time.Date(2026, time.January, 2, 3, 4, 5, 6000, time.UTC),
					Parameters: []sdk.BuildParameter{{Name: "n", Value: "v"}, {Name: "o", Ephemeral: true}},
				})
			},
			want: "POST /api/v2/users/ada/autofill-parameters",
			body: `{"template_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","workspace_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08",` +
				`"transition":"stop","created_at":"2026-01-02T03:04:05.000006Z",` +
				`"parameters":[{"name":"n","value":"v"},{"name":"o","value":"","ephemeral":true}]}`,
			status: 201, answer: recorded,
		},
		"RecordAutofillParameters, of nothing": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return c.RecordAutofillParameters(ctx, "ada", sdk.RecordAutofillParametersRequest{TemplateID: template})
			},
			want:   "POST /api/v2/users/ada/autofill-parameters",
			body:   `{"template_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","parameters":[]}`,
			status: 201, answer: recorded,
		},
		"RecordAISeat": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) {
				return nil, c.RecordAISeat(ctx, "ada", sdk.RecordAISeatRequest{Event: sdk.AISeatEventTask})
			},
			want: "POST /api/v2/users/ada/ai-seat", body: `{"event":"task"}`, status: 204,
		},
		"ReleaseAISeat": {
			call: func(ctx context.Context, c *sdk.Client) (any, error) { return nil, c.ReleaseAISeat(ctx, "ada") },
			want: "DELETE /api/v2/users/ada/ai-seat", status: 204,
		},
	}
}
