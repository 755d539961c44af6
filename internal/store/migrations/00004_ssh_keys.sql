-- +goose Up

-- The private half is sealed with a key that is not in the database; the row of
-- table deployment with the key 'encryption_check' is sealed with it too, and
-- tells whether a node has the right one. The row of a deleted user stays.
CREATE TABLE git_ssh_keys (
    user_id            UUID PRIMARY KEY REFERENCES users (id),
    public_key         TEXT NOT NULL,
    sealed_private_key TEXT NOT NULL,
    created_at         TIMESTAMPTZ NOT NULL,
    updated_at         TIMESTAMPTZ NOT NULL
);
