package secret

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

var cheapParams = PasswordParams{MemoryKiB: 64, Time: 1, Threads: 1}

// cheapHasher computes in microseconds and refuses foreign hashes that would
// make a test or a fuzzer slow.
func cheapHasher() *Hasher {
	h := NewHasher(HasherConfig{Params: cheapParams})
	h.limits = limits{
		argon2MemoryKiB:  512,
		argon2WorkKiB:    2048,
		argon2Threads:    4,
		bcryptCost:       bcrypt.MinCost,
		pbkdf2Iterations: 10_000,
	}
	return h
}

func mustHash(t testing.TB, h *Hasher, password string) string {
	t.Helper()
	encoded, err := h.Hash(t.Context(), password)
	if err != nil {
		t.Fatalf("Hash: %v", err)
	}
	return encoded
}

func mustBcrypt(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatalf("bcrypt: %v", err)
	}
	return string(hash)
}

func checkVerdict(t *testing.T, h *Hasher, encoded, password string, want Verdict) {
	t.Helper()
	got, err := h.Verify(t.Context(), encoded, password)
	if err != nil {
		t.Errorf("Verify(%q): %v", encoded, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Verify(%q), -want +got:\n%s", encoded, diff)
	}
}

func TestHashThenVerify(t *testing.T) {
	t.Parallel()
	h := cheapHasher()
	for _, password := range []string{"SomeSecurePassword!", "pässwörd", "with\x00nul", strings.Repeat("long ", 200), ""} {
		encoded := mustHash(t, h, password)
		if !strings.HasPrefix(encoded, "$argon2id$v=19$m=64,t=1,p=1$") {
			t.Errorf("Hash gave %q, want a PHC string with our costs", encoded)
		}
		if again := mustHash(t, h, password); again == encoded {
			t.Error("two hashes of one password are the same: the salt is not fresh")
		}
		checkVerdict(t, h, encoded, password, Verdict{OK: true})
		checkVerdict(t, h, encoded, password+"x", Verdict{})
	}
}

func TestNewHasherCosts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		in        PasswordParams
		want      PasswordParams
		wantStart string
	}{
		{"zero value", PasswordParams{}, RecommendedPasswordParams(), "$argon2id$v=19$m=19456,t=2,p=1$"},
		{"one field", PasswordParams{MemoryKiB: 64}, PasswordParams{MemoryKiB: 64, Time: 2, Threads: 1}, "$argon2id$v=19$m=64,t=2,p=1$"},
		{"too little for its lanes", PasswordParams{MemoryKiB: 1, Time: 1, Threads: 2}, PasswordParams{MemoryKiB: 16, Time: 1, Threads: 2}, "$argon2id$v=19$m=16,t=1,p=2$"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := NewHasher(HasherConfig{Params: tt.in})
			if diff := cmp.Diff(tt.want, h.params); diff != "" {
				t.Errorf("costs, -want +got:\n%s", diff)
			}
			encoded := mustHash(t, h, "pw")
			if !strings.HasPrefix(encoded, tt.wantStart) {
				t.Errorf("Hash gave %q, want the start %q", encoded, tt.wantStart)
			}
			checkVerdict(t, h, encoded, "pw", Verdict{OK: true})
		})
	}
}

// An operator may choose costs past the limits for foreign hashes; what Hash
// writes must always verify.
func TestOwnCostsAreAlwaysAllowed(t *testing.T) {
	t.Parallel()
	h := cheapHasher()
	h.limits = limits{}
	encoded := mustHash(t, h, "pw")
	checkVerdict(t, h, encoded, "pw", Verdict{OK: true})
}

// TestVerifyCost counts computations, which decide the time of an answer: each
// call must do one at our own costs at least, whatever is stored.
func TestVerifyCost(t *testing.T) {
	t.Parallel()
	other := NewHasher(HasherConfig{Params: PasswordParams{MemoryKiB: 32, Time: 1, Threads: 1}})
	own := mustHash(t, cheapHasher(), "right")

	type cost struct{ Ours, Foreign int }
	tests := []struct {
		name, encoded string
		want          cost
		wantErr       error
	}{
		{"unknown account", "", cost{Ours: 1}, nil},
		{"our form", own, cost{Ours: 1}, nil},
		{"cheaper argon2id", mustHash(t, other, "right"), cost{Ours: 1, Foreign: 1}, nil},
		{"bcrypt", mustBcrypt(t, "right"), cost{Ours: 1, Foreign: 1}, nil},
		{"pbkdf2", "$pbkdf2-sha256$1$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw", cost{Ours: 1, Foreign: 1}, nil},
		{"damaged", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA", cost{Ours: 1}, ErrEncoding},
		{"too costly", "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", cost{Ours: 1}, ErrEncoding},
	}
	for _, tt := range tests {
		for _, password := range []string{"right", "wrong", ""} {
			t.Run(tt.name+"/"+password, func(t *testing.T) {
				t.Parallel()
				h := cheapHasher()
				var got cost
				h.observe = func(e encoding) {
					if h.current(e) {
						got.Ours++
						return
					}
					got.Foreign++
				}
				if _, err := h.Verify(t.Context(), tt.encoded, password); !errors.Is(err, tt.wantErr) {
					t.Errorf("error %v, want %v", err, tt.wantErr)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("computations, -want +got:\n%s", diff)
				}
			})
		}
	}
}

// The decoy must not match even the one word that its random hash might stand
// for, so a decoy with a known password is planted here.
func TestUnknownAccountIsNeverRight(t *testing.T) {
	t.Parallel()
	h := cheapHasher()
	checkVerdict(t, h, "", "", Verdict{})
	h.decoy.sum = h.decoy.derive("guessed")
	checkVerdict(t, h, "", "guessed", Verdict{})
}

func TestDecoyIsRandom(t *testing.T) {
	t.Parallel()
	a, b := cheapHasher(), cheapHasher()
	if a.decoy.String() == b.decoy.String() {
		t.Error("two hashers share one decoy")
	}
}

func TestOutdated(t *testing.T) {
	t.Parallel()
	h := cheapHasher()
	shortSalt := argon2Hash{params: h.params, salt: []byte("8 bytes."), sum: make([]byte, sumBytes)}
	shortSalt.sum = shortSalt.derive("pw")
	shortSum := argon2Hash{params: h.params, salt: randomBytes(saltBytes), sum: make([]byte, minSumBytes)}
	shortSum.sum = shortSum.derive("pw")
	stronger := NewHasher(HasherConfig{Params: PasswordParams{MemoryKiB: 128, Time: 2, Threads: 2}})

	for name, encoded := range map[string]string{
		"short salt":   shortSalt.String(),
		"short hash":   shortSum.String(),
		"higher costs": mustHash(t, stronger, "pw"),
		"bcrypt":       mustBcrypt(t, "pw"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkVerdict(t, h, encoded, "pw", Verdict{OK: true, Outdated: true})
			checkVerdict(t, h, encoded, "other", Verdict{})
		})
	}
}

// crowd starts n calls of Hash whose computations stay inside their place until
// the gate is closed. It must run in a synctest bubble.
type crowd struct {
	gate          chan struct{}
	running, most atomic.Int64
	done          sync.WaitGroup
	failed        atomic.Int64
}

func (c *crowd) start(h *Hasher, n int) {
	c.gate = make(chan struct{})
	h.observe = func(encoding) {
		if now := c.running.Add(1); now > c.most.Load() {
			c.most.Store(now)
		}
		<-c.gate
		c.running.Add(-1)
	}
	for range n {
		c.done.Go(func() {
			if _, err := h.Hash(context.Background(), "pw"); err != nil {
				c.failed.Add(1)
			}
		})
	}
	synctest.Wait()
}

func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(HasherConfig{Params: cheapParams, Concurrency: 3})
		var c crowd
		c.start(h, 20)
		if got := c.running.Load(); got != 3 {
			t.Errorf("%d computations run at once, want 3", got)
		}
		close(c.gate)
		c.done.Wait()
		if got := c.most.Load(); got > 3 {
			t.Errorf("up to %d computations ran at once, want at most 3", got)
		}
		if n := c.failed.Load(); n != 0 {
			t.Errorf("%d of 20 calls failed, want none: they waited less than the bound", n)
		}
	})
}

func TestBusyAfterWait(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"default": 0, "configured": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := NewHasher(HasherConfig{Params: cheapParams, Concurrency: 1, Wait: wait})
				encoded := mustHash(t, h, "pw")
				var c crowd
				c.start(h, 1)

				began := time.Now()
				verdict, err := h.Verify(t.Context(), encoded, "pw")
				if !errors.Is(err, ErrBusy) || verdict != (Verdict{}) {
					t.Errorf("Verify past the bound gave %+v, %v, want nothing and ErrBusy", verdict, err)
				}
				want := wait
				if want == 0 {
					want = 4 * time.Second
				}
				if waited := time.Since(began); waited != want {
					t.Errorf("waited %v, want %v", waited, want)
				}

				close(c.gate)
				c.done.Wait()
				checkVerdict(t, h, encoded, "pw", Verdict{OK: true})
			})
		})
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(HasherConfig{Params: cheapParams, Concurrency: 1})
		var c crowd
		c.start(h, 1)

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := h.Hash(ctx, "pw"); !errors.Is(err, context.Canceled) {
			t.Errorf("Hash with a cancelled context gave %v, want context.Canceled", err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Verify(ctx, "", "pw"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Verify past its deadline gave %v, want context.DeadlineExceeded", err)
		}
		close(c.gate)
		c.done.Wait()
	})
}

// A foreign hash that needs as much memory as all places together must have
// them all, or a few such rows would multiply the memory in use.
func TestCostlyHashesTakeMorePlaces(t *testing.T) {
	t.Parallel()
	h := NewHasher(HasherConfig{Params: cheapParams, Concurrency: 4})
	tests := []struct {
		memoryKiB uint32
		want      int64
	}{{8, 1}, {64, 1}, {65, 2}, {128, 2}, {256, 4}, {128 * 1024, 4}}
	for _, tt := range tests {
		e := argon2Hash{params: PasswordParams{MemoryKiB: tt.memoryKiB, Time: 1, Threads: 1}}
		if got := h.weight(e); got != tt.want {
			t.Errorf("%d KiB take %d places, want %d", tt.memoryKiB, got, tt.want)
		}
	}
	if got := h.weight(bcryptHash{}); got != 1 {
		t.Errorf("bcrypt takes %d places, want 1", got)
	}

	big := NewHasher(HasherConfig{Params: PasswordParams{MemoryKiB: 512, Time: 1, Threads: 1}})
	encoded := mustHash(t, big, "pw")
	h.observe = func(e encoding) {
		if h.places.TryAcquire(1) {
			h.places.Release(1)
			t.Error("a place was free beside a computation that needs them all")
		}
	}
	checkVerdict(t, h, encoded, "pw", Verdict{OK: true, Outdated: true})
	h.observe = nil
	if !h.places.TryAcquire(4) {
		t.Error("the places were not given back")
	}
}

func BenchmarkHashRecommended(b *testing.B) {
	h := NewHasher(HasherConfig{})
	b.ReportAllocs()
	for b.Loop() {
		mustHash(b, h, "SomeSecurePassword!")
	}
}
