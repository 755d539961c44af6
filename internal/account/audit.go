package account

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// AuditAction is what somebody did, or tried to do.
type AuditAction string

// The audited actions.
const (
	AuditCreate               AuditAction = "create"
	AuditWrite                AuditAction = "write"
	AuditDelete               AuditAction = "delete"
	AuditStart                AuditAction = "start"
	AuditStop                 AuditAction = "stop"
	AuditLogin                AuditAction = "login"
	AuditLogout               AuditAction = "logout"
	AuditRegister             AuditAction = "register"
	AuditRequestPasswordReset AuditAction = "request_password_reset"
	AuditConnect              AuditAction = "connect"
	AuditDisconnect           AuditAction = "disconnect"
	AuditOpen                 AuditAction = "open"
	AuditClose                AuditAction = "close"
)

// AuditActions lists every action that a search may name.
func AuditActions() []AuditAction {
	return []AuditAction{
		AuditCreate, AuditWrite, AuditDelete, AuditStart, AuditStop, AuditLogin, AuditLogout,
		AuditRegister, AuditRequestPasswordReset, AuditConnect, AuditDisconnect, AuditOpen, AuditClose,
	}
}

// AuditResource is the kind of thing that an audit entry is about.
type AuditResource string

// The resources that Usher writes entries about.
const (
	AuditUser               AuditResource = "user"
	AuditAPIKey             AuditResource = "api_key"
	AuditGitSSHKey          AuditResource = "git_ssh_key"
	AuditOrganization       AuditResource = "organization"
	AuditOrganizationMember AuditResource = "organization_member"
	AuditCustomRole         AuditResource = "custom_role"
	AuditConvertLogin       AuditResource = "convert_login"
	AuditEncryptionKey      AuditResource = "encryption_key" // Usher's own, as is the next
	AuditIdentity           AuditResource = "identity"
	AuditOrganizationSync   AuditResource = "idp_sync_settings_organization"
	AuditRoleSync           AuditResource = "idp_sync_settings_role"
)

// AuditResources lists every resource that a search may name, those of other
// deployments included.
func AuditResources() []AuditResource {
	return []AuditResource{
		"template", "template_version", AuditUser, "workspace", "workspace_build", AuditGitSSHKey,
		AuditAPIKey, "group", "license", AuditConvertLogin, "health_settings",
		"notifications_settings", "prebuilds_settings", "workspace_proxy", AuditOrganization,
		"oauth2_provider_app", "oauth2_provider_app_secret", AuditCustomRole,
		AuditOrganizationMember, "notification_template", AuditOrganizationSync,
		"idp_sync_settings_group", AuditRoleSync, "workspace_agent", "workspace_app",
		AuditEncryptionKey, AuditIdentity,
	}
}

// auditWords are what the resources are called in a sentence, where that is not
// their name with spaces.
var auditWords = map[AuditResource]string{
	AuditAPIKey:                  "token",
	AuditConvertLogin:            "login type conversion",
	"oauth2_provider_app":        "oauth2 app",
	"oauth2_provider_app_secret": "oauth2 app secret",
	"health_settings":            "settings",
	"notifications_settings":     "settings",
	"prebuilds_settings":         "settings",
	AuditOrganizationSync:        "settings",
	"idp_sync_settings_group":    "settings",
	AuditRoleSync:                "settings",
}

// auditVerbs are what the actions are called in a sentence about a success.
var auditVerbs = map[AuditAction]string{
	AuditCreate: "created", AuditWrite: "updated", AuditDelete: "deleted",
	AuditStart: "started", AuditStop: "stopped", AuditLogin: "logged in", AuditLogout: "logged out",
	AuditRegister: "registered", AuditRequestPasswordReset: "password reset requested",
	AuditConnect: "connected", AuditDisconnect: "disconnected", AuditOpen: "opened", AuditClose: "closed",
}

// Outcome is how an audited attempt ended: one of the three successes, or the
// kind of the error that refused it.
type Outcome string

// The successes.
const (
	OutcomeOK        Outcome = "ok"
	OutcomeCreated   Outcome = "created"
	OutcomeNoContent Outcome = "no_content"
)

// OutcomeOf returns how an attempt ended that met err; without one it is
// OutcomeOK.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return OutcomeOK
	}
	return Outcome(KindOf(err))
}

// Succeeded reports whether the attempt did what it set out to do.
func (o Outcome) Succeeded() bool {
	return o == OutcomeOK || o == OutcomeCreated || o == OutcomeNoContent
}

// DiffField is one field before and after a change. The values of a secret
// field are never recorded, only that it changed.
type DiffField struct {
	Old    any  `json:"old,omitempty"`
	New    any  `json:"new,omitempty"`
	Secret bool `json:"secret"`
}

// Diff is what a change changed, by field name.
type Diff map[string]DiffField

// AuditEntry is one line of the audit log: who did what to which thing, from
// where, with what outcome.
type AuditEntry struct {
	ID             uuid.UUID
	Time           time.Time
	RequestID      uuid.UUID
	ActorID        uuid.UUID // the nil UUID for the server itself
	OrganizationID uuid.UUID // the nil UUID for none
	IP             string
	UserAgent      string
	Resource       AuditResource
	ResourceID     uuid.UUID
	Target         string // the name by which a person knows the resource
	Action         AuditAction
	Diff           Diff
	Outcome        Outcome
	Additional     map[string]string
}

// AuditRecord is an entry as it is read back, with what it refers to today.
type AuditRecord struct {
	AuditEntry
	Actor           *User         // nil for the server itself, and for users that never were
	Organization    *Organization // nil for none
	ResourceDeleted bool
}

// AutomaticFields mark an entry that the server wrote by itself, for the named
// subsystem.
func AutomaticFields(subsystem string) map[string]string {
	return map[string]string{"automatic_actor": "coder", "automatic_subsystem": subsystem}
}

// Description returns the entry as a sentence with the placeholders {user} and
// {target}.
func (e *AuditEntry) Description() string {
	verb := auditVerbs[e.Action]
	if !e.Outcome.Succeeded() {
		verb = "unsuccessfully attempted to " + string(e.Action)
	}
	if e.Action == AuditRequestPasswordReset {
		return verb + " for {target}"
	}
	sentence := "{user} " + verb
	if e.Resource == AuditAPIKey && (e.Action == AuditLogin || e.Action == AuditLogout || e.Action == AuditRegister) {
		return sentence
	}
	word, special := auditWords[e.Resource]
	if !special {
		word = strings.ReplaceAll(string(e.Resource), "_", " ")
	}
	sentence += " " + word
	if e.Resource == AuditGitSSHKey {
		return sentence
	}
	return sentence + " {target}"
}

// ResourceLink returns the path of the page about the resource, "" for none.
func (r *AuditRecord) ResourceLink() string {
	if r.Resource != AuditUser || r.ResourceDeleted {
		return ""
	}
	return "/users?filter=" + r.Target
}

// UserDiff returns what changed between two states of a user; the zero User
// stands for "was not there". passwordChanged notes the change of the secret.
func UserDiff(before, after User, passwordChanged bool) Diff {
	diff := Diff{}
	diff.add("id", idOrNil(before.ID), idOrNil(after.ID))
	diff.add("email", before.Email, after.Email)
	diff.add("username", before.Username, after.Username)
	diff.add("name", before.Name, after.Name)
	diff.add("status", before.Status, after.Status)
	diff.add("rbac_roles", asSet(before.Roles), asSet(after.Roles))
	diff.add("login_type", before.LoginType, after.LoginType)
	diff.add("deleted", before.Deleted, after.Deleted)
	diff.add("is_service_account", before.IsServiceAccount, after.IsServiceAccount)
	if passwordChanged {
		diff["hashed_password"] = DiffField{Old: "", New: "", Secret: true}
	}
	return diff
}

// AddPasscode adds to a diff about a user until when its passcode can be used; the
// zero time stands for none. Nothing of the passcode itself is ever part of it.
func (d Diff) AddPasscode(before, after time.Time) {
	d.add("one_time_passcode_expires_at", timeOrEmpty(before), timeOrEmpty(after))
}

// KeyDiff returns what changed between two states of an API key. Nothing of the
// key itself is ever part of it.
func KeyDiff(before, after APIKey) Diff {
	diff := Diff{}
	diff.add("user_id", idOrNil(before.UserID), idOrNil(after.UserID))
	diff.add("login_type", before.LoginType, after.LoginType)
	diff.add("token_name", before.Name, after.Name)
	diff.add("scopes", asSet(before.Scopes), asSet(after.Scopes))
	diff.add("last_used", timeOrEmpty(before.LastUsed), timeOrEmpty(after.LastUsed))
	diff.add("expires_at", timeOrEmpty(before.ExpiresAt), timeOrEmpty(after.ExpiresAt))
	diff.add("created_at", timeOrEmpty(before.CreatedAt), timeOrEmpty(after.CreatedAt))
	return diff
}

// IdentityDiff returns what changed between two states of an identity; the zero
// Identity stands for "was not there".
func IdentityDiff(before, after Identity) Diff {
	diff := Diff{}
	diff.add("id", idOrNil(before.ID), idOrNil(after.ID))
	diff.add("provider", before.Provider, after.Provider)
	diff.add("issuer", before.Issuer, after.Issuer)
	diff.add("subject", before.Subject, after.Subject)
	diff.add("email", before.Email, after.Email)
	return diff
}

// OrganizationDiff returns what changed between two states of an organization;
// the zero Organization stands for "was not there".
func OrganizationDiff(before, after Organization) Diff {
	diff := Diff{}
	diff.add("id", idOrNil(before.ID), idOrNil(after.ID))
	diff.add("name", before.Name, after.Name)
	diff.add("display_name", before.DisplayName, after.DisplayName)
	diff.add("description", before.Description, after.Description)
	diff.add("icon", before.Icon, after.Icon)
	diff.add("deleted", before.Deleted, after.Deleted)
	return diff
}

// MemberDiff returns what changed between two states of a membership.
func MemberDiff(before, after Member) Diff {
	diff := Diff{}
	diff.add("user_id", idOrNil(before.User.ID), idOrNil(after.User.ID))
	diff.add("organization_id", idOrNil(before.OrganizationID), idOrNil(after.OrganizationID))
	diff.add("username", before.User.Username, after.User.Username)
	diff.add("roles", asSet(before.Roles), asSet(after.Roles))
	return diff
}

// RoleDiff returns what changed between two states of a custom role.
func RoleDiff(before, after Role) Diff {
	diff := Diff{}
	diff.add("name", before.Name, after.Name)
	diff.add("display_name", before.DisplayName, after.DisplayName)
	diff.add("org_permissions", permissionNames(before), permissionNames(after))
	return diff
}

func permissionNames(r Role) []string {
	names := []string{}
	for _, p := range r.OrgPermissions() {
		name := p.String()
		if p.Negate {
			name = "!" + name
		}
		names = append(names, name)
	}
	return names
}

func (d Diff) add(field string, before, after any) {
	if !reflect.DeepEqual(before, after) {
		d[field] = DiffField{Old: before, New: after}
	}
}

// asSet returns a sorted copy, which is never nil: another order is no change,
// and no names are an empty list.
func asSet(names []string) []string {
	set := append([]string{}, names...)
	slices.Sort(set)
	return set
}

func idOrNil(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

func timeOrEmpty(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Erased stands in a diff for what was personal.
const Erased = "[erased]"

// Erase takes the person out of a diff about a user, or about one of its
// memberships and keys.
func (d Diff) Erase() {
	for _, field := range []string{"email", "username", "name", "token_name", "public_key", "subject"} {
		change, ok := d[field]
		if !ok {
			continue
		}
		d[field] = DiffField{Old: erased(change.Old), New: erased(change.New)}
	}
}

func erased(value any) any {
	if value == nil || value == "" {
		return value
	}
	return Erased
}
