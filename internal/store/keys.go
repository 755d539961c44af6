package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

const keyColumns = `
	k.id, k.user_id, k.login_type, k.name, k.scopes, k.allow_list, k.lifetime_seconds,
	k.expires_at, k.last_used, k.created_at, k.updated_at, k.replaced_by, k.identity_id`

func keyFields(k *account.APIKey) []any {
	return []any{
		&k.ID, &k.UserID, &k.LoginType, &k.Name,
		document[[]string]{&k.Scopes},
		allowList{&k.AllowList},
		seconds{&k.Lifetime},
		timestamp{&k.ExpiresAt},
		timestamp{&k.LastUsed},
		timestamp{&k.CreatedAt},
		timestamp{&k.UpdatedAt},
		&k.ReplacedBy, &k.IdentityID,
	}
}

func scanKey(r row) (account.APIKey, error) {
	var k account.APIKey
	err := r.Scan(keyFields(&k)...)
	return k, err
}

// seconds scans a number of seconds.
type seconds struct{ to *time.Duration }

// Scan implements sql.Scanner.
func (s seconds) Scan(src any) error {
	n, _ := src.(int64)
	*s.to = time.Duration(n) * time.Second
	return nil
}

// allowList scans a list of "type:id". An entry of a type that nobody knows
// (any more) is left out, which never widens the list.
type allowList struct{ to *account.AllowList }

// Scan implements sql.Scanner.
func (a allowList) Scan(src any) error {
	var texts []string
	if err := (document[[]string]{&texts}).Scan(src); err != nil {
		return err
	}
	list := account.AllowList{}
	for _, text := range texts {
		if entry, err := account.ParseAllowListEntry(text); err == nil {
			list = append(list, entry)
		}
	}
	*a.to = list
	return nil
}

func allowListTexts(list account.AllowList) []string {
	texts := make([]string, len(list))
	for i, entry := range list {
		texts[i] = entry.String()
	}
	return texts
}

// Credential is an API key as it is checked: with the hash of its secret half,
// its user, and the user's memberships.
type Credential struct {
	Key         account.APIKey
	SecretHash  []byte
	User        account.User
	Memberships []account.Membership
	// Provider is that of the identity whose login made the key, and TokensExpireAt
	// when that login ends there; empty for other keys, and where the identity is
	// gone.
	Provider       string
	TokensExpireAt time.Time
}

// CredentialByKeyID returns everything that authentication needs to know.
func (tx *Tx) CredentialByKeyID(ctx context.Context, keyID string) (Credential, error) {
	credential, err := one(ctx, tx, scanCredential, `
		SELECT k.secret_hash, coalesce(i.provider, ''), i.tokens_expire_at, `+keyColumns+`, `+userColumns+`
		  FROM api_keys k JOIN users u ON u.id = k.user_id LEFT JOIN identities i ON i.id = k.identity_id
		 WHERE k.id = $1 AND NOT u.deleted`, keyID)
	if err != nil {
		return Credential{}, err
	}
	credential.Memberships, err = tx.Memberships(ctx, credential.User.ID)
	return credential, err
}

func scanCredential(r row) (Credential, error) {
	var c Credential
	fields := append([]any{&c.SecretHash, &c.Provider, timestamp{&c.TokensExpireAt}}, keyFields(&c.Key)...)
	err := r.Scan(append(fields, userFields(&c.User)...)...)
	return c, err
}

// HasLegacyKeys reports whether there is a key whose id does not begin with the
// prefix.
func (tx *Tx) HasLegacyKeys(ctx context.Context, prefix string) (bool, error) {
	return one(ctx, tx, value[bool], `SELECT EXISTS (SELECT 1 FROM api_keys WHERE id < $1)
		OR EXISTS (SELECT 1 FROM api_keys WHERE id > $2)`, prefix, prefix+"~")
}

// InsertKey adds an API key; only the hash of its secret half is stored.
func (tx *Tx) InsertKey(ctx context.Context, k account.APIKey, secretHash []byte, ip string) error {
	_, err := tx.exec(ctx, `
		INSERT INTO api_keys (id, secret_hash, user_id, login_type, name, scopes, allow_list, lifetime_seconds, ip,
			expires_at, last_used, created_at, updated_at, identity_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		k.ID, secretHash, k.UserID, k.LoginType, k.Name, encode(k.Scopes), encode(allowListTexts(k.AllowList)),
		int64(k.Lifetime/time.Second), ip, micro(k.ExpiresAt), micro(k.LastUsed), micro(k.CreatedAt), micro(k.UpdatedAt), k.IdentityID)
	return err
}

// OwnedKey is an API key with the user it acts as.
type OwnedKey struct {
	Key   account.APIKey
	Owner account.User
}

func scanOwnedKey(r row) (OwnedKey, error) {
	var k OwnedKey
	err := r.Scan(append(keyFields(&k.Key), userFields(&k.Owner)...)...)
	return k, err
}

const selectOwnedKey = `
	SELECT ` + keyColumns + `, ` + userColumns + ` FROM api_keys k JOIN users u ON u.id = k.user_id`

// KeyByID returns the key with that id, expired or not.
func (tx *Tx) KeyByID(ctx context.Context, id string) (OwnedKey, error) {
	return one(ctx, tx, scanOwnedKey, selectOwnedKey+` WHERE k.id = $1 AND NOT u.deleted`, id)
}

// TokenByName returns the token of a user that has that name, expired or not.
func (tx *Tx) TokenByName(ctx context.Context, userID uuid.UUID, name string) (account.APIKey, error) {
	return one(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM api_keys k
		WHERE k.user_id = $1 AND k.name = $2 AND k.login_type = 'token' AND k.name <> ''`, userID, name)
}

// TokenList says which tokens a list is about.
type TokenList struct {
	UserID    uuid.UUID
	Everyones bool
	ValidAt   time.Time // leaves out what has expired by then, if set
}

// ListTokens returns the tokens of the list, the oldest first.
func (tx *Tx) ListTokens(ctx context.Context, list TokenList) ([]OwnedKey, error) {
	c := &clauses{}
	c.where(`k.login_type = 'token'`)
	c.where(`NOT u.deleted`)
	if !list.Everyones {
		c.where(`k.user_id = ` + c.bind(list.UserID))
	}
	if !list.ValidAt.IsZero() {
		c.where(`k.expires_at > ` + c.bind(micro(list.ValidAt)))
	}
	return many(ctx, tx.once(), scanOwnedKey, selectOwnedKey+c.String()+` ORDER BY k.created_at, k.id`, c.args...)
}

// UpdateKey stores a key's name, expiry and successor.
func (tx *Tx) UpdateKey(ctx context.Context, k account.APIKey) error {
	return tx.update(ctx, `UPDATE api_keys SET name = $2, expires_at = $3, replaced_by = $4 WHERE id = $1`,
		k.ID, k.Name, micro(k.ExpiresAt), k.ReplacedBy)
}

// PurgeKeys removes keys that expired before the given time, at most so many,
// and returns how many it removed.
func (tx *Tx) PurgeKeys(ctx context.Context, expiredBefore time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM api_keys WHERE id IN (
		SELECT k.id FROM api_keys k WHERE k.expires_at < $1 ORDER BY k.expires_at LIMIT $2)`, micro(expiredBefore), limit)
}

// DeleteKey removes one key.
func (tx *Tx) DeleteKey(ctx context.Context, id string) error {
	return tx.update(ctx, `DELETE FROM api_keys WHERE id = $1`, id)
}

// DeleteUserKeys removes all keys of a user, sessions and tokens.
func (tx *Tx) DeleteUserKeys(ctx context.Context, userID uuid.UUID) error {
	_, err := tx.exec(ctx, `DELETE FROM api_keys WHERE user_id = $1`, userID)
	return err
}

// DeleteScopedKeys removes the keys of a user that have the scope.
func (tx *Tx) DeleteScopedKeys(ctx context.Context, userID uuid.UUID, scope string) error {
	_, err := tx.exec(ctx, `DELETE FROM api_keys WHERE user_id = $1 AND scopes LIKE $2 ESCAPE '\'`,
		userID, `%"`+literal(scope)+`"%`)
	return err
}
