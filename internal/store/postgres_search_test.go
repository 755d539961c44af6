package store_test

import (
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// TestSearchWithoutTheExtension: whoever may not create pg_trgm has searches all
// the same, and what the manual says adds the index later.
func TestSearchWithoutTheExtension(t *testing.T) {
	t.Parallel()
	full := store.Config{DatabaseURL: storetest.EmptyPostgres(t)}
	role := "limited_" + strings.ToLower(rand.Text())
	execute(t, full, `CREATE ROLE `+role+` LOGIN; GRANT ALL ON SCHEMA public TO `+role)
	defer execute(t, full, `DROP OWNED BY `+role+`; DROP ROLE `+role)
	address, err := url.Parse(full.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Del("user")
	address.User, address.RawQuery = url.User(role), query.Encode()
	s := storetest.Open(t, store.Config{DatabaseURL: address.String()})
	insert(t, s, crowd()...)
	indexes := func() string {
		return strings.Join(texts(t, raw(t, full), `SELECT indexname::text FROM pg_indexes WHERE indexdef LIKE '%trgm%'`), " ")
	}
	find := func(when string) {
		t.Helper()
		for part, want := range map[string][]string{"corp.example": {"Bob-2", "cat"}, "an": {"ann"}, "gone": {}} {
			list := store.UserList{Readable: everyone()}
			list.Search.Search = part
			wantList(t, s, when+" "+part, list, want)
		}
	}
	if got := indexes(); got != "" {
		t.Errorf("a role that may not has made %q", got)
	}
	find("without the index")
	for _, text := range manualStatements(t) {
		execute(t, full, text)
	}
	if got := indexes(); got != "user_texts_search" {
		t.Errorf("the manual makes the indexes %q", got)
	}
	find("with the index")
}

// manualStatements are what the manual says to add the index with.
func manualStatements(t *testing.T) []string {
	t.Helper()
	manual, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(manual), "CREATE EXTENSION pg_trgm;")
	block, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the manual has no such statements any more")
	}
	return []string{"CREATE EXTENSION pg_trgm", strings.TrimSpace(block)}
}
