-- +goose Up

-- SQLite compares text bytewise without being asked.
CREATE UNIQUE INDEX users_username ON users (username_key) WHERE NOT deleted;
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE NOT deleted AND email_key <> '';
CREATE UNIQUE INDEX organizations_name ON organizations (name_key) WHERE NOT deleted;

-- The list of users, its usual filters and its count are answered from this index
-- alone: a row of the table costs many times as much when an index leads to it.
-- Every entry has deleted = FALSE; without the column SQLite would look it up.
CREATE INDEX users_list ON users (username_key, deleted, status, login_type, is_service_account, email_key, name_key)
 WHERE NOT deleted;
