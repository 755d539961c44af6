-- +goose Up

-- SQLite compares text bytewise without being asked.
CREATE UNIQUE INDEX users_username ON users (username_key) WHERE NOT deleted;
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE NOT deleted AND email_key <> '';
CREATE UNIQUE INDEX organizations_name ON organizations (name_key) WHERE NOT deleted;
