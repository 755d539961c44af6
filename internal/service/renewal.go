package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/secret"
	"usher/internal/store"
)

const (
	// renewalTime bounds how long a request waits for the tokens of its login to
	// be renewed, by this node or another.
	renewalTime = 25 * time.Second
	// leaseTime is how long a node has for it before another may try: longer than
	// a provider is waited for.
	leaseTime = 30 * time.Second
	// leasePoll is how often is looked whether another node is done.
	leasePoll = 100 * time.Millisecond
	// renewalPause is how long a failure is the answer before the provider is
	// asked again.
	renewalPause = 5 * time.Second
)

// renewals are the logins whose tokens are being renewed by this node, and those
// for which it failed a moment ago.
type renewals struct {
	underWay singleflight.Group

	mu     sync.Mutex
	failed map[uuid.UUID]failedRenewal
}

type failedRenewal struct {
	err error
	at  time.Time
}

func newRenewals() *renewals { return &renewals{failed: map[uuid.UUID]failedRenewal{}} }

// lastFailure returns the failure of a moment ago, if there was one. Older ones
// are forgotten on the way.
func (r *renewals) lastFailure(id uuid.UUID, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other, failure := range r.failed {
		if since(failure.at, now) >= renewalPause {
			delete(r.failed, other)
		}
	}
	return r.failed[id].err
}

func (r *renewals) noteFailure(id uuid.UUID, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[id] = failedRenewal{err: err, at: now}
}

// refreshTokenPlace is where the refresh token of an identity is sealed.
func refreshTokenPlace(id uuid.UUID) string { return "identities/" + id.String() }

func (s *Service) sealRefreshToken(ctx context.Context, tx *store.Tx, id uuid.UUID, token secret.Redacted) (string, error) {
	if token == "" {
		return "", nil
	}
	return s.seal(ctx, tx, refreshTokenPlace(id), token)
}

// checkProviderSession refuses a session whose login at the provider has ended,
// unless the provider renews it (auth.md, section 2.2, rows 6 to 9). It returns
// when the login ends now; the zero time for never.
func (s *Service) checkProviderSession(ctx context.Context, c store.Credential, now time.Time) (time.Time, error) {
	if c.Key.LoginType != account.LoginGitHub && c.Key.LoginType != account.LoginOIDC {
		return time.Time{}, nil
	}
	if c.Provider == "" {
		return time.Time{}, account.Unauthenticated(signedOut, "The login at the identity provider is no longer linked to the account; authenticate there again.")
	}
	if c.TokensExpireAt.IsZero() || c.TokensExpireAt.After(now) {
		return c.TokensExpireAt, nil
	}
	provider := s.Providers.Get(c.Provider)
	if provider == nil {
		return time.Time{}, &account.Error{
			Kind: account.KindInternal, Message: "The login method of this session is no longer configured on this server.",
			Detail: fmt.Sprintf("Unable to refresh the login: the provider %q is not configured.", c.Provider),
		}
	}
	return s.renew(ctx, provider, c.Key.IdentityID, now)
}

// renew makes the provider prolong a login. Of many requests that need it one
// asks, on this node and on all.
func (s *Service) renew(ctx context.Context, provider *Provider, id uuid.UUID, now time.Time) (time.Time, error) {
	if err := s.renewals.lastFailure(id, now); err != nil {
		return time.Time{}, err
	}
	done := s.renewals.underWay.DoChan(id.String(), func() (any, error) {
		// The request that came first may leave; the others still wait.
		ctx, cancel := context.WithTimeout(store.WithPatience(context.WithoutCancel(ctx)), renewalTime)
		defer cancel()
		expireAt, err := s.renewOnce(ctx, provider, id)
		if err != nil && account.KindOf(err) == account.KindUnauthenticated {
			s.renewals.noteFailure(id, err, s.now())
		}
		return expireAt, err
	})
	select {
	case result := <-done:
		expireAt, _ := result.Val.(time.Time)
		return expireAt, result.Err
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// renewOnce renews a login, or waits until another node has done it.
func (s *Service) renewOnce(ctx context.Context, provider *Provider, id uuid.UUID) (time.Time, error) {
	for {
		identity, until, err := s.leaseRenewal(ctx, provider, id)
		if err != nil {
			return time.Time{}, err
		}
		if expireAt := identity.Tokens.ExpireAt; expireAt.IsZero() || expireAt.After(s.now()) {
			return expireAt, nil // somebody else was first
		}
		if !until.IsZero() {
			return s.renewLeased(ctx, provider, identity, until)
		}
		select {
		case <-time.After(leasePoll):
		case <-ctx.Done():
			return time.Time{}, renewalFailed(provider, "The renewal took too long.", ctx.Err())
		}
	}
}

// leaseRenewal looks at the tokens and takes the right to renew them, until the
// returned time, which is zero where another node has it.
func (s *Service) leaseRenewal(ctx context.Context, provider *Provider, id uuid.UUID) (store.Identity, time.Time, error) {
	var identity store.Identity
	var until time.Time
	err := s.changeUnrecorded(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		until = time.Time{}
		if identity, err = tx.StoredIdentity(ctx, id); err != nil {
			return err
		}
		now, expireAt := s.now(), identity.Tokens.ExpireAt
		if expireAt.IsZero() || expireAt.After(now) {
			return nil
		}
		if identity.Tokens.SealedRefresh == "" {
			return account.Unauthenticated(signedOut, fmt.Sprintf(
				"The %s session expired at %q, and the provider gave nothing to renew it with. Try signing in again.",
				provider.Product, expireAt.Format(time.RFC3339)))
		}
		taken, err := tx.LeaseRenewal(ctx, id, expireAt, now, now.Add(leaseTime))
		if taken {
			until = now.Add(leaseTime)
		}
		return err
	})
	if account.KindOf(err) == account.KindNotFound {
		err = account.Unauthenticated(signedOut, "The login at the identity provider is no longer linked to the account; authenticate there again.")
	}
	return identity, until, err
}

// renewLeased asks the provider and stores what it says.
func (s *Service) renewLeased(ctx context.Context, provider *Provider, identity store.Identity, until time.Time) (time.Time, error) {
	refresh, err := s.Sealer.Open(refreshTokenPlace(identity.ID), identity.Tokens.SealedRefresh)
	if err != nil {
		return time.Time{}, fmt.Errorf("the refresh token of identity %s: %w", identity.ID, err)
	}
	tokens, err := provider.Refresh(ctx, refresh)
	if err != nil {
		released := s.changeUnrecorded(ctx, func(ctx context.Context, tx *store.Tx) error {
			return tx.ReleaseRenewal(ctx, identity.ID, until)
		})
		detail := "The provider did not answer."
		if refused, ok := errors.AsType[*idp.RefusedError](err); ok {
			detail = refused.Code
		}
		return time.Time{}, renewalFailed(provider, detail, errors.Join(err, released))
	}
	if tokens.Refresh == "" {
		tokens.Refresh = refresh // it stays good (RFC 6749, section 6)
	}
	err = s.changeUnrecorded(ctx, func(ctx context.Context, tx *store.Tx) error {
		sealed, err := s.sealRefreshToken(ctx, tx, identity.ID, tokens.Refresh)
		if err != nil {
			return err
		}
		return tx.RenewTokens(ctx, identity.ID, identity.Tokens.ExpireAt, store.IdentityTokens{SealedRefresh: sealed, ExpireAt: tokens.Expiry})
	})
	return tokens.Expiry, err
}

func renewalFailed(provider *Provider, detail string, cause error) error {
	return account.Unauthenticated(
		fmt.Sprintf("Could not refresh the expired login with %s. Sign in again, or try again in a moment.", provider.Product),
		detail).Because(cause)
}

// changeUnrecorded is a change of the server's own bookkeeping, which is nobody's
// doing.
func (s *Service) changeUnrecorded(ctx context.Context, body store.Body) error {
	server := account.Anonymous(account.Origin{})
	return s.changeUnaudited(ctx, server, func(ctx context.Context, tx *store.Tx, _ *entry) error { return body(ctx, tx) })
}
