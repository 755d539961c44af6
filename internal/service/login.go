package service

import (
	"context"
	"fmt"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

// AuthMethods says how people can sign in here.
type AuthMethods struct {
	Password          bool
	TermsOfServiceURL string
	// GitHub and OIDC are the providers that the API has routes of their own for,
	// nil where they are not configured or cannot be reached.
	GitHub, OIDC *Provider
	// Further are the other OpenID Connect providers that can be reached.
	Further []*Provider
}

// AuthMethods returns the ways to sign in. It asks no provider.
func (s *Service) AuthMethods() AuthMethods {
	methods := AuthMethods{Password: !s.DisablePasswordAuth, TermsOfServiceURL: s.TermsOfServiceURL}
	for _, p := range s.Providers.All() {
		switch {
		case p.Reachable() != nil:
		case p.Name == account.ProviderGitHub:
			methods.GitHub = p
		case p.Name == account.ProviderOIDC:
			methods.OIDC = p
		default:
			methods.Further = append(methods.Further, p)
		}
	}
	return methods
}

// UnreachableProviders lists the names of the providers through which nobody can
// sign in at the moment.
func (s *Service) UnreachableProviders() []string {
	var names []string
	for _, p := range s.Providers.All() {
		if p.Reachable() != nil {
			names = append(names, p.Name)
		}
	}
	return names
}

// Login is an attempt to sign in with a password.
type Login struct {
	Email    string
	Password secret.Redacted
}

func (l *Login) validate() error {
	var v validation
	v.check("email", account.CheckEmail(l.Email))
	if l.Password == "" {
		v.check("password", fmt.Errorf("must not be empty"))
	}
	return v.failure()
}

func badLogin() error {
	return account.Unauthenticated("Incorrect email or password.", "")
}

func passwordAuthDisabled() error {
	return &account.Error{Kind: account.KindForbidden, Message: "Password authentication is disabled."}
}

// Login checks a password and starts a session. An unknown address, a wrong
// password and an account that signs in elsewhere get the same answer, after
// the same time.
func (s *Service) Login(ctx context.Context, actor *account.Actor, l Login, malformed error) (secret.Key, error) {
	if err := orElse(malformed, l.validate()); err != nil {
		return secret.Key{}, err
	}
	source := loginSource{email: account.Fold(l.Email), ip: actor.Origin.IP}
	if err := s.failures.check(source, s.now()); err != nil {
		return secret.Key{}, err
	}
	user, stored, err := s.loginUser(ctx, l.Email)
	if err != nil {
		return secret.Key{}, err
	}
	rehash, err := s.checkLogin(ctx, user, stored, l.Password)
	if account.KindOf(err) == account.KindUnauthenticated {
		s.failures.failed(source, s.now())
	}
	e := keyEntry(account.AuditLogin, account.OutcomeCreated)
	e.ResourceID, e.ActorID = user.ID, user.ID
	if err != nil {
		s.recordRefusal(ctx, actor, e, err)
		return secret.Key{}, err
	}
	s.failures.succeeded(source)
	return s.startSession(ctx, actor, e, stored, rehash)
}

// loginUser returns the user of an address with its password hash; both are
// empty when nobody has it.
func (s *Service) loginUser(ctx context.Context, email string) (user account.User, stored string, err error) {
	err = s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if user, err = tx.UserByEmail(ctx, email); err != nil {
			return err
		}
		stored, err = tx.PasswordHash(ctx, user.ID)
		return err
	})
	if account.KindOf(err) == account.KindNotFound {
		err = nil
	}
	return user, stored, err
}

// checkLogin verifies the password and what else decides about a login. It
// returns a new hash where the stored one is of an older kind.
func (s *Service) checkLogin(ctx context.Context, user account.User, stored string, password secret.Redacted) (rehash string, err error) {
	if user.LoginType != account.LoginPassword {
		stored = "" // a hash that was left behind opens nothing
	}
	verdict, err := s.verify(ctx, stored, password.Reveal())
	if isDamaged(err) {
		s.Log.ErrorContext(ctx, "the stored password hash of a user cannot be read", "user_id", user.ID)
		return "", badLogin()
	}
	if err != nil {
		return "", err
	}
	switch {
	case !verdict.OK:
		return "", badLogin()
	case s.DisablePasswordAuth:
		return "", passwordAuthDisabled()
	case user.Status == account.StatusSuspended:
		return "", account.Unauthenticated(fmt.Sprintf(
			"Your account is %s. Contact an admin to reactivate your account.", user.Status), "")
	case !verdict.Outdated:
		return "", nil
	}
	return s.hash(ctx, password.Reveal())
}

// startSession stores the session, wakes a dormant user, and upgrades an older
// password hash, unless the account changed since it was checked.
func (s *Service) startSession(ctx context.Context, actor *account.Actor, template account.AuditEntry, stored, rehash string) (secret.Key, error) {
	return minting(func() (secret.Key, error) {
		var minted secret.Key
		err := s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
			user, err := s.stillTheSame(ctx, tx, template, stored)
			if err != nil {
				return err
			}
			if err := s.greet(ctx, tx, user, e); err != nil {
				return err
			}
			if rehash != "" {
				if err := tx.UpdatePasswordHash(ctx, user.ID, rehash); err != nil {
					return err
				}
			}
			var key account.APIKey
			minted, key, err = s.buildKey(keySpec{
				owner: user, loginType: account.LoginPassword, lifetime: s.SessionDuration,
			})
			if err != nil {
				return err
			}
			return tx.InsertKey(ctx, key, minted.Hash(), actor.Origin.IP)
		})
		return minted, err
	})
}

// stillTheSame loads the user again: it may have been deleted or suspended, or
// its password replaced, while the old one was being checked.
func (s *Service) stillTheSame(ctx context.Context, tx *store.Tx, template account.AuditEntry, stored string) (account.User, error) {
	user, err := tx.UserByID(ctx, template.ResourceID)
	if err != nil {
		return user, err
	}
	current, err := tx.PasswordHash(ctx, user.ID)
	if err != nil {
		return user, err
	}
	if user.Deleted || user.Status == account.StatusSuspended || current != stored {
		return user, badLogin()
	}
	return user, nil
}

// greet wakes a dormant user, which is an entry of its own.
func (s *Service) greet(ctx context.Context, tx *store.Tx, user account.User, e *entry) error {
	if user.Status != account.StatusDormant {
		return nil
	}
	e.outdates(user.ID)
	_, diff, err := s.awaken(ctx, tx, user)
	woke := wroteUser()
	woke.ResourceID, woke.Target, woke.ActorID = user.ID, user.Username, user.ID
	woke.Additional, woke.Diff = account.AutomaticFields("dormancy"), diff
	e.also = append(e.also, woke)
	return err
}

// Logout ends the presented session, and every session of the user that was
// made to open applications.
func (s *Service) Logout(ctx context.Context, actor *account.Actor) error {
	return s.change(ctx, actor, keyEntry(account.AuditLogout, account.OutcomeOK), func(ctx context.Context, tx *store.Tx, e *entry) error {
		e.aboutKeyOf(actor.User, "")
		e.outdates(actor.User.ID)
		if err := actor.Authorize(account.ActionDelete, actor.Key.Object()); err != nil {
			return err
		}
		if err := tx.DeleteKey(ctx, actor.Key.ID); err != nil && account.KindOf(err) != account.KindNotFound {
			return err
		}
		return tx.DeleteScopedKeys(ctx, actor.User.ID, account.ScopeApplicationConnect)
	})
}
