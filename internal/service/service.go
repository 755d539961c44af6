package service

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"usher/internal/account"
	"usher/internal/idp"
	"usher/internal/mail"
	"usher/internal/secret"
	"usher/internal/store"
)

// Config is what the use cases need to know and to hold.
type Config struct {
	Store  *store.Store
	Hasher *secret.Hasher
	Log    *slog.Logger
	// SSHKeys makes the SSH keys of users, and Sealer keeps their private halves
	// from whoever reads the database.
	SSHKeys *secret.SSHKeyMaker
	Sealer  *secret.Sealer
	// Providers are where people can come from beside their passwords; may be nil.
	Providers *idp.Providers
	// SessionDuration is the life of a login that is not used.
	SessionDuration time.Duration
	// DefaultTokenLifetime is the life of keys that are made without one.
	DefaultTokenLifetime time.Duration
	// MaxTokenLifetime bounds the life of tokens, MaxAdminTokenLifetime that of
	// tokens of owners, whether it is the longer or the shorter one.
	MaxTokenLifetime, MaxAdminTokenLifetime time.Duration
	// DisableSessionExpiryRefresh keeps sessions from getting longer by use.
	DisableSessionExpiryRefresh bool
	// KeyRetention is how long expired keys are kept; 0 keeps them for ever.
	KeyRetention time.Duration
	// AuditRetention is how long audit entries are kept; 0 keeps them for ever.
	AuditRetention time.Duration
	// DormancyThreshold is how long a person must not have been seen to become
	// dormant; 0 means that nobody ever does.
	DormancyThreshold time.Duration
	// SiteRoleSync and OrganizationSync decide about people who log in through the
	// default OpenID Connect provider. OrganizationSync holds until other settings
	// are stored.
	SiteRoleSync     account.SiteRoleSync
	OrganizationSync account.OrganizationSync
	// DisablePasswordAuth refuses every password login, also of owners.
	DisablePasswordAuth bool
	// TermsOfServiceURL is for login pages; may be empty.
	TermsOfServiceURL string
	// AccessURL is how people reach the server, without a slash at its end; messages
	// to them refer to it.
	AccessURL string
	// Mail sends messages to people; nil means that none can be sent.
	Mail *mail.Sender
	// PasscodeValidity is how long a one-time passcode can be used; 0 means
	// DefaultPasscodeValidity.
	PasscodeValidity time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service is all use cases of one node.
type Service struct {
	Config
	fresh    *freshness
	actors   *actors
	lookups  *lookups
	activity *activity
	failures *loginFailures // of logins
	guesses  *loginFailures // of one-time passcodes
	requests *loginFailures // for one-time passcodes, each of which counts
	legacy   legacyKeys
	replaced *replacedUses
	renewals *renewals
	// background is what goes on behind answers.
	background sync.WaitGroup
}

// New returns the use cases. Close must be called at the end.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.PasscodeValidity == 0 {
		cfg.PasscodeValidity = DefaultPasscodeValidity
	}
	fresh := newFreshness()
	s := &Service{
		Config: cfg, fresh: fresh, actors: newActors(fresh), lookups: newLookups(fresh, cfg.Store.IsAlone()), failures: newLoginFailures("failed logins"),
		guesses: newLoginFailures("wrong passcodes"), requests: newLoginFailures("requests for a passcode"), replaced: newReplacedUses(), renewals: newRenewals(),
	}
	s.activity = startActivity(cfg.Store, cfg.Log, fresh.forget)
	return s
}

// Watch begins to remember who presents which key and who was asked for, and to
// hear of what other processes change. Without it every request looks into the
// database.
func (s *Service) Watch(ctx context.Context) error {
	return s.Store.Watch(ctx, s.fresh.watcher())
}

// Close waits for what goes on behind answers, and writes what was still held in
// memory: when keys were last used.
func (s *Service) Close() {
	s.background.Wait()
	s.activity.close()
}

// WithPatience returns a context for one request: however often its use cases ask
// the database, they wait for store.Patience altogether.
func WithPatience(ctx context.Context) context.Context { return store.WithPatience(ctx) }

// Ready reports whether the database answers.
func (s *Service) Ready(ctx context.Context) error { return s.Store.Ping(ctx) }

// hash hashes a password, or says that too many others are being hashed.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	encoded, err := s.Hasher.Hash(ctx, password)
	return encoded, busy(err)
}

// verify compares a password with a stored hash.
func (s *Service) verify(ctx context.Context, encoded, password string) (secret.Verdict, error) {
	verdict, err := s.Hasher.Verify(ctx, encoded, password)
	return verdict, busy(err)
}

func busy(err error) error {
	if errors.Is(err, secret.ErrBusy) {
		return account.Unavailable("Too many passwords are being checked at the moment. Try again in a moment.").Because(err)
	}
	return err
}
