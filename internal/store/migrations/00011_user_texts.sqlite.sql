-- +goose Up

-- The usernames and addresses of 256 users each, to be read in one piece: a row of
-- the table costs as much as twenty users of a text do. What is NULL is read from
-- the table until somebody packs it.
CREATE TABLE user_texts (
    block INTEGER PRIMARY KEY,
    text  TEXT
);
CREATE INDEX user_texts_loose ON user_texts (block) WHERE text IS NULL;

-- A user ends with a record separator, and its name with a line; neither a name
-- nor an address can contain one of them.
CREATE VIEW user_blocks AS
    SELECT t.block, coalesce(t.text, (
        SELECT string_agg(u.username_key || char(10) || u.email_key, char(30))
          FROM users u
         WHERE u.number >= t.block * 256 AND u.number < (t.block + 1) * 256 AND NOT u.deleted), '') AS text
      FROM user_texts t;

INSERT INTO user_texts (block) SELECT number / 256 FROM users WHERE NOT deleted GROUP BY 1;
UPDATE user_texts SET text = (SELECT b.text FROM user_blocks b WHERE b.block = user_texts.block);

-- +goose StatementBegin
CREATE TRIGGER user_texts_added AFTER INSERT ON users WHEN NOT NEW.deleted
BEGIN
    INSERT INTO user_texts (block) VALUES (NEW.number / 256) ON CONFLICT DO UPDATE SET text = NULL WHERE text IS NOT NULL;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER user_texts_removed AFTER DELETE ON users WHEN NOT OLD.deleted
BEGIN
    UPDATE user_texts SET text = NULL WHERE block = OLD.number / 256 AND text IS NOT NULL;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER user_texts_changed AFTER UPDATE OF username_key, email_key, deleted ON users
WHEN (OLD.username_key, OLD.email_key, OLD.deleted) IS NOT (NEW.username_key, NEW.email_key, NEW.deleted)
BEGIN
    INSERT INTO user_texts (block) VALUES (NEW.number / 256) ON CONFLICT DO UPDATE SET text = NULL WHERE text IS NOT NULL;
END;
-- +goose StatementEnd
