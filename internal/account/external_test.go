package account

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProposeUsername(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ given, email, want string }{
		{"kyle", "other@example.com", "kyle"},
		{"Kyle-2", "", "Kyle-2"},
		{"", "kyle@kwc.io", "kyle"},
		{"kyle@kwc.io", "", "kyle"},
		{"kyle+wow@kwc.io", "", "kylewow"},
		{"kyle.smith_jr", "", "kylesmithjr"},
		{"Kyle Carberry", "", "KyleCarberry"},
		{"jürgen", "", "jrgen"},
		{"", "", ""},
		{"@kwc.io", "kyle@kwc.io", ""},
		{"---", "", ""},
		{"-kyle", "", ""},
		{"kyle--2", "", ""},
		{"me", "", ""},
		{"New", "", ""},
		{"oidc@kwc.io", "", ""},
		{"00000000-0000-0000-0000-000000000000", "", "00000000-0000-0000-0000-00000000"},
		{"00000000000000000000000000000000", "", ""}, // a UUID without hyphens
		{strings.Repeat("k", 33), "", strings.Repeat("k", 32)},
		{strings.Repeat("k", 31) + "-bc", "", strings.Repeat("k", 31)},
	} {
		got := ProposeUsername(test.given, test.email)
		if got != test.want {
			t.Errorf("%q, %q: got %q, want %q", test.given, test.email, got, test.want)
		}
		if got != "" && CheckUsername(got) != nil {
			t.Errorf("%q, %q: %q is not valid", test.given, test.email, got)
		}
	}
}

func FuzzProposeUsername(f *testing.F) {
	f.Add("kyle@kwc.io", "")
	f.Add("", "a-@b.c")
	f.Fuzz(func(t *testing.T, given, email string) {
		if got := ProposeUsername(given, email); got != "" && CheckUsername(got) != nil {
			t.Errorf("%q, %q: %q is not valid", given, email, got)
		}
	})
}

func TestProposeRealName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"Kylium Carbonate", "Kylium Carbonate"},
		{"  Kylium  Carbonate\n", "Kylium  Carbonate"},
		{"", ""},
		{" \t ", ""},
		{"Ky\x00lium\x1b[31m", "Kylium[31m"},
		{"Ky\xfflium", "Kylium"},
		{"a\x00 ", "a"},
		{strings.Repeat("a", 128), strings.Repeat("a", 128)},
		{strings.Repeat("a", 129), strings.Repeat("a", 128)},
		{strings.Repeat("a", 127) + "ü", strings.Repeat("a", 127)},
		{strings.Repeat("a", 127) + " b", strings.Repeat("a", 127)},
	} {
		if got := ProposeRealName(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func FuzzProposeRealName(f *testing.F) {
	f.Add(strings.Repeat("ü", 65) + " \x00")
	f.Fuzz(func(t *testing.T, text string) {
		if got := ProposeRealName(text); CheckRealName(got) != nil {
			t.Errorf("%q: %q is not valid: %v", text, got, CheckRealName(got))
		}
	})
}

func TestIsInDomain(t *testing.T) {
	t.Parallel()
	domains := []string{"kwc.io", "@Example.COM"}
	for email, want := range map[string]bool{
		"kyle@kwc.io": true, "kyle@KWC.io": true, "kyle@example.com": true, `"a@b"@kwc.io`: true,
		"kyle@sub.kwc.io": false, "kyle@kwc.io.evil.com": false, "kyle@kwc.io@evil.com": false,
		"kyle@evilkwc.io": false, "kwc.io": false, "": false, "kyle@": false,
	} {
		if got := IsInDomain(email, domains); got != want {
			t.Errorf("%q: got %t, want %t", email, got, want)
		}
	}
}

func TestIsAffirmed(t *testing.T) {
	t.Parallel()
	for _, yes := range []any{true, "true", "TRUE", "True", "t", "1", json.Number("1"), json.Number("2.5"), json.Number("-1"), 1.0} {
		if !IsAffirmed(yes) {
			t.Errorf("%#v is a no", yes)
		}
	}
	for _, no := range []any{
		nil, false, "false", "0", "", "yes", "2", json.Number("0"), json.Number("0.0"), json.Number("1e999"), 0.0,
		[]any{true},
		map[string]any{"verified": true},
	} {
		if IsAffirmed(no) {
			t.Errorf("%#v is a yes", no)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	claims := map[string]any{"list": []any{"a", "b"}, "one": "a", "none": "", "comma": "a,b", "number": json.Number("1"), "null": nil}
	for _, test := range []struct {
		field   string
		want    []string
		present bool
		fails   bool
	}{
		{field: "list", want: []string{"a", "b"}, present: true},
		{field: "one", want: []string{"a"}, present: true},
		{field: "none", want: []string{}, present: true},
		{field: "null", want: []string{}, present: true},
		{field: "absent", want: []string{}},
		{field: "comma", present: true, fails: true},
		{field: "number", present: true, fails: true},
	} {
		got, present, err := Groups(claims, test.field)
		if present != test.present || (err != nil) != test.fails || !cmp.Equal(got, test.want) {
			t.Errorf("%s: got %q, %t, %v", test.field, got, present, err)
		}
	}
}
