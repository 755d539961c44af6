package secret

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestMintPasscode(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		p, err := MintPasscode()
		if err != nil {
			t.Fatal(err)
		}
		text := p.Reveal().Reveal()
		parsed, err := uuid.Parse(text)
		if err != nil || parsed.Version() != 4 || parsed.String() != text {
			t.Fatalf("%q is no UUID of version 4 in its usual form: %v", text, err)
		}
		if seen[text] {
			t.Fatal("a passcode came twice")
		}
		seen[text] = true
	}
}

// TestPasscodeHash: only the same passcode has the same hash, and none has that
// of a column without one.
func TestPasscodeHash(t *testing.T) {
	t.Parallel()
	p, err := MintPasscode()
	if err != nil {
		t.Fatal(err)
	}
	other, err := MintPasscode()
	if err != nil {
		t.Fatal(err)
	}
	if !EqualHash(p.Hash(), HashPasscode(p.Reveal())) {
		t.Error("a passcode is not itself")
	}
	for name, presented := range map[string]Redacted{
		"another": other.Reveal(), "none": "", "its capitals": Redacted(strings.ToUpper(p.Reveal().Reveal())),
		"with more": p.Reveal() + " ", "a part": p.Reveal()[:35],
	} {
		if presented != p.Reveal() && EqualHash(p.Hash(), HashPasscode(presented)) {
			t.Errorf("%s is taken for it", name)
		}
	}
	for name, stored := range map[string][]byte{"nothing": nil, "the zero passcode's": Passcode{}.Hash()} {
		if EqualHash(stored, HashPasscode("")) || EqualHash(stored, HashPasscode(p.Reveal())) {
			t.Errorf("%s is matched", name)
		}
	}
	if strings.Contains(string(p.Hash()), p.Reveal().Reveal()) || (Passcode{}).Reveal() != "" {
		t.Error("the hash shows the passcode, or nothing shows something")
	}
}

func TestPasscodeIsNotPrinted(t *testing.T) {
	t.Parallel()
	p, err := MintPasscode()
	if err != nil {
		t.Fatal(err)
	}
	holder := struct{ code Passcode }{p}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{p, &p, holder, p.Reveal()} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, p.Reveal().Reveal()) || strings.Contains(text, fmt.Sprintf("%x", p.Reveal().Reveal())) {
				t.Errorf("%s of a %T prints it", verb, value)
			}
		}
	}
}
