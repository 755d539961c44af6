package service

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/secret"
	"usher/internal/store"
)

// linkTime is how long the login may take that links an identity.
const linkTime = 10 * time.Minute

func identityEntry(action account.AuditAction, outcome account.Outcome, user account.User, i account.Identity) account.AuditEntry {
	e := account.AuditEntry{Action: action, Resource: account.AuditIdentity, Outcome: outcome, ResourceID: user.ID, Target: user.Username}
	before, after := account.Identity{}, i
	if action == account.AuditDelete {
		before, after = after, before
	}
	e.Diff = account.IdentityDiff(before, after)
	return e
}

// Identities lists the identities of a user, the oldest first.
func (s *Service) Identities(ctx context.Context, actor *account.Actor, ref account.UserRef) ([]account.Identity, error) {
	var list []account.Identity
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.personalTarget(ctx, tx, actor, ref, account.ActionReadPersonal)
		if err != nil {
			return err
		}
		list, err = tx.ListIdentities(ctx, user.ID)
		return err
	})
	return list, err
}

// LinkIdentity begins to link an identity at the provider to the actor's own
// account. It returns the ticket with which the actor's browser has to log in
// there.
func (s *Service) LinkIdentity(ctx context.Context, actor *account.Actor, ref account.UserRef, provider string, malformed error) (*Provider, secret.Redacted, error) {
	p := s.Providers.Get(provider)
	var sealed secret.Redacted
	template := account.AuditEntry{Action: account.AuditCreate, Resource: account.AuditIdentity}
	err := s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.about(user)
		if err := s.authorizeLink(actor, user); err != nil {
			return err
		}
		if malformed != nil {
			return malformed
		}
		if p == nil {
			return account.ValidationFailed(account.FieldError{Field: "provider", Detail: "is not the name of a provider of this server"})
		}
		e.unaudited = true // as yet: the login at the provider is what links it
		deployment, err := tx.DeploymentID(ctx)
		if err != nil {
			return err
		}
		sealed, err = s.sealTicket(ctx, tx, linkPlace, ticket{
			Deployment: deployment, UserID: user.ID, Provider: provider, ExpiresAt: s.now().Add(linkTime),
		})
		return err
	})
	return p, sealed, err
}

// authorizeLink lets people add to their own ways in, with a session that nothing
// narrows.
func (s *Service) authorizeLink(actor *account.Actor, user account.User) error {
	switch {
	case !actor.Is(user.ID):
		return account.Forbidden("Identities are linked by the users themselves.")
	case actor.Key.LoginType == account.LoginToken || !actor.Key.Unrestricted():
		return account.Forbidden("Linking an identity takes a session; API tokens cannot.")
	}
	return actor.Authorize(account.ActionUpdatePersonal, user.Object())
}

// BindLink begins the login of a link: it binds the ticket to the login's state.
// The browser must be signed in as the user who asked for the ticket: somebody
// else's browser must not be led into giving its identity to that account.
func (s *Service) BindLink(ctx context.Context, actor *account.Actor, provider *Provider, sealed secret.Redacted, state string) (secret.Redacted, error) {
	t, ok := s.openTicket(linkPlace, sealed)
	switch {
	case !ok || t.State != "" || t.Provider != provider.Name:
		return "", account.Invalid("The link to this page is not complete. Begin to link the identity again.")
	case t.ExpiresAt.Before(s.now()):
		return "", account.Forbidden("The link to this page is too old. Begin to link the identity again.")
	case actor.IsAnonymous():
		return "", NoCredential()
	case !actor.Is(t.UserID):
		return "", account.Forbidden("You are signed in as another user than the one who began to link an identity.")
	}
	t.State = state
	var bound secret.Redacted
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		bound, err = s.sealTicket(ctx, tx, linkPlace, t)
		return err
	})
	return bound, err
}

// linkTicket returns the ticket for which a login was begun, or nil.
func (s *Service) linkTicket(provider *Provider, cb ExternalCallback) *ticket {
	if cb.Link == "" {
		return nil
	}
	t, ok := s.openTicket(linkPlace, cb.Link)
	if !ok || t.State == "" || t.State != cb.State || t.Provider != provider.Name {
		return nil // left over from another login
	}
	return &t
}

// finishLink gives the identity that has logged in to the account.
func (s *Service) finishLink(ctx context.Context, actor *account.Actor, t ticket, login idp.Login) error {
	template := account.AuditEntry{Action: account.AuditCreate, Resource: account.AuditIdentity, Outcome: account.OutcomeCreated}
	return s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := tx.UserByID(ctx, t.UserID)
		if err != nil {
			return err
		}
		e.about(user)
		if t.ExpiresAt.Before(s.now()) {
			return account.Forbidden("Linking the identity took too long. Begin again.")
		}
		if err := s.authorizeLink(actor, user); err != nil {
			return err
		}
		a := &arrival{Service: s, actor: actor, login: login}
		known, err := tx.IdentityBySubject(ctx, login.Provider, login.Issuer, login.Subject)
		switch {
		case err == nil && known.UserID == user.ID:
			e.unaudited = true
			_, err = a.keepIdentity(ctx, tx, e, user, &known)
			return err
		case err == nil:
			return identityTaken()
		case account.KindOf(err) != account.KindNotFound:
			return err
		}
		identity, err := a.newIdentity(ctx, tx, user)
		if err != nil {
			if conflictsOn(err, "identity") {
				return identityTaken()
			}
			return err
		}
		e.Diff = account.IdentityDiff(account.Identity{}, identity)
		if login.GitHubUserID == 0 || login.GitHubUserID == user.GitHubUserID {
			return nil
		}
		e.outdates(user.ID)
		user.GitHubUserID, user.UpdatedAt = login.GitHubUserID, s.now()
		return tx.UpdateUser(ctx, user)
	})
}

func identityTaken() error {
	return &account.Error{
		Kind: account.KindConflict, Title: "Identity already linked",
		Message: "The identity that you logged in with belongs to another account here.",
	}
}

// UnlinkIdentity takes an identity from its user and ends the sessions that it
// opened. Users do it for themselves, and owners for everyone; the last way to
// log in stays.
func (s *Service) UnlinkIdentity(ctx context.Context, actor *account.Actor, ref account.UserRef, id uuid.UUID) error {
	template := account.AuditEntry{Action: account.AuditDelete, Resource: account.AuditIdentity, Outcome: account.OutcomeNoContent}
	return s.change(ctx, actor, template, func(ctx context.Context, tx *store.Tx, e *entry) error {
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		e.about(user)
		if err := actor.Authorize(account.ActionUpdatePersonal, user.Object()); err != nil {
			return err
		}
		if !actor.Is(user.ID) && !actor.IsOwner() {
			return account.Forbidden("Identities of other users are unlinked by owners.")
		}
		identities, err := tx.ListIdentities(ctx, user.ID)
		if err != nil {
			return err
		}
		identity, ok := identityWithID(identities, id)
		if !ok {
			return account.NotFound()
		}
		if err := s.keepAWayIn(ctx, tx, user, len(identities)-1); err != nil {
			return err
		}
		e.Diff = account.IdentityDiff(identity, account.Identity{})
		e.outdates(user.ID)
		if err := tx.DeleteIdentity(ctx, identity); err != nil {
			return err
		}
		return s.forgetGitHub(ctx, tx, user, identity)
	})
}

// forgetGitHub takes the number of a GitHub account from the user whose it no
// longer is.
func (s *Service) forgetGitHub(ctx context.Context, tx *store.Tx, user account.User, identity account.Identity) error {
	if identity.Provider != account.ProviderGitHub || strconv.FormatInt(user.GitHubUserID, 10) != identity.Subject {
		return nil
	}
	user.GitHubUserID, user.UpdatedAt = 0, s.now()
	return tx.UpdateUser(ctx, user)
}

func identityWithID(list []account.Identity, id uuid.UUID) (account.Identity, bool) {
	for _, identity := range list {
		if identity.ID == id {
			return identity, true
		}
	}
	return account.Identity{}, false
}

// keepAWayIn refuses to take the last way to log in from a user.
func (s *Service) keepAWayIn(ctx context.Context, tx *store.Tx, user account.User, identitiesLeft int) error {
	if identitiesLeft > 0 {
		return nil
	}
	hash, err := tx.PasswordHash(ctx, user.ID)
	if err != nil {
		return err
	}
	if user.LoginType == account.LoginPassword && hash != "" && !s.DisablePasswordAuth {
		return nil
	}
	return account.Conflict("This is the last way to log in to the account. Link another identity first.")
}

// OIDCClaims returns what a provider said of the actor at its last login.
func (s *Service) OIDCClaims(ctx context.Context, actor *account.Actor) (account.Claims, error) {
	if actor.User.LoginType != account.LoginOIDC {
		return account.Claims{}, account.Invalid("User is not an OIDC user.")
	}
	return s.lastClaims(ctx, actor.User.ID)
}

func (s *Service) lastClaims(ctx context.Context, userID uuid.UUID) (account.Claims, error) {
	var claims account.Claims
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		identities, err := tx.ListIdentities(ctx, userID)
		if err != nil {
			return err
		}
		var last account.Identity
		for _, i := range identities {
			if account.LoginTypeOf(i.Provider) == account.LoginOIDC && i.LastLoginAt.After(last.LastLoginAt) {
				last = i
			}
		}
		if last.ID == uuid.Nil {
			return &account.Error{Kind: account.KindNotFound, Message: "No claims are stored: the user has not logged in through OpenID Connect yet."}
		}
		stored, err := tx.StoredIdentity(ctx, last.ID)
		claims = stored.Claims
		return err
	})
	return claims, err
}
