-- +goose Up

-- The types are PostgreSQL's; SQLite reads them as comments: identifiers are
-- text there and times are integer microseconds since 1970, UTC.
-- The *_key columns hold what Go folded for comparison (NFC, full case folding).

CREATE TABLE deployment (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id                 UUID PRIMARY KEY,
    username           TEXT NOT NULL,
    username_key       TEXT NOT NULL,
    name               TEXT NOT NULL,
    name_key           TEXT NOT NULL,
    email              TEXT NOT NULL,
    email_key          TEXT NOT NULL,
    avatar_url         TEXT NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('active', 'dormant', 'suspended')),
    login_type         TEXT NOT NULL CHECK (login_type IN ('password', 'github', 'oidc', 'none')),
    is_service_account BOOLEAN NOT NULL,
    deleted            BOOLEAN NOT NULL,
    github_user_id     BIGINT NOT NULL,
    password_hash      TEXT NOT NULL,
    created_at         TIMESTAMPTZ NOT NULL,
    updated_at         TIMESTAMPTZ NOT NULL,
    last_seen_at       TIMESTAMPTZ NOT NULL
);

CREATE TABLE user_roles (
    user_id UUID NOT NULL REFERENCES users (id),
    role    TEXT NOT NULL,
    PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_role ON user_roles (role, user_id);

CREATE TABLE organizations (
    id           UUID PRIMARY KEY,
    name         TEXT NOT NULL,
    name_key     TEXT NOT NULL,
    display_name TEXT NOT NULL,
    description  TEXT NOT NULL,
    icon         TEXT NOT NULL,
    is_default   BOOLEAN NOT NULL,
    deleted      BOOLEAN NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX organizations_default ON organizations (is_default) WHERE is_default;

CREATE TABLE organization_members (
    user_id         UUID NOT NULL REFERENCES users (id),
    organization_id UUID NOT NULL REFERENCES organizations (id),
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, organization_id)
);
CREATE INDEX organization_members_organization ON organization_members (organization_id, user_id);

CREATE TABLE organization_member_roles (
    user_id         UUID NOT NULL,
    organization_id UUID NOT NULL,
    role            TEXT NOT NULL,
    PRIMARY KEY (user_id, organization_id, role),
    FOREIGN KEY (user_id, organization_id)
        REFERENCES organization_members (user_id, organization_id) ON DELETE CASCADE
);

-- A key's secret half is not here: only the SHA-256 of it.
CREATE TABLE api_keys (
    id               TEXT PRIMARY KEY,
    secret_hash      BYTEA NOT NULL,
    user_id          UUID NOT NULL REFERENCES users (id),
    login_type       TEXT NOT NULL,
    name             TEXT NOT NULL,
    scopes           TEXT NOT NULL,
    allow_list       TEXT NOT NULL,
    lifetime_seconds BIGINT NOT NULL,
    ip               TEXT NOT NULL,
    expires_at       TIMESTAMPTZ NOT NULL,
    last_used        TIMESTAMPTZ NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL
);
CREATE INDEX api_keys_user ON api_keys (user_id);
CREATE INDEX api_keys_expires_at ON api_keys (expires_at);
CREATE UNIQUE INDEX api_keys_name ON api_keys (user_id, name) WHERE login_type = 'token' AND name <> '';

-- The actor and the organization are no foreign keys: an entry outlives both.
CREATE TABLE audit_log (
    id              UUID PRIMARY KEY,
    time            TIMESTAMPTZ NOT NULL,
    request_id      UUID NOT NULL,
    actor_id        UUID NOT NULL,
    organization_id UUID NOT NULL,
    ip              TEXT NOT NULL,
    user_agent      TEXT NOT NULL,
    resource_type   TEXT NOT NULL,
    resource_id     UUID NOT NULL,
    target          TEXT NOT NULL,
    target_key      TEXT NOT NULL,
    action          TEXT NOT NULL,
    diff            TEXT NOT NULL,
    outcome         TEXT NOT NULL,
    additional      TEXT NOT NULL
);
CREATE INDEX audit_log_time ON audit_log (time DESC, id DESC);
CREATE INDEX audit_log_resource ON audit_log (resource_id, time DESC);
CREATE INDEX audit_log_actor ON audit_log (actor_id, time DESC);
CREATE INDEX audit_log_request ON audit_log (request_id);
