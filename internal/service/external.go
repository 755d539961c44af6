package service

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/secret"
	"usher/internal/store"
)

// Provider is an identity provider, as the rooms above know it.
type Provider = idp.Provider

// ExternalCallback is what a browser brings back from a provider.
type ExternalCallback struct {
	Code     secret.Redacted
	State    string
	Verifier secret.Redacted // "" for a provider without PKCE
	Host     string          // as the browser asked for
	// Conversion and Link are tickets for what the login is to do besides; "" for
	// none.
	Conversion, Link secret.Redacted
}

// ExternalSession is how a login through a provider ended.
type ExternalSession struct {
	Key secret.Key // the zero Key where none was made
	// SignedOut says that the presented session has ended.
	SignedOut bool
}

// externalAttempts is how often a login is looked at again because another one
// at the same moment took its name, its identity or its key's id.
const externalAttempts = 4

// FinishExternalLogin lets in who has come back from the provider: as the user
// whose identity it is, as the user with its verified address, or as a new one
// (auth.md, section 10). A conversion or a link that the login is for is carried
// out instead.
func (s *Service) FinishExternalLogin(ctx context.Context, actor *account.Actor, provider *Provider, cb ExternalCallback) (ExternalSession, error) {
	login, err := provider.Finish(ctx, idp.Callback{Code: cb.Code, State: cb.State, Verifier: cb.Verifier, Host: cb.Host})
	if err != nil {
		return ExternalSession{}, err
	}
	if link := s.linkTicket(provider, cb); link != nil {
		return ExternalSession{}, s.finishLink(ctx, actor, *link, login)
	}
	for attempt := 1; ; attempt++ {
		a := &arrival{Service: s, actor: actor, provider: provider, login: login, cb: cb}
		err := s.change(ctx, actor, keyEntry(account.AuditLogin, account.OutcomeCreated), a.enter)
		if attempt == externalAttempts || !conflictsOn(err, "identity") && !conflictsOn(err, "username") && !conflictsOn(err, "id") {
			return a.session, err
		}
	}
}

// arrival is one login on its way in.
type arrival struct {
	*Service
	actor    *account.Actor
	provider *Provider
	login    idp.Login
	cb       ExternalCallback

	session ExternalSession
}

// enter is the login transaction.
func (a *arrival) enter(ctx context.Context, tx *store.Tx, e *entry) error {
	a.session = ExternalSession{}
	user, identity, err := a.find(ctx, tx)
	if user.ID != uuid.Nil && !isConversion(a.cb.State) {
		e.aboutKeyOf(user, "")
		e.ActorID = user.ID
	}
	if err != nil {
		return err
	}
	if isConversion(a.cb.State) {
		return a.convert(ctx, tx, e, user, identity)
	}
	if user.ID == uuid.Nil {
		return a.register(ctx, tx, e)
	}
	if identity == nil && user.LoginType != a.login.LoginType {
		return wrongLoginType(user, a.provider)
	}
	return a.welcome(ctx, tx, e, user, identity)
}

// find returns the user whom the login is of, and its identity if there is one
// already: by the identity itself, or else by the address. Nobody is found by an
// address that was not verified.
func (a *arrival) find(ctx context.Context, tx *store.Tx) (account.User, *account.Identity, error) {
	identity, err := tx.IdentityBySubject(ctx, a.login.Provider, a.login.Issuer, a.login.Subject)
	if err == nil {
		user, err := tx.UserByID(ctx, identity.UserID)
		return user, &identity, err
	}
	if account.KindOf(err) != account.KindNotFound {
		return account.User{}, nil, err
	}
	user, err := tx.UserByEmail(ctx, a.login.Email)
	switch {
	case account.KindOf(err) == account.KindNotFound:
		return account.User{}, nil, nil
	case err != nil:
		return account.User{}, nil, err
	case !a.login.EmailVerified && !isConversion(a.cb.State):
		return account.User{}, nil, unverifiedMatch()
	}
	identities, err := tx.ListIdentities(ctx, user.ID)
	if err != nil {
		return user, nil, err
	}
	linked, err := a.checkLinked(identities)
	return user, linked, err
}

// checkLinked decides about an account that the address found: one with another
// identity of the same kind of login stays closed, so that no second provider can
// vouch for its people. The fallback opens it, as the identity that it has at this
// provider.
func (a *arrival) checkLinked(identities []account.Identity) (*account.Identity, error) {
	for _, identity := range identities {
		if identity.Provider == a.login.Provider && a.provider.EmailFallback {
			return &identity, nil
		}
	}
	if slices.ContainsFunc(identities, func(i account.Identity) bool { return account.LoginTypeOf(i.Provider) == a.login.LoginType }) {
		return nil, a.alreadyLinked()
	}
	return nil, nil
}

// register makes an account for somebody who has none.
func (a *arrival) register(ctx context.Context, tx *store.Tx, e *entry) error {
	has, err := tx.HasUsers(ctx)
	if err != nil {
		return err
	}
	if has && !a.provider.AllowSignups {
		return signupsDisabled(a.provider)
	}
	username, err := freeUsername(ctx, tx, a.login.Username)
	if err != nil {
		return err
	}
	organization, err := tx.DefaultOrganization(ctx)
	if err != nil {
		return err
	}
	n := NewUser{
		Username: username, Name: a.login.Name, Email: a.login.Email,
		LoginType: a.login.LoginType, Status: account.StatusActive,
	}
	if !has {
		n.Roles = []string{account.RoleOwner}
	}
	user := a.build(n, []uuid.UUID{organization.ID})
	user.AvatarURL, user.GitHubUserID = a.login.AvatarURL, a.login.GitHubUserID
	if err := tx.InsertUser(ctx, user, ""); err != nil {
		return wordConflict(err, "User already exists.")
	}
	e.Action, e.ActorID = account.AuditRegister, user.ID
	e.aboutKeyOf(user, "")
	identity, err := a.newIdentity(ctx, tx, user)
	if err != nil {
		return err
	}
	if a.decides() {
		if user, err = a.syncNewUser(ctx, tx, user, a.login.Claims.Merged, e); err != nil {
			return err
		}
	}
	return a.openSession(ctx, tx, user, identity.ID)
}

// decides reports whether the provider's word counts for organizations and roles
// here: that of the default provider alone does.
func (a *arrival) decides() bool { return a.login.Provider == account.ProviderOIDC }

// freeUsername returns the proposed name, or one that begins with it, which
// nobody has.
func freeUsername(ctx context.Context, tx *store.Tx, proposed string) (string, error) {
	const tries, suffixLength = 10, 7
	name := proposed
	for range tries {
		taken, err := tx.TakenUserFields(ctx, name, "", uuid.Nil)
		if err != nil || len(taken) == 0 {
			return name, err
		}
		suffix, err := secret.RandomToken(suffixLength)
		if err != nil {
			return "", err
		}
		stem := proposed[:min(len(proposed), account.MaxUsernameBytes-suffixLength-1)]
		name = strings.TrimRight(stem, "-") + "-" + suffix
	}
	return "", account.Conflict("No username like " + proposed + " is free.")
}

// welcome starts a session of an account that exists.
func (a *arrival) welcome(ctx context.Context, tx *store.Tx, e *entry, user account.User, identity *account.Identity) error {
	if user.Status == account.StatusSuspended {
		return suspendedAccount()
	}
	if err := a.greet(ctx, tx, user, e); err != nil {
		return err
	}
	user, err := tx.UserByID(ctx, user.ID)
	if err != nil {
		return err
	}
	id, err := a.keepIdentity(ctx, tx, e, user, identity)
	if err != nil {
		return err
	}
	if a.decides() {
		if user, err = a.syncLogin(ctx, tx, user, a.login.Claims.Merged, e); err != nil {
			return err
		}
	}
	if err := a.follow(ctx, tx, e, user, id); err != nil {
		return err
	}
	return a.openSession(ctx, tx, user, id)
}

// keepIdentity stores what the login said of an identity, or links it to the user
// whom its address found.
func (a *arrival) keepIdentity(ctx context.Context, tx *store.Tx, e *entry, user account.User, known *account.Identity) (uuid.UUID, error) {
	if known == nil {
		identity, err := a.newIdentity(ctx, tx, user)
		if err == nil {
			linked := identityEntry(account.AuditCreate, account.OutcomeCreated, user, identity)
			linked.ActorID = user.ID
			e.also = append(e.also, linked)
		}
		return identity.ID, err
	}
	stored, err := tx.StoredIdentity(ctx, known.ID)
	if err != nil {
		return uuid.Nil, err
	}
	kept := stored.Tokens.SealedRefresh
	if stored, err = a.fill(ctx, tx, stored); err != nil {
		return uuid.Nil, err
	}
	if stored.Tokens.SealedRefresh == "" {
		stored.Tokens.SealedRefresh = kept // many providers send it with the first login alone
	}
	return known.ID, tx.UpdateIdentity(ctx, stored)
}

func (a *arrival) newIdentity(ctx context.Context, tx *store.Tx, user account.User) (account.Identity, error) {
	identity, err := a.fill(ctx, tx, store.Identity{Identity: account.Identity{
		ID: uuid.New(), UserID: user.ID, CreatedAt: a.now(),
		Provider: a.login.Provider, Issuer: a.login.Issuer, Subject: a.login.Subject,
	}})
	if err != nil {
		return account.Identity{}, err
	}
	return identity.Identity, tx.InsertIdentity(ctx, identity)
}

// fill puts into an identity what the login said.
func (a *arrival) fill(ctx context.Context, tx *store.Tx, identity store.Identity) (store.Identity, error) {
	sealed, err := a.sealRefreshToken(ctx, tx, identity.ID, a.login.Tokens.Refresh)
	identity.Email, identity.Claims, identity.LastLoginAt = a.login.Email, a.login.Claims, a.now()
	identity.Tokens = store.IdentityTokens{SealedRefresh: sealed, ExpireAt: a.login.Tokens.Expiry}
	return identity, err
}

// follow gives the account the name, address and picture that the provider has
// now. An account follows the oldest of its identities of its own login type: of
// several that came later none is to overwrite the others' words.
func (a *arrival) follow(ctx context.Context, tx *store.Tx, e *entry, user account.User, identity uuid.UUID) error {
	leads, err := leadingIdentity(ctx, tx, user)
	if err != nil {
		return err
	}
	after := user
	if a.login.GitHubUserID != 0 {
		after.GitHubUserID = a.login.GitHubUserID
	}
	if leads == identity {
		after.Name, after.Email, after.AvatarURL = a.login.Name, a.login.Email, a.login.AvatarURL
	}
	same := after.Name == user.Name && after.Email == user.Email && after.AvatarURL == user.AvatarURL && after.GitHubUserID == user.GitHubUserID
	if same {
		return nil
	}
	taken, err := tx.TakenUserFields(ctx, "", after.Email, user.ID)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		return addressTaken()
	}
	after.UpdatedAt = a.now()
	e.outdates(user.ID)
	if diff := account.UserDiff(user, after, false); len(diff) > 0 {
		followed := wroteUser()
		followed.ResourceID, followed.Target, followed.ActorID = user.ID, user.Username, user.ID
		followed.Diff, followed.Additional = diff, account.AutomaticFields("login")
		e.also = append(e.also, followed)
	}
	return tx.UpdateUser(ctx, after)
}

// leadingIdentity returns the identity that the account follows.
func leadingIdentity(ctx context.Context, tx *store.Tx, user account.User) (uuid.UUID, error) {
	identities, err := tx.ListIdentities(ctx, user.ID)
	if err != nil {
		return uuid.Nil, err
	}
	i := slices.IndexFunc(identities, func(i account.Identity) bool { return account.LoginTypeOf(i.Provider) == user.LoginType })
	if i < 0 {
		return uuid.Nil, nil
	}
	return identities[i].ID, nil
}

func (a *arrival) openSession(ctx context.Context, tx *store.Tx, user account.User, identity uuid.UUID) error {
	minted, key, err := a.buildKey(keySpec{
		owner: user, loginType: a.login.LoginType, lifetime: a.SessionDuration, identity: identity,
	})
	if err != nil {
		return err
	}
	a.session.Key = minted
	return tx.InsertKey(ctx, key, minted.Hash(), a.actor.Origin.IP)
}

func (a *arrival) alreadyLinked() error {
	refusal := &account.Error{
		Kind:    account.KindForbidden,
		Message: "The account with your e-mail address is linked to another identity of " + a.provider.Product + ". Sign in with that one, or contact an administrator.",
	}
	if a.login.LoginType == account.LoginOIDC {
		refusal.Title = "Account already linked"
	}
	return refusal
}

func unverifiedMatch() error {
	return &account.Error{
		Kind: account.KindForbidden, Title: "Email not verified",
		Message: "There is an account with your e-mail address, and your provider does not say that the address is yours. Verify the address there and sign in again.",
	}
}

func signupsDisabled(p *Provider) error {
	text := p.SignupsDisabledText
	if text == "" {
		text = "There is no account for you here, and signing up is turned off. Ask an administrator for an account."
	}
	return &account.Error{Kind: account.KindForbidden, Title: "Signups are disabled", Message: text}
}

func wrongLoginType(u account.User, p *Provider) error {
	text := fmt.Sprintf("The account with your e-mail address does not sign in with %s but in another way (%s).", p.Product, u.LoginType)
	if u.LoginType == account.LoginPassword {
		text += " Sign in with your password; in the settings of the account you can convert it."
	}
	return &account.Error{Kind: account.KindForbidden, Title: "Incorrect login type", Message: text}
}

func suspendedAccount() error {
	return &account.Error{
		Kind: account.KindForbidden, Title: "Account suspended",
		Message: "Your account is suspended. Contact an admin to reactivate it.",
	}
}

func addressTaken() error {
	return &account.Error{
		Kind: account.KindConflict, Title: "Email address in use",
		Message: "Your e-mail address has changed at your provider, and another account here has the new one. Contact an administrator.",
	}
}
