package secret

import (
	"crypto/sha256"
	"errors"
	"flag"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var keySamples = flag.Int("keys.samples", 200_000, "random and mistyped keys that TestCheckedKeysAreHardToHit tries")

func mustMint(t testing.TB) Key {
	t.Helper()
	key, err := MintKey()
	if err != nil {
		t.Fatalf("MintKey: %v", err)
	}
	return key
}

func TestMintedKeyParses(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		key := mustMint(t)
		text := key.Reveal()
		if seen[key.ID] || seen[text[11:]] {
			t.Fatal("an id or a secret came twice")
		}
		seen[key.ID], seen[text[11:]] = true, true

		parsed, err := ParseKey(text)
		if err != nil {
			t.Fatalf("a minted key does not parse: %v", err)
		}
		if parsed.Legacy() || parsed.ID != key.ID || !strings.HasPrefix(key.ID, "ush") {
			t.Errorf("id %q parsed as %q, legacy %v", key.ID, parsed.ID, parsed.Legacy())
		}
		if hash := parsed.Hash(); !EqualHash(hash[:], key.Hash()) {
			t.Error("the parsed hash is not the minted one")
		}
		want := sha256.Sum256([]byte(text[len(text)-22:]))
		if diff := cmp.Diff(want[:], key.Hash()); diff != "" {
			t.Errorf("hash of the 22 characters, -want +got:\n%s", diff)
		}
	}
}

func TestZeroKeyHoldsNothing(t *testing.T) {
	t.Parallel()
	var key Key
	if key.Reveal() != "" || key.Hash() != nil {
		t.Errorf("the zero Key reveals %q and hashes to %x", key.Reveal(), key.Hash())
	}
}

// The expected digits were computed with CRC-32 and base62 code of another
// language.
func TestChecksumKnownAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"", "000000"},
		{"123456789", "3jZRME"},
		{"ush0000000-0000000000000000", "3oZ6EL"},
		{"ushAbCdEf1-zyxwvutsrqponmlk", "4Lklev"},
	}
	for _, tt := range tests {
		if got := checksum(tt.in); string(got[:]) != tt.want {
			t.Errorf("checksum(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestChecksumIsCRC32(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		text := randomBase62(random, 27)
		want := uint64(crc32.ChecksumIEEE([]byte(text)))
		var got uint64
		sum := checksum(text)
		for _, digit := range sum {
			got = got*62 + uint64(strings.IndexByte(base62, digit))
		}
		if got != want {
			t.Fatalf("checksum(%q) reads as %d, want %d", text, got, want)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	const (
		legacyID = "abcDEF0123"
		secret   = "abcdefghijklmnopqrstuv"
	)
	ours := mustMint(t).Reveal()
	tests := []struct{ name, key, want string }{
		{"empty", "", "expected exactly 1 hyphen, got 0"},
		{"no hyphen", legacyID + secret, "expected exactly 1 hyphen, got 0"},
		{"two hyphens", legacyID + "-" + secret[:21] + "-", "expected exactly 1 hyphen, got 2"},
		{"no id", "-" + secret, "expected 10 characters before the hyphen, got 0"},
		{"short id", legacyID[1:] + "-" + secret, "expected 10 characters before the hyphen, got 9"},
		{"long id", legacyID + "x-" + secret, "expected 10 characters before the hyphen, got 11"},
		{"no secret", legacyID + "-", "expected 22 characters after the hyphen, got 0"},
		{"short secret", legacyID + "-" + secret[1:], "expected 22 characters after the hyphen, got 21"},
		{"long secret", legacyID + "-" + secret + "x", "expected 22 characters after the hyphen, got 23"},
		{"underscore in the id", "abcDEF_123-" + secret, "only letters and digits"},
		{"plus in the secret", legacyID + "-" + secret[:21] + "+", "only letters and digits"},
		{"letter beyond ASCII", legacyID + "-" + secret[:20] + "é", "only letters and digits"},
		{"NUL", legacyID + "-" + secret[:21] + "\x00", "only letters and digits"},
		{"space before", " " + legacyID[1:] + "-" + secret, "only letters and digits"},
		{"our id, wrong checksum", ours[:27] + "000000", "checksum"},
		{"our id, no checksum", "ush0000000-" + secret, "checksum"},
		{"our id in other case", strings.ToUpper(ours[3:10]) + "ush-" + secret, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			parsed, err := ParseKey(tt.key)
			if tt.want == "" {
				if err != nil || !parsed.Legacy() {
					t.Errorf("legacy %v, %v, want a legacy key", parsed.Legacy(), err)
				}
				return
			}
			var format *KeyFormatError
			if !errors.As(err, &format) {
				t.Fatalf("error %v of type %T, want a *KeyFormatError", err, err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want it to contain %q", err, tt.want)
			}
			if parsed != (PresentedKey{}) {
				t.Error("a refused key was returned")
			}
		})
	}
}

func TestParseKeyAcceptsLegacy(t *testing.T) {
	t.Parallel()
	parsed, err := ParseKey("abcDEF0123-abcdefghijklmnopqrstuv")
	if err != nil {
		t.Fatal(err)
	}
	if !parsed.Legacy() || parsed.ID != "abcDEF0123" {
		t.Errorf("id %q, legacy %v", parsed.ID, parsed.Legacy())
	}
	if want := sha256.Sum256([]byte("abcdefghijklmnopqrstuv")); parsed.Hash() != want {
		t.Errorf("hash %x, want %x", parsed.Hash(), want)
	}
}

// TestCheckedKeysAreHardToHit tries strings of our form that nobody minted.
// The checksum promises that one in 2^32 passes; the source is seeded, so a
// failure repeats. Ten million: go test -run CheckedKeys -keys.samples 10000000
func TestCheckedKeysAreHardToHit(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(20, 26))
	minted := mustMint(t).Reveal()
	kinds := map[string]func() string{
		"random": func() string {
			return "ush" + randomBase62(random, 7) + "-" + randomBase62(random, 22)
		},
		"one character changed":  func() string { return mistype(random, minted, 1) },
		"two characters changed": func() string { return mistype(random, minted, 2) },
		"four characters changed": func() string {
			return mistype(random, minted, 4)
		},
		"neighbours swapped": func() string { return swap(random, minted) },
	}
	for kind, next := range kinds {
		accepted := 0
		for range *keySamples / len(kinds) {
			key := next()
			if _, err := ParseKey(key); err == nil && key != minted {
				accepted++
			}
		}
		if allowed := *keySamples >> 32; accepted > allowed {
			t.Errorf("%s: %d of %d were taken, want at most %d", kind, accepted, *keySamples/len(kinds), allowed)
		}
	}
}

func randomBase62(random *rand.Rand, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = base62[random.IntN(len(base62))]
	}
	return string(text)
}

// mistype replaces up to n characters behind the prefix by others.
func mistype(random *rand.Rand, key string, n int) string {
	text := []byte(key)
	for range n {
		at := typeable(random)
		text[at] = base62[random.IntN(len(base62))]
	}
	return string(text)
}

func swap(random *rand.Rand, key string) string {
	text := []byte(key)
	at := 3 + random.IntN(6)
	if random.IntN(2) == 0 {
		at = 11 + random.IntN(21)
	}
	text[at], text[at+1] = text[at+1], text[at]
	return string(text)
}

// typeable returns the index of a character that is neither of the prefix nor
// the hyphen.
func typeable(random *rand.Rand) int {
	at := 3 + random.IntN(29)
	if at >= 10 {
		at++
	}
	return at
}

func TestEqualHash(t *testing.T) {
	t.Parallel()
	a, b := sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))
	tests := []struct {
		name string
		a, b []byte
		want bool
	}{
		{"same", a[:], a[:], true},
		{"other", a[:], b[:], false},
		{"both nil", nil, nil, false},
		{"both empty", []byte{}, []byte{}, false},
		{"short and same", a[:31], a[:31], false},
		{"one short", a[:], a[:31], false},
		{"one nil", a[:], nil, false},
	}
	for _, tt := range tests {
		if got := EqualHash(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: EqualHash %v, want %v", tt.name, got, tt.want)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{
		"", "-", "ush0000000-", "abcDEF0123-abcdefghijklmnopqrstuv", "ush0000000-0000000000000000000000",
		"ush0000000-00000000000000003oZ6EL", "ushé00000-abcdefghijklmnopqrstuv", strings.Repeat("-", 33), strings.Repeat("x", 500),
		mustMint(f).Reveal(),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := ParseKey(s)
		if err != nil {
			var format *KeyFormatError
			if !errors.As(err, &format) || parsed != (PresentedKey{}) {
				t.Fatalf("error %v of type %T", err, err)
			}
			if len(s) > 12 && strings.Contains(err.Error(), s) {
				t.Fatal("the error holds the value")
			}
			return
		}
		if len(s) != 33 || s[10] != '-' || !isBase62(s[:10]+s[11:]) || parsed.ID != s[:10] {
			t.Fatalf("%q was taken, id %q", s, parsed.ID)
		}
		if sum := checksum(s[:27]); !parsed.Legacy() && s[27:] != string(sum[:]) {
			t.Fatalf("%q was taken with a wrong checksum", s)
		}
		if want := sha256.Sum256([]byte(s[11:])); parsed.Hash() != want {
			t.Fatalf("%q: wrong hash", s)
		}
	})
}

func TestParseKeyDoesNotAllocate(t *testing.T) {
	key := mustMint(t).Reveal()
	if n := testing.AllocsPerRun(100, func() { _, _ = ParseKey(key) }); n != 0 {
		t.Errorf("ParseKey allocates %v times, want 0", n)
	}
}

func BenchmarkParseKey(b *testing.B) {
	key := mustMint(b).Reveal()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseKey(key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMintKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustMint(b)
	}
}
