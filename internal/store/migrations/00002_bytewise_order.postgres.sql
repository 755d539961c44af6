-- +goose Up

-- Names sort and compare bytewise, as they do on SQLite, whatever the locale of
-- the database.
ALTER TABLE users
    ALTER COLUMN username_key TYPE TEXT COLLATE "C",
    ALTER COLUMN email_key TYPE TEXT COLLATE "C",
    ALTER COLUMN name_key TYPE TEXT COLLATE "C";
ALTER TABLE organizations ALTER COLUMN name_key TYPE TEXT COLLATE "C";
ALTER TABLE user_roles ALTER COLUMN role TYPE TEXT COLLATE "C";
ALTER TABLE organization_member_roles ALTER COLUMN role TYPE TEXT COLLATE "C";
ALTER TABLE api_keys ALTER COLUMN id TYPE TEXT COLLATE "C";

CREATE UNIQUE INDEX users_username ON users (username_key) WHERE NOT deleted;
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE NOT deleted AND email_key <> '';
CREATE UNIQUE INDEX organizations_name ON organizations (name_key) WHERE NOT deleted;
