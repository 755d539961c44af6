-- +goose Up

-- One-time passcodes that were sent to people who forgot their passwords, one for
-- each user. The passcode itself is not here: only its SHA-256.
CREATE TABLE password_resets (
    user_id    UUID PRIMARY KEY REFERENCES users (id),
    code_hash  BYTEA NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX password_resets_expires_at ON password_resets (expires_at);
