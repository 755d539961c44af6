package openapi_test

import (
	"strings"
	"testing"
)

// TestSettingSchemas asks the schemas of settings, recorded builds and seats
// about values at the edges of what they allow.
func TestSettingSchemas(t *testing.T) {
	t.Parallel()

	const id = `"497f6eca-6276-4993-bfeb-53cbbbba6f08"`
	stored := func(rest string) string {
		return `{"theme_preference":"","terminal_font":"","theme_mode":"","theme_light":"",` + rest + `}`
	}
	preferences := func(rest string) string {
		return `{"task_notification_alert_dismissed":false,"thinking_display_mode":"auto",
			"shell_tool_display_mode":"always_collapsed","agent_chat_send_shortcut":"enter",` + rest + `}`
	}
	build := func(rest string) string { return `{"template_id":` + id + `,` + rest + `}` }
	values := func(n int) string {
		return `"parameters":[` + strings.TrimSuffix(strings.Repeat(`{"name":"n","value":""},`, n), ",") + `]`
	}

	checkSchemas(t, []schemaCase{
		{name: "nothing chosen", schema: "UserAppearanceSettings", value: stored(`"theme_dark":""`), valid: true},
		{name: "chosen", schema: "UserAppearanceSettings", value: stored(`"theme_dark":"dark-tritan"`), valid: true},
		{name: "another theme", schema: "UserAppearanceSettings", value: stored(`"theme_dark":"night"`)},
		{name: "a theme left out", schema: "UserAppearanceSettings", value: stored(`"x":""`)},
		{name: "older client", schema: "UpdateUserAppearanceSettingsRequest", value: `{"theme_preference":"auto","terminal_font":"geist-mono"}`, valid: true},
		{name: "no font", schema: "UpdateUserAppearanceSettingsRequest", value: `{"theme_preference":"auto","terminal_font":""}`},
		{name: "no theme", schema: "UpdateUserAppearanceSettingsRequest", value: `{"theme_preference":"","terminal_font":"geist-mono"}`},

		{name: "never chosen", schema: "UserPreferenceSettings", value: preferences(`"code_diff_display_mode":""`), valid: true},
		{name: "preview of a diff", schema: "UserPreferenceSettings", value: preferences(`"code_diff_display_mode":"preview"`)},
		{name: "one left out", schema: "UserPreferenceSettings", value: preferences(`"x":""`)},
		{name: "nothing", schema: "UpdateUserPreferenceSettingsRequest", value: `{}`, valid: true},
		{name: "null and empty", schema: "UpdateUserPreferenceSettingsRequest", value: `{"thinking_display_mode":null,"agent_chat_send_shortcut":""}`, valid: true},
		{name: "another value", schema: "UpdateUserPreferenceSettingsRequest", value: `{"agent_chat_send_shortcut":"space"}`},

		{name: "nothing given", schema: "RecordAutofillParametersRequest", value: build(values(0)), valid: true},
		{name: "256 values", schema: "RecordAutofillParametersRequest", value: build(values(256)), valid: true},
		{name: "257 values", schema: "RecordAutofillParametersRequest", value: build(values(257))},
		{name: "no values", schema: "RecordAutofillParametersRequest", value: `{"template_id":` + id + `}`},
		{name: "no template", schema: "RecordAutofillParametersRequest", value: `{` + values(1) + `}`},
		{name: "transition", schema: "RecordAutofillParametersRequest", value: build(`"transition":"restart",` + values(1))},
		{name: "no name", schema: "RecordAutofillParametersRequest", value: build(`"parameters":[{"name":"","value":""}]`)},
		{name: "recorded", schema: "RecordAutofillParametersResponse", value: build(
			`"workspace_id":` + id + `,"transition":"stop","created_at":"2026-01-31T09:00:00.5Z",` + values(0)), valid: true},
		{name: "null values", schema: "RecordAutofillParametersResponse", value: build(
			`"workspace_id":` + id + `,"transition":"stop","created_at":"2026-01-31T09:00:00.5Z","parameters":null`)},

		{name: "task", schema: "RecordAISeatRequest", value: `{"event":"task"}`, valid: true},
		{name: "no event", schema: "RecordAISeatRequest", value: `{}`},
		{name: "another event", schema: "RecordAISeatRequest", value: `{"event":"chat"}`},
	})
}
