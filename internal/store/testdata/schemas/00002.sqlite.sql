CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
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
CREATE UNIQUE INDEX users_username ON users (username_key) WHERE NOT deleted;
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE NOT deleted AND email_key <> '';
CREATE UNIQUE INDEX organizations_name ON organizations (name_key) WHERE NOT deleted;
CREATE INDEX users_list ON users (username_key, deleted, status, login_type, is_service_account, email_key, name_key)
 WHERE NOT deleted;
INSERT INTO goose_db_version (id, is_applied, tstamp, version_id) VALUES (1, 1, '2024-02-29 12:00:00', 0);
INSERT INTO goose_db_version (id, is_applied, tstamp, version_id) VALUES (2, 1, '2024-02-29 12:00:00', 1);
INSERT INTO goose_db_version (id, is_applied, tstamp, version_id) VALUES (3, 1, '2024-02-29 12:00:00', 2);
INSERT INTO deployment (key, value) VALUES ('deployment_id', '0b5d9c40-0003-4000-8000-000000000001');
INSERT INTO organizations (created_at, deleted, description, display_name, icon, id, is_default, name, name_key, updated_at) VALUES (1709251198123456, 0, '', 'The coder', '', '0b5d9c40-0001-4000-8000-000000000001', 1, 'coder', 'coder', 1709251198123456);
INSERT INTO organizations (created_at, deleted, description, display_name, icon, id, is_default, name, name_key, updated_at) VALUES (1709251198123456, 0, '', 'The Team', '', '0b5d9c40-0001-4000-8000-000000000002', 0, 'Team', 'team', 1709251198123456);
INSERT INTO organizations (created_at, deleted, description, display_name, icon, id, is_default, name, name_key, updated_at) VALUES (1709251198123456, 1, '', 'The team', '', '0b5d9c40-0001-4000-8000-000000000003', 0, 'team', 'team', 1709251198123456);
INSERT INTO users (avatar_url, created_at, deleted, email, email_key, github_user_id, id, is_service_account, last_seen_at, login_type, name, name_key, password_hash, status, updated_at, username, username_key) VALUES ('https://example.com/z.png', 1709251198123456, 0, 'Zoë@example.com', 'zoë@example.com', 4611686018427387904, '0b5d9c40-0002-4000-8000-000000000001', 0, 1709251198123457, 'github', 'Zoë''s \ name', 'zoë''s \ name', '$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA', 'dormant', 1709254798123456, 'Zoë', 'zoë');
INSERT INTO users (avatar_url, created_at, deleted, email, email_key, github_user_id, id, is_service_account, last_seen_at, login_type, name, name_key, password_hash, status, updated_at, username, username_key) VALUES ('', 1709251198123456, 1, 'zoë@example.com', 'zoë@example.com', 0, '0b5d9c40-0002-4000-8000-000000000002', 0, -62135596800000000, 'password', '', '', '', 'active', 1709251198123456, 'zoë', 'zoë');
INSERT INTO users (avatar_url, created_at, deleted, email, email_key, github_user_id, id, is_service_account, last_seen_at, login_type, name, name_key, password_hash, status, updated_at, username, username_key) VALUES ('', 1709251198123456, 0, '', '', 0, '0b5d9c40-0002-4000-8000-000000000003', 1, -62135596800000000, 'none', '', '', '', 'active', 1709251198123456, 'robot', 'robot');
INSERT INTO user_roles (role, user_id) VALUES ('owner', '0b5d9c40-0002-4000-8000-000000000001');
INSERT INTO user_roles (role, user_id) VALUES ('auditor', '0b5d9c40-0002-4000-8000-000000000001');
INSERT INTO organization_members (created_at, organization_id, updated_at, user_id) VALUES (1709251198123456, '0b5d9c40-0001-4000-8000-000000000002', 1709251198123456, '0b5d9c40-0002-4000-8000-000000000001');
INSERT INTO organization_members (created_at, organization_id, updated_at, user_id) VALUES (1709251198123456, '0b5d9c40-0001-4000-8000-000000000001', 1709251198123456, '0b5d9c40-0002-4000-8000-000000000001');
INSERT INTO organization_member_roles (organization_id, role, user_id) VALUES ('0b5d9c40-0001-4000-8000-000000000002', 'organization-admin', '0b5d9c40-0002-4000-8000-000000000001');
INSERT INTO api_keys (allow_list, created_at, expires_at, id, ip, last_used, lifetime_seconds, login_type, name, scopes, secret_hash, updated_at, user_id) VALUES ('["user:0b5d9c40-0002-4000-8000-000000000003"]', 1709251198123456, 1709254798123456, 'ushToken00', '::1', 0, 3600, 'token', 'ci', '["user:read"]', X'00FF27', 1709251198123456, '0b5d9c40-0002-4000-8000-000000000001');
INSERT INTO audit_log (action, actor_id, additional, diff, id, ip, organization_id, outcome, request_id, resource_id, resource_type, target, target_key, time, user_agent) VALUES ('delete', '0b5d9c40-0002-4000-8000-000000000001', '{"a":"b"}', '{"deleted":{"old":false,"new":true,"secret":false}}', '0b5d9c40-0003-4000-8000-000000000001', '::1', '0b5d9c40-0001-4000-8000-000000000001', 'ok', '00000000-0000-0000-0000-000000000000', '0b5d9c40-0002-4000-8000-000000000002', 'user', 'zoë', 'zoë', 1709251198123456, 'curl');
