-- +goose Up

-- Nobody writes between what is counted and joined here and the triggers that
-- keep it.
LOCK TABLE users, user_roles IN SHARE ROW EXCLUSIVE MODE;

-- site_roles are the roles of user_roles, each between spaces, for searches and
-- answers; triggers see to it, also for nodes of the version before.
ALTER TABLE users ADD COLUMN site_roles TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE users SET site_roles = ' ' || r.roles || ' '
  FROM (SELECT user_id, string_agg(role, ' ' ORDER BY role) AS roles FROM user_roles GROUP BY user_id) r
 WHERE r.user_id = users.id;

-- Lists are answered from these indexes alone where PostgreSQL can.
CREATE INDEX users_list ON users (username_key)
    INCLUDE (status, login_type, is_service_account, last_seen_at, email_key, name_key) WHERE NOT deleted;
CREATE INDEX users_kind ON users (status, login_type, is_service_account, last_seen_at)
    INCLUDE (created_at, username_key) WHERE NOT deleted;
CREATE INDEX users_site_roles ON users (site_roles)
    INCLUDE (username_key, status, login_type, is_service_account, last_seen_at) WHERE NOT deleted AND site_roles <> '';
CREATE INDEX users_github ON users (github_user_id) WHERE NOT deleted AND github_user_id <> 0;
CREATE INDEX users_deleted ON users (id) WHERE deleted;

-- Every three letters of names and addresses, with a line between the two, which
-- neither can contain. Where the extension cannot be had, searches read the table.
-- +goose StatementBegin
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX users_search ON users USING gin ((username_key || E'\n' || email_key) gin_trgm_ops) WHERE NOT deleted;
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
        RAISE WARNING 'the extension pg_trgm cannot be had (%): searches for users will read the whole table', SQLERRM;
END
$$;
-- +goose StatementEnd

-- How many users there are of each kind, and of each kind and day (UTC, since
-- 1970) on which they were last seen, so that a list can tell its length without
-- walking it. Deleted users do not count. What changes a number is a row of
-- user_count_changes, so that no two transactions meet in one; nodes add them up
-- from time to time.
CREATE TABLE user_sums (
    status             TEXT NOT NULL,
    login_type         TEXT NOT NULL,
    is_service_account BOOLEAN NOT NULL,
    users              BIGINT NOT NULL,
    PRIMARY KEY (status, login_type, is_service_account)
);
CREATE TABLE user_day_sums (
    day                BIGINT NOT NULL,
    status             TEXT NOT NULL,
    login_type         TEXT NOT NULL,
    is_service_account BOOLEAN NOT NULL,
    users              BIGINT NOT NULL,
    PRIMARY KEY (day, status, login_type, is_service_account)
);
CREATE TABLE user_count_changes (
    day                BIGINT NOT NULL,
    status             TEXT NOT NULL,
    login_type         TEXT NOT NULL,
    is_service_account BOOLEAN NOT NULL,
    users              BIGINT NOT NULL
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- What queries read.
CREATE VIEW user_counts AS
    SELECT status, login_type, is_service_account, users FROM user_sums
    UNION ALL SELECT status, login_type, is_service_account, users FROM user_count_changes;
CREATE VIEW user_day_counts AS
    SELECT day, status, login_type, is_service_account, users FROM user_day_sums
    UNION ALL SELECT day, status, login_type, is_service_account, users FROM user_count_changes;

-- +goose StatementBegin
CREATE FUNCTION usher_day(TIMESTAMPTZ) RETURNS BIGINT LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS
$$ SELECT (($1 AT TIME ZONE 'UTC')::date - DATE '1970-01-01')::bigint $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION usher_count_added() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO user_count_changes
        SELECT usher_day(last_seen_at), status, login_type, is_service_account, count(*)
          FROM added WHERE NOT deleted GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION usher_count_moved() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') AND NOT OLD.deleted THEN
        INSERT INTO user_count_changes
            VALUES (usher_day(OLD.last_seen_at), OLD.status, OLD.login_type, OLD.is_service_account, -1);
    END IF;
    IF TG_OP = 'UPDATE' AND NOT NEW.deleted THEN
        INSERT INTO user_count_changes
            VALUES (usher_day(NEW.last_seen_at), NEW.status, NEW.login_type, NEW.is_service_account, 1);
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION usher_join_roles() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    holder UUID := CASE WHEN TG_OP = 'DELETE' THEN OLD.user_id ELSE NEW.user_id END;
BEGIN
    UPDATE users
       SET site_roles = coalesce((SELECT ' ' || string_agg(r.role, ' ' ORDER BY r.role) || ' ' FROM user_roles r WHERE r.user_id = holder), '')
     WHERE id = holder;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

INSERT INTO user_day_sums
    SELECT usher_day(last_seen_at), status, login_type, is_service_account, count(*)
      FROM users WHERE NOT deleted GROUP BY 1, 2, 3, 4;
INSERT INTO user_sums
    SELECT status, login_type, is_service_account, sum(users) FROM user_day_sums GROUP BY 1, 2, 3;

CREATE TRIGGER users_added AFTER INSERT ON users
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION usher_count_added();
CREATE TRIGGER users_removed AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION usher_count_moved();
CREATE TRIGGER users_moved AFTER UPDATE OF status, login_type, is_service_account, last_seen_at, deleted ON users FOR EACH ROW
    WHEN ((OLD.status, OLD.login_type, OLD.is_service_account, OLD.deleted, usher_day(OLD.last_seen_at))
        IS DISTINCT FROM (NEW.status, NEW.login_type, NEW.is_service_account, NEW.deleted, usher_day(NEW.last_seen_at)))
    EXECUTE FUNCTION usher_count_moved();
CREATE TRIGGER user_roles_changed AFTER INSERT OR DELETE ON user_roles FOR EACH ROW EXECUTE FUNCTION usher_join_roles();
