package service

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/store"
)

const (
	// maxTokenName bounds the name of a token, in bytes.
	maxTokenName = 64
	// shortestToken bounds its life from below: lives are kept in seconds.
	shortestToken = time.Second
)

// NewToken is what is known of an API token that is to be created.
type NewToken struct {
	Name     string // empty: one is made up
	Lifetime time.Duration
	// Scopes are what the token may do; none mean everything that its owner may.
	Scopes []string
	// AllowList are the entries as they were written: pairs of type and id.
	AllowList [][2]string
}

// CreateToken makes an API token for the user that ref names.
func (s *Service) CreateToken(ctx context.Context, actor *account.Actor, ref account.UserRef, n NewToken, malformed error) (secret.Key, error) {
	for attempt := 1; ; attempt++ {
		named := n
		if n.Name == "" {
			named.Name = madeUpName()
		}
		key, err := s.createToken(ctx, actor, ref, named, malformed)
		if n.Name != "" || attempt == mintAttempts || !conflictsOn(err, "name") {
			return key, err
		}
	}
}

func (s *Service) createToken(ctx context.Context, actor *account.Actor, ref account.UserRef, n NewToken, malformed error) (secret.Key, error) {
	return minting(func() (secret.Key, error) {
		var minted secret.Key
		err := s.change(ctx, actor, keyEntry(account.AuditCreate, account.OutcomeCreated), func(ctx context.Context, tx *store.Tx, e *entry) error {
			owner, err := s.target(ctx, tx, actor, ref)
			if err != nil {
				return err
			}
			e.aboutKeyOf(owner, n.Name)
			if malformed != nil {
				return malformed
			}
			spec, err := s.tokenSpec(owner, n)
			if err != nil {
				return err
			}
			if err := s.authorizeMint(ctx, tx, actor, owner, spec); err != nil {
				return err
			}
			var key account.APIKey
			if minted, key, err = s.buildKey(spec); err != nil {
				return err
			}
			e.Diff = account.KeyDiff(account.APIKey{}, key)
			return nameTaken(tx.InsertKey(ctx, key, minted.Hash(), actor.Origin.IP), n.Name)
		})
		return minted, err
	})
}

// authorizeMint asks whether the actor may make such a key for the owner.
func (s *Service) authorizeMint(ctx context.Context, tx *store.Tx, actor *account.Actor, owner account.User, spec keySpec) error {
	if err := s.authorizeKey(ctx, tx, actor, account.ActionCreate, owner); err != nil {
		return err
	}
	return actor.AuthorizeMint(spec.scopes, spec.allowList)
}

func nameTaken(err error, name string) error {
	if !conflictsOn(err, "name") {
		return err
	}
	return wordConflict(err, fmt.Sprintf("A token with name %q already exists.", name))
}

// tokenSpec checks a request for a token, every field of it at once, and says
// what key it asks for.
func (s *Service) tokenSpec(owner account.User, n NewToken) (keySpec, error) {
	var v validation
	spec := keySpec{owner: owner, loginType: account.LoginToken, name: n.Name}
	spec.scopes = checkScopes(&v, n.Scopes)
	spec.allowList = checkAllowList(&v, n.AllowList)
	spec.lifetime = s.checkLifetime(&v, owner, n.Lifetime)
	v.check("token_name", checkTokenName(n.Name))
	if len(v.fields) == 0 {
		return spec, nil
	}
	refusal := account.Invalid("Failed to create API key.", v.fields...)
	refusal.Detail = v.fields[0].Detail
	return spec, refusal
}

func checkScopes(v *validation, names []string) []string {
	scopes := []string{}
	for _, name := range names {
		scope := account.CanonicalScope(name)
		if !account.IsPublicScope(scope) {
			v.check("scopes", fmt.Errorf("invalid scope: %q", name))
			continue
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		return []string{account.ScopeAll}
	}
	return scopes
}

func checkAllowList(v *validation, pairs [][2]string) account.AllowList {
	entries := []account.AllowListEntry{}
	for _, pair := range pairs {
		entry, err := account.NewAllowListEntry(pair[0], pair[1])
		v.check("allow_list", err)
		if err == nil {
			entries = append(entries, entry)
		}
	}
	list, err := account.NormalizeAllowList(entries)
	v.check("allow_list", err)
	return list
}

// checkLifetime applies the longest life that the owner's tokens may have. The
// default life is what the operator chose, and is not measured by it.
func (s *Service) checkLifetime(v *validation, owner account.User, lifetime time.Duration) time.Duration {
	longest := s.maxTokenLifetime(owner)
	switch {
	case lifetime == 0:
		return s.DefaultTokenLifetime
	case lifetime < shortestToken:
		v.check("lifetime", fmt.Errorf("lifetime must be at least %s", shortestToken))
	case lifetime > longest:
		v.check("lifetime", fmt.Errorf("lifetime must be less than or equal to %s", longest))
	}
	return lifetime
}

func (s *Service) maxTokenLifetime(owner account.User) time.Duration {
	if owner.HasRole(account.RoleOwner) {
		return s.MaxAdminTokenLifetime
	}
	return s.MaxTokenLifetime
}

func checkTokenName(name string) error {
	if len(name) > maxTokenName {
		return fmt.Errorf("must be at most %d bytes", maxTokenName)
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return errors.New("must be text without control characters")
	}
	return nil
}

// MaxTokenLifetimeOf returns the longest life that a token of the user may have.
func (s *Service) MaxTokenLifetimeOf(ctx context.Context, actor *account.Actor, ref account.UserRef) (time.Duration, error) {
	user, err := s.target(ctx, s.Store.Direct(), actor, ref)
	return s.maxTokenLifetime(user), err
}

// TokenFilter says which tokens a list is about.
type TokenFilter struct {
	Everyones bool // not only those of the user that the path names
	Expired   bool // expired ones too
}

// Token is an API token in a list, with the name of its owner.
type Token = store.OwnedKey

// ListTokens returns tokens, as far as the actor may read them.
func (s *Service) ListTokens(ctx context.Context, actor *account.Actor, ref account.UserRef, filter TokenFilter) ([]Token, error) {
	readable := []Token{}
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		list := store.TokenList{UserID: user.ID}
		if filter.Everyones {
			list = everyonesTokens(actor)
		}
		if !filter.Expired {
			list.ValidAt = s.now()
		}
		tokens, err := tx.ListTokens(ctx, list)
		if err != nil {
			return err
		}
		for _, token := range tokens {
			err := s.authorizeKey(ctx, tx, actor, account.ActionRead, token.Owner)
			switch account.KindOf(err) {
			case "":
				readable = append(readable, token)
			case account.KindForbidden: // lists are filtered, never refused
			default:
				return err
			}
		}
		return nil
	})
	return readable, err
}

// everyonesTokens is the list of all tokens; for an actor who can read nobody
// else's, that is the list of its own.
func everyonesTokens(actor *account.Actor) store.TokenList {
	if actor.MayReadOthersKeys() {
		return store.TokenList{Everyones: true}
	}
	return store.TokenList{UserID: actor.User.ID}
}

// Token returns the token of that name, expired or not.
func (s *Service) Token(ctx context.Context, actor *account.Actor, ref account.UserRef, name string) (account.APIKey, error) {
	var key account.APIKey
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		user, err := s.target(ctx, tx, actor, ref)
		if err != nil {
			return err
		}
		if name == "" || checkTokenName(name) != nil { // no token can have this name
			return account.NotFound()
		}
		if key, err = tx.TokenByName(ctx, user.ID, name); err != nil {
			return err
		}
		return hide(s.authorizeKey(ctx, tx, actor, account.ActionRead, user))
	})
	return key, err
}

// Key returns the session or token with that id, whoever owns it: the user in
// the path must exist, but need not be the owner.
func (s *Service) Key(ctx context.Context, actor *account.Actor, ref account.UserRef, id string) (account.APIKey, error) {
	var key account.APIKey
	err := s.Store.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := s.key(ctx, tx, actor, ref, id, account.ActionRead)
		key = found.Key
		return err
	})
	return key, err
}

// key loads a key that the actor may act upon; for one that it may not, the
// answer is that there is none.
func (s *Service) key(ctx context.Context, tx *store.Tx, actor *account.Actor, ref account.UserRef, id string, actions ...account.Action) (store.OwnedKey, error) {
	if _, err := s.target(ctx, tx, actor, ref); err != nil {
		return store.OwnedKey{}, err
	}
	if !secret.IsKeyID(id) {
		return store.OwnedKey{}, account.NotFound()
	}
	found, err := tx.KeyByID(ctx, id)
	if err != nil {
		return store.OwnedKey{}, err
	}
	for _, action := range actions {
		if err := hide(s.authorizeKey(ctx, tx, actor, action, found.Owner)); err != nil {
			return found, err
		}
	}
	return found, nil
}

// hide makes a refusal look like an absence.
func hide(err error) error {
	if account.KindOf(err) == account.KindForbidden {
		return account.NotFound().Because(err)
	}
	return err
}

// DeleteKey ends a session or token and forgets it.
func (s *Service) DeleteKey(ctx context.Context, actor *account.Actor, ref account.UserRef, id string) error {
	return s.change(ctx, actor, keyEntry(account.AuditDelete, account.OutcomeNoContent), func(ctx context.Context, tx *store.Tx, e *entry) error {
		found, err := s.key(ctx, tx, actor, ref, id, account.ActionDelete)
		e.aboutKey(found)
		if err != nil {
			return err
		}
		e.outdates(found.Owner.ID)
		e.Diff = account.KeyDiff(found.Key, account.APIKey{})
		return tx.DeleteKey(ctx, id)
	})
}

// ExpireKey ends a session or token now; it stays in the lists until it is
// purged. A key that has expired keeps its time.
func (s *Service) ExpireKey(ctx context.Context, actor *account.Actor, ref account.UserRef, id string) error {
	return s.change(ctx, actor, keyEntry(account.AuditWrite, account.OutcomeNoContent), func(ctx context.Context, tx *store.Tx, e *entry) error {
		found, err := s.key(ctx, tx, actor, ref, id, account.ActionRead, account.ActionUpdate)
		e.aboutKey(found)
		if err != nil {
			return err
		}
		now := s.now()
		if found.Key.Expired(now) {
			e.unaudited = true
			return nil
		}
		expired := found.Key
		expired.ExpiresAt = now
		e.outdates(found.Owner.ID)
		e.Diff = account.KeyDiff(found.Key, expired)
		return tx.UpdateKey(ctx, expired)
	})
}

// aboutKey names the key that an attempt is about, if one was found.
func (e *entry) aboutKey(found store.OwnedKey) { e.aboutKeyOf(found.Owner, found.Key.Name) }

// madeUpName returns a name for a token that nobody named, such as
// "quiet_heron07".
func madeUpName() string {
	return fmt.Sprintf("%s_%s%02d",
		nameAdjectives[rand.IntN(len(nameAdjectives))], nameNouns[rand.IntN(len(nameNouns))], rand.IntN(100))
}

var nameAdjectives = strings.Fields(`
	amber brave brisk calm clever copper crisp dapper deft eager early fabled fleet gentle glad golden
	hardy hidden honest humble jolly keen kind lively lucid mellow merry mild nimble noble patient plucky
	polite prompt proud quick quiet ready rosy rustic sage serene sharp silent silver sleek snug sober
	solid spry steady stout sunny swift tidy tranquil trusty upbeat vivid warm wise witty young zesty`)

var nameNouns = strings.Fields(`
	acorn alder aspen badger beech birch bison brook cedar clover comet coral crane cypress dolphin dove
	eagle ember falcon fern finch fjord forest fox gannet glacier grove harbor hare hawk hazel heron
	ibis iris jay juniper kestrel lark laurel linden lynx maple marten meadow merlin moss oak orchid
	osprey otter owl pebble pine plover raven reed river robin sparrow spruce swan tern thistle willow wren`)
