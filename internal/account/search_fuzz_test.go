package account_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"usher/internal/account"
)

func searchSeeds() []string {
	return []string{
		"", "ada", `"ada lovelace" name:x`, "status:active,dormant role:owner", `created_before:"2023-01-02T00:00:00Z"`, "a:b:c", ":x", "x:",
		`"":x`, `"a:"b":c`, `name:"`, `"`, `""`, "a\x00b", "\xff", "İ:ß", "=\u0338:x", "date_to:9999-12-31", "date_to:0000-12-31", "user action:login",
		`last_seen_before:"0001-01-01T00:00:00Z"`, "github_com_user_id:-9223372036854775808", "build_reason:autostop", "service_account:T", "\u2028:\u00a0",
	}
}

// checkRefusal: whatever is refused says which part of it was wrong.
func checkRefusal(t *testing.T, query string, err error) {
	t.Helper()
	var refusal *account.Error
	if !errors.As(err, &refusal) || refusal.Kind != account.KindInvalid || len(refusal.Fields) == 0 {
		t.Fatalf("%q: %v, want an error with fields", query, err)
	}
	for _, f := range refusal.Fields {
		if f.Field == "" || f.Detail == "" {
			t.Errorf("%q: a fault without a field or a detail: %+v", query, f)
		}
	}
}

// checkText: what the store is handed is text that both engines take.
func checkText(t *testing.T, query string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			t.Errorf("%q: is searched for as %q", query, text)
		}
	}
}

func FuzzParseUserSearch(f *testing.F) {
	for _, seed := range searchSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		search, err := account.ParseUserSearch(query)
		if err != nil {
			checkRefusal(t, query, err)
			return
		}
		checkText(t, query, search.Search, search.Name)
		checkText(t, query, search.Roles...)
		if account.Fold(search.Search) != search.Search || account.Fold(search.Name) != search.Name {
			t.Errorf("%q: searches for text that is not folded: %+v", query, search)
		}
	})
}

func FuzzParseAuditSearch(f *testing.F) {
	for _, seed := range searchSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		search, err := account.ParseAuditSearch(query)
		if err != nil {
			checkRefusal(t, query, err)
			return
		}
		checkText(t, query, search.Target, search.Username, search.Email, search.Organization)
	})
}
