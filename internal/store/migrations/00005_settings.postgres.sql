-- +goose Up

-- What users chose of a user interface. No row, NULL and '' mean that nothing was
-- chosen: the default is not stored, so that it can change.
CREATE TABLE user_settings (
    user_id                           UUID PRIMARY KEY REFERENCES users (id),
    theme_preference                  TEXT NOT NULL DEFAULT '',
    terminal_font                     TEXT NOT NULL DEFAULT '',
    theme_mode                        TEXT NOT NULL DEFAULT '',
    theme_light                       TEXT NOT NULL DEFAULT '',
    theme_dark                        TEXT NOT NULL DEFAULT '',
    task_notification_alert_dismissed BOOLEAN,
    thinking_display_mode             TEXT NOT NULL DEFAULT '',
    shell_tool_display_mode           TEXT NOT NULL DEFAULT '',
    code_diff_display_mode            TEXT NOT NULL DEFAULT '',
    agent_chat_send_shortcut          TEXT NOT NULL DEFAULT ''
);

-- Who uses AI; the seat counts while the user is active.
CREATE TABLE ai_seats (
    user_id       UUID PRIMARY KEY REFERENCES users (id),
    first_used_at TIMESTAMPTZ NOT NULL,
    last_used_at  TIMESTAMPTZ NOT NULL,
    last_event    TEXT NOT NULL
);

-- The newest value that a user gave a parameter of a template. Templates and
-- workspaces are not kept here, so that nothing is referred to.
CREATE TABLE autofill_parameters (
    user_id      UUID NOT NULL REFERENCES users (id),
    template_id  UUID NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    value        TEXT NOT NULL,
    workspace_id UUID NOT NULL,
    built_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, template_id, name)
);
