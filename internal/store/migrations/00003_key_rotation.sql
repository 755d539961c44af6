-- +goose Up

-- The key that took this one's place when it was rotated, '' for none.
ALTER TABLE api_keys ADD COLUMN replaced_by TEXT NOT NULL DEFAULT '';
