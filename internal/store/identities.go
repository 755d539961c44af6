package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
)

// Identity is a user's identity at a provider as it is kept.
type Identity struct {
	account.Identity
	Claims account.Claims
	Tokens IdentityTokens
}

// IdentityTokens are what renews a login at the provider.
type IdentityTokens struct {
	SealedRefresh string    // "" for none
	ExpireAt      time.Time // zero: never
}

const identityColumns = `i.id, i.user_id, i.provider, i.issuer, i.subject, i.email, i.created_at, i.last_login_at`

func identityFields(i *account.Identity) []any {
	return []any{
		&i.ID, &i.UserID, &i.Provider, &i.Issuer, &i.Subject, &i.Email,
		timestamp{&i.CreatedAt},
		timestamp{&i.LastLoginAt},
	}
}

func scanIdentity(r row) (account.Identity, error) {
	var i account.Identity
	err := r.Scan(identityFields(&i)...)
	return i, err
}

func scanStoredIdentity(r row) (Identity, error) {
	var i Identity
	err := r.Scan(append(identityFields(&i.Identity),
		document[account.Claims]{&i.Claims}, &i.Tokens.SealedRefresh, timestamp{&i.Tokens.ExpireAt})...)
	return i, err
}

const selectIdentity = `SELECT ` + identityColumns + ` FROM identities i`

// IdentityBySubject returns the identity that a provider's word is about.
func (tx *Tx) IdentityBySubject(ctx context.Context, provider, issuer, subject string) (account.Identity, error) {
	return one(ctx, tx, scanIdentity,
		selectIdentity+` WHERE i.provider = $1 AND i.issuer = $2 AND i.subject = $3`, provider, issuer, subject)
}

// ListIdentities returns the identities of a user, the oldest first.
func (tx *Tx) ListIdentities(ctx context.Context, userID uuid.UUID) ([]account.Identity, error) {
	return many(ctx, tx, scanIdentity, selectIdentity+` WHERE i.user_id = $1 ORDER BY i.created_at, i.id`, userID)
}

// StoredIdentity returns an identity with what is kept for it.
func (tx *Tx) StoredIdentity(ctx context.Context, id uuid.UUID) (Identity, error) {
	return one(ctx, tx, scanStoredIdentity, `
		SELECT `+identityColumns+`, i.claims, i.sealed_refresh_token, i.tokens_expire_at
		  FROM identities i WHERE i.id = $1`, id)
}

// InsertIdentity adds an identity.
func (tx *Tx) InsertIdentity(ctx context.Context, i Identity) error {
	_, err := tx.exec(ctx, `
		INSERT INTO identities (id, user_id, provider, issuer, subject, email, claims, sealed_refresh_token,
			tokens_expire_at, leased_until, created_at, last_login_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		i.ID, i.UserID, i.Provider, i.Issuer, i.Subject, i.Email, encode(i.Claims), i.Tokens.SealedRefresh,
		micro(i.Tokens.ExpireAt), micro(time.Time{}), micro(i.CreatedAt), micro(i.LastLoginAt))
	return err
}

// UpdateIdentity stores what a new login said: everything but who it is.
func (tx *Tx) UpdateIdentity(ctx context.Context, i Identity) error {
	return tx.update(ctx, `
		UPDATE identities SET email = $2, claims = $3, sealed_refresh_token = $4, tokens_expire_at = $5,
			leased_until = $6, last_login_at = $7
		WHERE id = $1`,
		i.ID, i.Email, encode(i.Claims), i.Tokens.SealedRefresh, micro(i.Tokens.ExpireAt), micro(time.Time{}), micro(i.LastLoginAt))
}

// DeleteIdentity removes an identity and the sessions that it opened.
func (tx *Tx) DeleteIdentity(ctx context.Context, i account.Identity) error {
	if _, err := tx.exec(ctx, `DELETE FROM api_keys WHERE user_id = $1 AND identity_id = $2`, i.UserID, i.ID); err != nil {
		return err
	}
	return tx.update(ctx, `DELETE FROM identities WHERE id = $1`, i.ID)
}

// DeleteUserIdentities removes every identity of a user.
func (tx *Tx) DeleteUserIdentities(ctx context.Context, userID uuid.UUID) error {
	_, err := tx.exec(ctx, `DELETE FROM identities WHERE user_id = $1`, userID)
	return err
}

// LeaseRenewal takes the right to renew the tokens that expire at the given time,
// until the given end, and reports whether nobody else has it or was first. What
// reaches further than anybody can have it was taken before a clock was set back.
func (tx *Tx) LeaseRenewal(ctx context.Context, id uuid.UUID, expireAt, now, until time.Time) (bool, error) {
	taken, err := tx.exec(ctx, `
		UPDATE identities SET leased_until = $4
		 WHERE id = $1 AND tokens_expire_at = $2 AND (leased_until < $3 OR leased_until > $5)`,
		id, micro(expireAt), micro(now), micro(until), micro(until.Add(until.Sub(now))))
	return taken == 1, err
}

// ReleaseRenewal gives that right back where nothing came of it.
func (tx *Tx) ReleaseRenewal(ctx context.Context, id uuid.UUID, until time.Time) error {
	_, err := tx.exec(ctx, `UPDATE identities SET leased_until = $3 WHERE id = $1 AND leased_until = $2`,
		id, micro(until), micro(time.Time{}))
	return err
}

// RenewTokens stores the tokens that took the place of those that expire at the
// given time, unless a login has replaced those meanwhile.
func (tx *Tx) RenewTokens(ctx context.Context, id uuid.UUID, expiredAt time.Time, tokens IdentityTokens) error {
	_, err := tx.exec(ctx, `
		UPDATE identities SET sealed_refresh_token = $3, tokens_expire_at = $4, leased_until = $5
		 WHERE id = $1 AND tokens_expire_at = $2`,
		id, micro(expiredAt), tokens.SealedRefresh, micro(tokens.ExpireAt), micro(time.Time{}))
	return err
}

// SealedToken is a refresh token as it is kept.
type SealedToken struct {
	IdentityID uuid.UUID
	Sealed     string
}

func scanSealedToken(r row) (SealedToken, error) {
	var t SealedToken
	err := r.Scan(&t.IdentityID, &t.Sealed)
	return t, err
}

// ListRefreshTokens returns the refresh tokens of the identities after the given
// one, in the order of their ids.
func (tx *Tx) ListRefreshTokens(ctx context.Context, after uuid.UUID, limit int) ([]SealedToken, error) {
	return many(ctx, tx, scanSealedToken, `
		SELECT i.id, i.sealed_refresh_token FROM identities i
		 WHERE i.id > $1 AND i.sealed_refresh_token <> '' ORDER BY i.id LIMIT $2`, after, limit)
}

// ResealRefreshToken stores the same refresh token, sealed anew; "" forgets it.
func (tx *Tx) ResealRefreshToken(ctx context.Context, id uuid.UUID, sealed string) error {
	return tx.update(ctx, `UPDATE identities SET sealed_refresh_token = $2 WHERE id = $1`, id, sealed)
}
