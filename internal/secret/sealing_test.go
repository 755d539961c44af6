package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Keys that are easy to find in an error that shows them.
var (
	keyBytesA = []byte("alpha-alpha-alpha-alpha-alpha-32")
	keyBytesB = []byte("bravo-bravo-bravo-bravo-bravo-32")
	lineA     = "a " + base64.StdEncoding.EncodeToString(keyBytesA) + "\n"
	lineB     = "b " + base64.StdEncoding.EncodeToString(keyBytesB) + "\n"
)

func ring(t *testing.T, text string) Keyring {
	t.Helper()
	parsed, err := ParseKeyring([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseKeyring(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		ids  []string
	}{
		"one":                  {lineA, []string{"a"}},
		"two":                  {lineB + lineA, []string{"b", "a"}},
		"no newline at end":    {lineA + strings.TrimSpace(lineB), []string{"a", "b"}},
		"comments and spaces":  {"# made by hand\n\n  " + strings.Replace(lineA, " ", " \t ", 1) + "\r\n", []string{"a"}},
		"windows line endings": {strings.ReplaceAll(lineA+lineB, "\n", "\r\n"), []string{"a", "b"}},
		"the longest id":       {strings.Repeat("x", 32) + lineA[1:], []string{strings.Repeat("x", 32)}},
	} {
		got, err := ParseKeyring([]byte(tt.text))
		if diff := cmp.Diff(tt.ids, got.IDs()); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if got.Current() != tt.ids[0] {
			t.Errorf("%s: %s seals, want the first", name, got.Current())
		}
	}
}

func TestParseKeyringRefuses(t *testing.T) {
	t.Parallel()
	encoded := strings.TrimSpace(lineA[2:])
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":         {"", "no key"},
		"only comments":   {"# " + lineA, "no key"},
		"a key alone":     {encoded, "line 1"},
		"an id alone":     {"a\n", "line 1"},
		"three words":     {"a " + encoded + " comment", "line 1"},
		"key before id":   {encoded + " a", "line 1"},
		"a long id":       {strings.Repeat("x", 33) + " " + encoded, "line 1"},
		"a strange id":    {"a:b " + encoded, "line 1"},
		"no base64":       {lineB + "a alpha-alpha-alpha", `line 2: the key "a" is not in base64`},
		"url base64":      {"a " + strings.Repeat("-_", 21) + "A=", "not in base64"},
		"stray bits":      {"a " + strings.Replace(encoded, "I=", "J=", 1), "not in base64"},
		"short":           {"a " + base64.StdEncoding.EncodeToString(keyBytesA[:31]), `line 1: the key "a" has 31 bytes instead of 32`},
		"long":            {"a " + base64.StdEncoding.EncodeToString(append(slices.Clone(keyBytesA), 0)), "33 bytes"},
		"one id twice":    {lineA + "\n" + "a" + lineB[1:], `line 3: the id "a" is there twice`},
		"one line broken": {lineA + "b nonsense!\n", "line 2"},
	} {
		got, err := ParseKeyring([]byte(tt.text))
		if err == nil || got.Current() != "" {
			t.Errorf("%s: accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q does not say %q", name, err, tt.want)
		}
		checkHidden(t, name, err.Error(), []string{encoded, encoded[:8], "alpha-"})
	}
}

func TestNewSealingKey(t *testing.T) {
	t.Parallel()
	id, line := NewSealingKey()
	other, _ := NewSealingKey()
	if got := ring(t, line.Reveal()); got.Current() != id || id == other {
		t.Errorf("the line is of %q, want %q; another is %q", got.Current(), id, other)
	}
	checkShows(t, "the line", fmt.Sprint(line), []string{strings.Fields(line.Reveal())[1]})
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	keys := ring(t, lineA+lineB)
	for _, value := range []Redacted{"", "x", Redacted(sample), Redacted(strings.Repeat("long\x00\xff", 10_000))} {
		sealed, err := keys.Seal("table/1", value)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(sealed, SealedPrefix("a")) || SealedWith(sealed) != "a" {
			t.Errorf("the header is of %q", SealedWith(sealed))
		}
		if len(value) > 3 && strings.Contains(sealed, value.Reveal()[:4]) {
			t.Error("the value shows")
		}
		opened, err := keys.Open("table/1", sealed)
		if err != nil || opened != value {
			t.Errorf("%d bytes do not come back (%v)", len(value), err)
		}
		// An older key opens what it sealed.
		if opened, err = ring(t, lineB+lineA).Open("table/1", sealed); err != nil || opened != value {
			t.Errorf("the second key of a ring does not open (%v)", err)
		}
	}
}

func TestNoTwoSealedValuesAreAlike(t *testing.T) {
	t.Parallel()
	keys := ring(t, lineA)
	seen := map[string]bool{}
	for range 100 {
		sealed, err := keys.Seal("table/1", "the same")
		if err != nil || seen[sealed] {
			t.Fatalf("the same again (%v)", err)
		}
		seen[sealed] = true
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	keys := ring(t, lineA+lineB)
	sealed, err := keys.Seal("table/1", Redacted(sample))
	if err != nil {
		t.Fatal(err)
	}
	body := strings.TrimPrefix(sealed, SealedPrefix("a"))
	for name, tt := range map[string]struct {
		place, sealed string
		ring          Keyring
	}{
		"another row":      {"table/2", sealed, keys},
		"another table":    {"elbat/1", sealed, keys},
		"a shifted border": {"/1", strings.Replace(sealed, "a:", "a:table", 1), keys},
		"another key's id": {"table/1", SealedPrefix("b") + body, keys},
		"another key":      {"table/1", sealed, ring(t, "a"+lineB[1:])},
		"cut":              {"table/1", sealed[:len(sealed)-4], keys},
		"nothing sealed":   {"table/1", SealedPrefix("a"), keys},
		"no base64":        {"table/1", SealedPrefix("a") + "!", keys},
		"no header":        {"table/1", body, keys},
		"half a header":    {"table/1", "sealed-1:a", keys},
		"another form":     {"table/1", strings.Replace(sealed, "sealed-1", "sealed-2", 1), keys},
		"plain text":       {"table/1", sample, keys},
		"nothing":          {"table/1", "", keys},
	} {
		opened, err := tt.ring.Open(tt.place, tt.sealed)
		if !errors.Is(err, ErrSealed) || opened != "" {
			t.Errorf("%s: got an error %v", name, err)
		}
	}
	// Every single bit matters.
	raw, _ := base64.StdEncoding.DecodeString(body)
	for i := range len(raw) * 8 {
		flipped := slices.Clone(raw)
		flipped[i/8] ^= 1 << (i % 8)
		if _, err := keys.Open("table/1", SealedPrefix("a")+base64.StdEncoding.EncodeToString(flipped)); !errors.Is(err, ErrSealed) {
			t.Fatalf("bit %d does not matter: %v", i, err)
		}
	}
	_, err = ring(t, lineB).Open("table/1", sealed)
	unknown, ok := errors.AsType[*UnknownSealingKeyError](err)
	if !ok || unknown.ID != "a" || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a key that is not there: %v", err)
	}
}

func TestTheZeroKeyringDoesNothing(t *testing.T) {
	t.Parallel()
	var none Keyring
	if _, err := none.Seal("x", "y"); err == nil {
		t.Error("it seals")
	}
	if _, err := none.Open("x", SealedPrefix("a")+"AAAA"); err == nil || none.Has("a") || none.IDs() != nil {
		t.Error("it opens")
	}
}

func TestKeyringDoesNotPrint(t *testing.T) {
	t.Parallel()
	keys := ring(t, lineA)
	outer := struct{ keys Keyring }{keys}
	got := fmt.Sprintf("%v %+v %#v %s %x %v %+v", keys, keys, keys, keys, keys, outer, outer)
	checkHidden(t, "a keyring", got, []string{"alpha", fmt.Sprint(keyBytesA[:4]), fmt.Sprintf("%x", keyBytesA[:4])})
}

// file is a key file that changes under a Sealer.
type file struct {
	text  string
	err   error
	reads int
}

func (f *file) read() ([]byte, error) {
	f.reads++
	return []byte(f.text), f.err
}

func sealer(t *testing.T, f *file) *Sealer {
	t.Helper()
	s, err := NewSealer(f.read)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewSealerNeedsKeys(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	if _, err := NewSealer((&file{err: broken}).read); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := NewSealer((&file{text: "nonsense"}).read); err == nil {
		t.Error("a file without a key is accepted")
	}
}

func TestSealerReload(t *testing.T) {
	t.Parallel()
	f := &file{text: lineA}
	s := sealer(t, f)
	accept := func(Keyring) error { return nil }
	f.text = lineB + lineA
	if err := s.Reload(accept); err != nil || s.Keyring().Current() != "b" {
		t.Errorf("%s seals after a reload (%v)", s.Keyring().Current(), err)
	}
	f.text = "nonsense"
	if err := s.Reload(accept); err == nil || s.Keyring().Current() != "b" {
		t.Errorf("a broken file: %v, and %s seals", err, s.Keyring().Current())
	}
	f.text = lineA
	refusal := errors.New("no")
	if err := s.Reload(func(Keyring) error { return refusal }); !errors.Is(err, refusal) || s.Keyring().Current() != "b" {
		t.Errorf("refused keys: %v, and %s seals", err, s.Keyring().Current())
	}
}

// A value of a key that is not known yet makes the file be read again, and only
// such a one.
func TestSealerReadsTheFileForAnUnknownKey(t *testing.T) {
	t.Parallel()
	f := &file{text: lineA}
	s := sealer(t, f)
	sealed, err := ring(t, lineB).Seal("table/1", "value")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open("table/1", sealed); !isUnknown(err, "b") {
		t.Errorf("got %v", err)
	}
	f.text = lineB + lineA
	if value, err := s.Open("table/1", sealed); err != nil || value != "value" {
		t.Errorf("got an error %v", err)
	}
	reads := f.reads
	if _, err := s.Open("table/1", sealed); err != nil || f.reads != reads {
		t.Errorf("read %d times more (%v)", f.reads-reads, err)
	}
	// A file that lost the key that is asked for does not take the others along.
	f.text = "c" + lineA[1:]
	gone := SealedPrefix("z") + "AAAA"
	if _, err := s.Open("table/1", gone); !isUnknown(err, "z") || s.Keyring().Current() != "b" {
		t.Errorf("got %v, and %s seals", err, s.Keyring().Current())
	}
	if _, err := s.Open("table/1", "plain"); !errors.Is(err, ErrSealed) {
		t.Errorf("got %v for what is not sealed", err)
	}
}

func isUnknown(err error, id string) bool {
	unknown, ok := errors.AsType[*UnknownSealingKeyError](err)
	return ok && unknown.ID == id
}

// A node that has not heard of a rotation must not go on sealing with a key that
// is about to be thrown away.
func TestSealFollowsTheDeployment(t *testing.T) {
	t.Parallel()
	f := &file{text: lineA}
	s := sealer(t, f)
	f.text = lineB + lineA
	for _, tt := range []struct{ deployed, want string }{{"", "a"}, {"a", "a"}, {"b", "b"}, {"a", "b"}} {
		sealed, err := s.Seal("table/1", "value", tt.deployed)
		if err != nil || SealedWith(sealed) != tt.want {
			t.Errorf("the deployment is at %q: sealed with %q, want %q (%v)", tt.deployed, SealedWith(sealed), tt.want, err)
		}
	}
	if _, err := s.Seal("table/1", "value", "c"); !isUnknown(err, "c") {
		t.Errorf("got %v for a key that this node does not have", err)
	}
	// With a file that cannot be read, what the deployment uses is good enough.
	f.err = errors.New("the disk is gone")
	for _, deployed := range []string{"a", "b"} {
		sealed, err := s.Seal("table/1", "value", deployed)
		if err != nil || SealedWith(sealed) != deployed {
			t.Errorf("the deployment is at %q: sealed with %q (%v)", deployed, SealedWith(sealed), err)
		}
	}
	if _, err := s.Seal("table/1", "value", "c"); !errors.Is(err, f.err) {
		t.Errorf("got %v for a key that this node does not have", err)
	}
}

func FuzzParseKeyring(f *testing.F) {
	f.Add(lineA)
	f.Add(lineA + "# x\n\n" + lineB)
	f.Add("a \xff")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeyring([]byte(text))
		if err != nil {
			return
		}
		sealed, err := keys.Seal("p", "v")
		if err != nil {
			t.Fatal(err)
		}
		if value, err := keys.Open("p", sealed); err != nil || value != "v" || SealedWith(sealed) != keys.Current() {
			t.Errorf("does not come back (%v)", err)
		}
	})
}
