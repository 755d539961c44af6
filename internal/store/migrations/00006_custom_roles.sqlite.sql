-- +goose Up

-- Roles that an organization made for itself; permissions is a JSON list.
CREATE TABLE custom_roles (
    id              UUID PRIMARY KEY,
    organization_id UUID NOT NULL REFERENCES organizations (id),
    name            TEXT NOT NULL,
    name_key        TEXT NOT NULL,
    display_name    TEXT NOT NULL,
    permissions     TEXT NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX custom_roles_name ON custom_roles (organization_id, name_key);

-- Who holds a role, for the day when it changes or goes.
CREATE INDEX organization_member_roles_role ON organization_member_roles (organization_id, role);
