package secret

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	saltBytes = 16
	sumBytes  = 32

	defaultHashWait = 4 * time.Second
)

var (
	// ErrBusy says that a computation found no free place in time. The caller
	// should be told to come back, for nothing was decided.
	ErrBusy = errors.New("password hashing is at its limit")

	// ErrEncoding says that a stored hash has a form that is not known, is
	// damaged, or asks for more work than is allowed.
	ErrEncoding = errors.New("the stored password hash has an unknown, damaged or refused form")
)

// PasswordParams are the costs of argon2id (RFC 9106 section 3.1).
type PasswordParams struct {
	MemoryKiB uint32 // memory of one computation, in KiB; at least 8 for each thread
	Time      uint32 // passes over the memory
	Threads   uint8  // lanes, which one computation fills in parallel
}

// RecommendedPasswordParams returns 19 MiB, 2 passes and 1 lane: the floor of
// OWASP's password storage cheat sheet, about 25 to 50 ms of one core.
func RecommendedPasswordParams() PasswordParams {
	return PasswordParams{MemoryKiB: 19 * 1024, Time: 2, Threads: 1}
}

// complete replaces what is missing by what is recommended and raises the
// memory to the least that the lanes need, so that every value can be computed.
func (p PasswordParams) complete() PasswordParams {
	recommended := RecommendedPasswordParams()
	if p.MemoryKiB == 0 {
		p.MemoryKiB = recommended.MemoryKiB
	}
	if p.Time == 0 {
		p.Time = recommended.Time
	}
	if p.Threads == 0 {
		p.Threads = recommended.Threads
	}
	p.MemoryKiB = max(p.MemoryKiB, 8*uint32(p.Threads))
	return p
}

// HasherConfig configures a Hasher. Its zero value is usable.
type HasherConfig struct {
	// Params are the costs of new hashes; fields that are zero are taken from
	// RecommendedPasswordParams.
	Params PasswordParams

	// Concurrency is the number of computations that run at once; all others
	// wait. It bounds the memory to about Concurrency times Params.MemoryKiB.
	// Zero or less means GOMAXPROCS.
	Concurrency int

	// Wait is how long a call may wait for its turn before it fails with
	// ErrBusy. Zero or less means 4 seconds: with the computation the answer comes within 5.
	Wait time.Duration
}

// Hasher makes and verifies password hashes with bounded memory. It is safe for
// concurrent use.
type Hasher struct {
	params PasswordParams
	limits limits
	places *semaphore.Weighted
	size   int64
	wait   time.Duration

	// decoy is computed where there is nothing to compare with. Its hash is
	// random bytes, so no word is known, or likely to exist, that matches it.
	decoy argon2Hash

	// observe is called before each computation, inside its place. It is nil
	// outside tests, which count computations where a clock would be unreliable.
	observe func(encoding)
}

// NewHasher returns a Hasher.
func NewHasher(cfg HasherConfig) *Hasher {
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = runtime.GOMAXPROCS(0)
	}
	if cfg.Wait <= 0 {
		cfg.Wait = defaultHashWait
	}
	params := cfg.Params.complete()
	return &Hasher{
		params: params,
		limits: defaultLimits(),
		places: semaphore.NewWeighted(int64(cfg.Concurrency)),
		size:   int64(cfg.Concurrency),
		wait:   cfg.Wait,
		decoy:  argon2Hash{params: params, salt: randomBytes(saltBytes), sum: randomBytes(sumBytes)},
	}
}

// Hash returns the argon2id hash of password under a fresh salt as a PHC
// string. It fails with ErrBusy when no place came free in time and with the
// context's error when it ended first. It does not judge the password's
// strength; CheckPasswordStrength does.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.acquire(ctx, 1); err != nil {
		return "", err
	}
	defer h.places.Release(1)

	hash := argon2Hash{params: h.params, salt: randomBytes(saltBytes), sum: make([]byte, sumBytes)}
	h.report(hash)
	hash.sum = hash.derive(password)
	return hash.String(), nil
}

// Verdict is the answer of Verify.
type Verdict struct {
	// OK says that the password is right.
	OK bool

	// Outdated says that the password is right and the stored hash is not of
	// our form and costs: hash the password again and store the result.
	Outdated bool
}

// Verify compares password with a stored hash: argon2id as a PHC string, bcrypt
// ($2a$, $2b$, $2y$) or PBKDF2-SHA256 ($pbkdf2-sha256$rounds$salt$hash, in
// standard or passlib's base64 without padding).
//
// An empty encoded stands for an unknown account or one without a password; it
// is never OK. Every call computes at least one hash of our own costs, so that
// the time of an answer does not tell a cheap or missing hash from ours.
//
// It fails with ErrEncoding, ErrBusy or the context's error; the Verdict is
// then the zero value.
func (h *Hasher) Verify(ctx context.Context, encoded, password string) (Verdict, error) {
	stored, fault := h.stored(encoded)
	weight := h.weight(stored)
	if err := h.acquire(ctx, weight); err != nil {
		return Verdict{}, err
	}
	defer h.places.Release(weight)

	matched, err := h.compute(stored, password)
	current := h.current(stored)
	if !current {
		_, _ = h.compute(h.decoy, password) // only its time is wanted
	}
	if err := errors.Join(fault, err); err != nil {
		return Verdict{}, err
	}
	ok := matched && encoded != ""
	return Verdict{OK: ok, Outdated: ok && !current}, nil
}

// stored returns what to compute: the parsed hash, or the decoy when there is
// none or it cannot be used, so that a damaged row costs the same time.
func (h *Hasher) stored(encoded string) (encoding, error) {
	if encoded == "" {
		return h.decoy, nil
	}
	parsed, err := parseEncoding(encoded)
	if err != nil {
		return h.decoy, err
	}
	// Our own costs are an operator's choice and always allowed.
	if !h.current(parsed) && !parsed.within(h.limits) {
		return h.decoy, ErrEncoding
	}
	return parsed, nil
}

// current reports whether the hash is what Hash would write.
func (h *Hasher) current(e encoding) bool {
	hash, ok := e.(argon2Hash)
	return ok && hash.params == h.params && len(hash.salt) == saltBytes && len(hash.sum) == sumBytes
}

func (h *Hasher) compute(e encoding, password string) (bool, error) {
	h.report(e)
	return e.matches(password)
}

func (h *Hasher) report(e encoding) {
	if h.observe != nil {
		h.observe(e)
	}
}

// weight is the number of places that a computation takes. One that needs more
// memory than ours takes more of them, up to all, so that imported hashes do
// not multiply the memory in use.
func (h *Hasher) weight(e encoding) int64 {
	ours := int64(h.params.MemoryKiB)
	places := (int64(e.memoryKiB()) + ours - 1) / ours
	return min(max(places, 1), h.size)
}

func (h *Hasher) acquire(ctx context.Context, weight int64) error {
	waiting, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	if h.places.Acquire(waiting, weight) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrBusy
}

// randomBytes returns n random bytes. crypto/rand.Read never fails: it ends the
// process when the system has no randomness.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
