-- +goose Up

-- Who a user is at an identity provider. Claims is a JSON object. The refresh
-- token is sealed like the SSH keys, '' for none; tokens_expire_at is the zero
-- time where the provider set no end. The lease is of the node that is renewing
-- the tokens. Deleting a user deletes them.
CREATE TABLE identities (
    id                   UUID PRIMARY KEY,
    user_id              UUID NOT NULL REFERENCES users (id),
    provider             TEXT NOT NULL,
    issuer               TEXT NOT NULL,
    subject              TEXT NOT NULL,
    email                TEXT NOT NULL,
    claims               TEXT NOT NULL,
    sealed_refresh_token TEXT NOT NULL,
    tokens_expire_at     TIMESTAMPTZ NOT NULL,
    leased_until         TIMESTAMPTZ NOT NULL,
    created_at           TIMESTAMPTZ NOT NULL,
    last_login_at        TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX identities_subject ON identities (provider, issuer, subject);
CREATE INDEX identities_user ON identities (user_id);

-- The identity whose login opened the session; the nil UUID for every other key.
ALTER TABLE api_keys ADD COLUMN identity_id UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
