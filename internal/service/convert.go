package service

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

const (
	// conversionTime is how long the login may take that completes a conversion.
	conversionTime = 5 * time.Minute
	// stateLength is of the random part of a login's state.
	stateLength = 32
)

// Conversion asks to sign in through a provider from now on instead of with the
// password.
type Conversion struct {
	To       account.LoginType
	Provider string // "" for the one that is named like the login type
	Password secret.Redacted
}

// BegunConversion is what completes the conversion: a login at the provider with
// this state, by the browser that holds the ticket.
type BegunConversion struct {
	State     string
	ExpiresAt time.Time
	To        account.LoginType
	UserID    uuid.UUID
	Ticket    secret.Redacted
}

// ConvertLogin begins the conversion of an account. The password of the account
// is what authorises it (auth.md, section 6.2).
func (s *Service) ConvertLogin(ctx context.Context, actor *account.Actor, ref account.UserRef, c Conversion, malformed error) (BegunConversion, error) {
	var user account.User
	var stored string
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if user, err = s.target(ctx, tx, actor, ref); err != nil {
			return err
		}
		stored, err = tx.PasswordHash(ctx, user.ID)
		return err
	})
	if err != nil {
		return BegunConversion{}, err
	}
	template := convertEntry(user)
	if err := orElse(malformed, s.checkConversion(&c)); err != nil {
		s.recordRefusal(ctx, actor, template, err)
		return BegunConversion{}, err
	}
	if err := s.checkConversionPassword(ctx, actor, user, stored, c.Password); err != nil {
		s.recordRefusal(ctx, actor, template, err)
		return BegunConversion{}, err
	}
	random, err := secret.RandomToken(stateLength)
	if err != nil {
		return BegunConversion{}, err
	}
	begun := BegunConversion{
		State: conversionPrefix + random, ExpiresAt: s.now().Add(conversionTime), To: c.To, UserID: user.ID,
	}
	err = s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		if _, err := s.stillTheSame(ctx, tx, template, stored); err != nil {
			return err
		}
		deployment, err := tx.DeploymentID(ctx)
		if err != nil {
			return err
		}
		begun.Ticket, err = s.sealTicket(ctx, tx, conversionPlace, ticket{
			Deployment: deployment, UserID: user.ID, Provider: c.Provider, State: begun.State,
			From: user.LoginType, To: c.To, ExpiresAt: begun.ExpiresAt,
		})
		return err
	})
	return begun, err
}

func convertEntry(user account.User) account.AuditEntry {
	return account.AuditEntry{
		Action: account.AuditCreate, Resource: account.AuditConvertLogin, Outcome: account.OutcomeCreated,
		ResourceID: user.ID, Target: user.Username,
	}
}

// checkConversion fills in the provider and refuses what nobody can convert to.
func (s *Service) checkConversion(c *Conversion) error {
	var v validation
	if c.To == "" {
		v.check("to_type", fmt.Errorf("must not be empty"))
	}
	if c.Password == "" {
		v.check("password", fmt.Errorf("must not be empty"))
	}
	if err := v.failure(); err != nil {
		return err
	}
	if c.To != account.LoginGitHub && c.To != account.LoginOIDC {
		return account.Invalid(fmt.Sprintf("An account cannot be converted to the login type %q.", c.To),
			account.FieldError{Field: "to_type", Detail: "must be github or oidc"})
	}
	if c.Provider == "" {
		c.Provider = string(c.To)
	}
	provider := s.Providers.Get(c.Provider)
	if provider == nil || provider.LoginType() != c.To {
		return account.Invalid(fmt.Sprintf("The login method %q is not configured on this server.", c.Provider))
	}
	return nil
}

// checkConversionPassword is the password check of a login, with its brake on
// guessing.
func (s *Service) checkConversionPassword(ctx context.Context, actor *account.Actor, user account.User, stored string, password secret.Redacted) error {
	source := loginSource{email: account.Fold(user.Email), ip: actor.Origin.IP}
	if err := s.failures.check(source, s.now()); err != nil {
		return err
	}
	_, err := s.checkLogin(ctx, user, stored, password)
	if account.KindOf(err) == account.KindUnauthenticated {
		s.failures.failed(source, s.now())
	}
	if err == nil {
		s.failures.succeeded(source)
	}
	return err
}

// convert completes a conversion: from now on the account signs in through the
// provider, and its password is gone.
func (a *arrival) convert(ctx context.Context, tx *store.Tx, e *entry, user account.User, identity *account.Identity) error {
	e.AuditEntry = wroteUser()
	if err := a.checkTicket(ctx, tx, e, user); err != nil {
		return err
	}
	if user.Status == account.StatusSuspended {
		return suspendedAccount()
	}
	if err := a.greet(ctx, tx, user, e); err != nil {
		return err
	}
	before, err := tx.UserByID(ctx, user.ID)
	if err != nil {
		return err
	}
	e.about(before)
	e.ActorID = before.ID
	e.outdates(before.ID)
	after := before
	after.LoginType, after.UpdatedAt = a.login.LoginType, a.now()
	if a.login.GitHubUserID != 0 {
		after.GitHubUserID = a.login.GitHubUserID
	}
	e.Diff = account.UserDiff(before, after, true)
	if err := dropPasscode(ctx, tx, after.ID, e.Diff); err != nil {
		return err
	}
	if err := tx.UpdatePasswordHash(ctx, after.ID, ""); err != nil {
		return err
	}
	if err := tx.UpdateUser(ctx, after); err != nil {
		return err
	}
	id, err := a.keepIdentity(ctx, tx, e, after, identity)
	if err != nil {
		return err
	}
	if a.actor.IsAnonymous() {
		started := keyEntry(account.AuditLogin, account.OutcomeCreated)
		started.ResourceID, started.ActorID = after.ID, after.ID
		e.also = append(e.also, started)
		return a.openSession(ctx, tx, after, id)
	}
	a.session.SignedOut = true
	e.outdates(a.actor.User.ID)
	err = tx.DeleteKey(ctx, a.actor.Key.ID)
	if account.KindOf(err) == account.KindNotFound {
		return nil
	}
	return err
}

// checkTicket decides whether this login is the one that was begun to convert
// this account.
func (a *arrival) checkTicket(ctx context.Context, tx *store.Tx, e *entry, user account.User) error {
	if user.ID == uuid.Nil {
		return account.Invalid("The account at the provider has another e-mail address than the account here.")
	}
	if a.cb.Conversion == "" {
		return account.Invalid("The conversion was not begun in this browser: the cookie of it is missing.")
	}
	t, ok := a.openTicket(conversionPlace, a.cb.Conversion)
	if !ok {
		return account.Invalid("Using an invalid jwt to authorize this action.")
	}
	e.about(user) // from here on it is an attempt worth an entry
	e.ActorID = user.ID
	deployment, err := tx.DeploymentID(ctx)
	if err != nil {
		return err
	}
	switch {
	case t.ExpiresAt.Before(a.now()):
		return account.Forbidden("The conversion took too long. Begin it again.")
	case t.Deployment != deployment:
		return account.Forbidden("The conversion was begun at another deployment.")
	case t.State != a.cb.State:
		return account.Forbidden("The conversion was begun for another login.")
	case t.UserID != user.ID || t.From != user.LoginType || t.To != a.login.LoginType || t.Provider != a.login.Provider:
		return account.Forbidden("The conversion was begun for another account, or between other ways to log in.")
	}
	return nil
}
