-- +goose Up
-- +goose NO TRANSACTION

-- The table of users gets two columns, and a new number for every row: SQLite
-- refers to rows by it, and may change one that is no column. A table that others
-- refer to can only be replaced while nobody checks that, which is decided outside
-- transactions; the whole is one all the same, and can be begun again.
PRAGMA foreign_keys = OFF;

BEGIN IMMEDIATE;

-- site_roles are the roles of user_roles, each between spaces, for searches and
-- answers; triggers see to it.
CREATE TABLE users_new (
    number             INTEGER PRIMARY KEY,
    id                 UUID NOT NULL UNIQUE,
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
    last_seen_at       TIMESTAMPTZ NOT NULL,
    site_roles         TEXT NOT NULL DEFAULT ''
);

INSERT INTO users_new (id, username, username_key, name, name_key, email, email_key, avatar_url, status, login_type,
        is_service_account, deleted, github_user_id, password_hash, created_at, updated_at, last_seen_at, site_roles)
    SELECT id, username, username_key, name, name_key, email, email_key, avatar_url, status, login_type,
           is_service_account, deleted, github_user_id, password_hash, created_at, updated_at, last_seen_at,
           coalesce((SELECT ' ' || string_agg(r.role, ' ' ORDER BY r.role) || ' ' FROM user_roles r WHERE r.user_id = users.id), '')
      FROM users ORDER BY username_key;

DROP TRIGGER IF EXISTS user_roles_added;
DROP TRIGGER IF EXISTS user_roles_removed;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;

CREATE UNIQUE INDEX users_username ON users (username_key) WHERE NOT deleted;
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE NOT deleted AND email_key <> '';

-- Lists are answered from these indexes alone: a row of the table costs many
-- times as much when an index leads to it. Every entry has deleted = FALSE;
-- without the column SQLite would look it up.
CREATE INDEX users_list ON users (username_key, deleted, status, login_type, is_service_account, last_seen_at, email_key, name_key)
 WHERE NOT deleted;
CREATE INDEX users_kind ON users (status, login_type, is_service_account, last_seen_at, created_at, username_key, deleted)
 WHERE NOT deleted;
CREATE INDEX users_site_roles ON users (site_roles, username_key, deleted, status, login_type, is_service_account, last_seen_at)
 WHERE NOT deleted AND site_roles <> '';
CREATE INDEX users_github ON users (github_user_id, username_key) WHERE NOT deleted AND github_user_id <> 0;
CREATE INDEX users_deleted ON users (id) WHERE deleted;

-- How many users there are of each kind, and of each kind and day (UTC, since
-- 1970) on which they were last seen, so that a list can tell its length without
-- walking it. Deleted users do not count.
DROP VIEW IF EXISTS user_counts;
DROP VIEW IF EXISTS user_day_counts;
DROP TABLE IF EXISTS user_sums;
CREATE TABLE user_sums (
    status             TEXT NOT NULL,
    login_type         TEXT NOT NULL,
    is_service_account BOOLEAN NOT NULL,
    users              BIGINT NOT NULL,
    PRIMARY KEY (status, login_type, is_service_account)
) WITHOUT ROWID;

DROP TABLE IF EXISTS user_day_sums;
CREATE TABLE user_day_sums (
    day                BIGINT NOT NULL,
    status             TEXT NOT NULL,
    login_type         TEXT NOT NULL,
    is_service_account BOOLEAN NOT NULL,
    users              BIGINT NOT NULL,
    PRIMARY KEY (day, status, login_type, is_service_account)
) WITHOUT ROWID;

INSERT INTO user_day_sums
    SELECT (last_seen_at - (last_seen_at % 86400000000 + 86400000000) % 86400000000) / 86400000000 AS day,
           status, login_type, is_service_account, count(*)
      FROM users WHERE NOT deleted GROUP BY 1, 2, 3, 4;
INSERT INTO user_sums
    SELECT status, login_type, is_service_account, sum(users) FROM user_day_sums GROUP BY 1, 2, 3;

-- What queries read; on PostgreSQL there is more behind them.
CREATE VIEW user_counts AS SELECT status, login_type, is_service_account, users FROM user_sums;
CREATE VIEW user_day_counts AS SELECT day, status, login_type, is_service_account, users FROM user_day_sums;

-- Every three letters of names and addresses, with a line between the two, which
-- neither can contain. The texts themselves are not kept again.
DROP TABLE IF EXISTS user_search;
CREATE VIRTUAL TABLE user_search USING fts5(text, tokenize = 'trigram case_sensitive 1', content = '', columnsize = 0);
INSERT INTO user_search (user_search, rank) VALUES ('secure-delete', 1);
INSERT INTO user_search (rowid, text) SELECT number, username_key || char(10) || email_key FROM users WHERE NOT deleted;

-- +goose StatementBegin
CREATE TRIGGER users_added AFTER INSERT ON users WHEN NOT NEW.deleted
BEGIN
    INSERT INTO user_search (rowid, text) VALUES (NEW.number, NEW.username_key || char(10) || NEW.email_key);
    INSERT INTO user_sums VALUES (NEW.status, NEW.login_type, NEW.is_service_account, 1)
        ON CONFLICT DO UPDATE SET users = users + 1;
    INSERT INTO user_day_sums
        VALUES ((NEW.last_seen_at - (NEW.last_seen_at % 86400000000 + 86400000000) % 86400000000) / 86400000000,
                NEW.status, NEW.login_type, NEW.is_service_account, 1)
        ON CONFLICT DO UPDATE SET users = users + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER users_removed AFTER DELETE ON users WHEN NOT OLD.deleted
BEGIN
    INSERT INTO user_search (user_search, rowid, text)
        VALUES ('delete', OLD.number, OLD.username_key || char(10) || OLD.email_key);
    UPDATE user_sums SET users = users - 1
     WHERE status = OLD.status AND login_type = OLD.login_type AND is_service_account = OLD.is_service_account;
    UPDATE user_day_sums SET users = users - 1
     WHERE day = (OLD.last_seen_at - (OLD.last_seen_at % 86400000000 + 86400000000) % 86400000000) / 86400000000
       AND status = OLD.status AND login_type = OLD.login_type AND is_service_account = OLD.is_service_account;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER users_renamed AFTER UPDATE OF username_key, email_key, deleted ON users
WHEN (OLD.username_key, OLD.email_key, OLD.deleted) IS NOT (NEW.username_key, NEW.email_key, NEW.deleted)
BEGIN
    INSERT INTO user_search (user_search, rowid, text)
        SELECT 'delete', OLD.number, OLD.username_key || char(10) || OLD.email_key WHERE NOT OLD.deleted;
    INSERT INTO user_search (rowid, text)
        SELECT NEW.number, NEW.username_key || char(10) || NEW.email_key WHERE NOT NEW.deleted;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER users_moved AFTER UPDATE OF status, login_type, is_service_account, last_seen_at, deleted ON users
WHEN (OLD.status, OLD.login_type, OLD.is_service_account, OLD.deleted) IS NOT (NEW.status, NEW.login_type, NEW.is_service_account, NEW.deleted)
  OR (OLD.last_seen_at - (OLD.last_seen_at % 86400000000 + 86400000000) % 86400000000)
     <> (NEW.last_seen_at - (NEW.last_seen_at % 86400000000 + 86400000000) % 86400000000)
BEGIN
    UPDATE user_sums SET users = users - 1
     WHERE status = OLD.status AND login_type = OLD.login_type AND is_service_account = OLD.is_service_account AND NOT OLD.deleted;
    UPDATE user_day_sums SET users = users - 1
     WHERE day = (OLD.last_seen_at - (OLD.last_seen_at % 86400000000 + 86400000000) % 86400000000) / 86400000000
       AND status = OLD.status AND login_type = OLD.login_type AND is_service_account = OLD.is_service_account AND NOT OLD.deleted;
    INSERT INTO user_sums
        SELECT NEW.status, NEW.login_type, NEW.is_service_account, 1 WHERE NOT NEW.deleted
        ON CONFLICT DO UPDATE SET users = users + 1;
    INSERT INTO user_day_sums
        SELECT (NEW.last_seen_at - (NEW.last_seen_at % 86400000000 + 86400000000) % 86400000000) / 86400000000,
               NEW.status, NEW.login_type, NEW.is_service_account, 1 WHERE NOT NEW.deleted
        ON CONFLICT DO UPDATE SET users = users + 1;
    DELETE FROM user_day_sums
     WHERE day = (OLD.last_seen_at - (OLD.last_seen_at % 86400000000 + 86400000000) % 86400000000) / 86400000000 AND users = 0;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER user_roles_added AFTER INSERT ON user_roles
BEGIN
    UPDATE users SET site_roles = (SELECT ' ' || string_agg(r.role, ' ' ORDER BY r.role) || ' ' FROM user_roles r WHERE r.user_id = NEW.user_id)
     WHERE id = NEW.user_id;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER user_roles_removed AFTER DELETE ON user_roles
BEGIN
    UPDATE users
       SET site_roles = coalesce((SELECT ' ' || string_agg(r.role, ' ' ORDER BY r.role) || ' ' FROM user_roles r WHERE r.user_id = OLD.user_id), '')
     WHERE id = OLD.user_id;
END;
-- +goose StatementEnd

COMMIT;

PRAGMA foreign_keys = ON;
