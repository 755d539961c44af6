-- +goose Up

-- How memberships and roles follow from what an identity provider says; settings
-- is a JSON document. The organizations are synced for the whole deployment, which
-- has the nil UUID here: that is why organization_id refers to nothing.
CREATE TABLE idp_sync_settings (
    organization_id UUID NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('organization', 'role')),
    settings        TEXT NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, kind)
);
