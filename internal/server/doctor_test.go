package server_test

import (
	"testing"

	"usher/internal/secret"
	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// examine returns what was found of each part.
func examine(t *testing.T, cfg server.Config) map[string]server.Finding {
	t.Helper()
	findings, err := cfg.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]server.Finding{}
	for _, f := range findings {
		if (f.Verdict == server.Fine) != (f.Advice == "") {
			t.Errorf("%s: the verdict %s comes with the advice %q", f.Part, f.Verdict, f.Advice)
		}
		found[f.Part] = f
	}
	return found
}

func TestExamineEitherEngine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		s := servertest.Start(t, db)
		s.CreateFirstUser(t)
		cfg := server.Config{DataDir: db.DataDir, DatabaseURL: secret.Redacted(db.DatabaseURL)}
		found := examine(t, cfg)
		parts := []string{"access URL", "cookies", "data directory", "database", "encryption key"}
		if db.DatabaseURL != "" {
			parts = append(parts, "clock")
		}
		for _, part := range parts {
			if f, ok := found[part]; part != "data directory" && (!ok || f.Verdict != server.Fine) {
				t.Errorf("%s: %+v", part, f)
			}
		}
	})
}

func TestExamineAnEmptyPostgres(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgres(t)
	cfg := server.Config{DataDir: t.TempDir(), DatabaseURL: secret.Redacted(url)}
	if f := examine(t, cfg)["database"]; f.Verdict != server.Fine {
		t.Errorf("an empty database: %+v", f)
	}
	if f := examine(t, cfg)["database"]; f.Verdict != server.Fine { // looking at it has not changed it
		t.Errorf("looked at once more: %+v", f)
	}
	storetest.Open(t, store.Config{DatabaseURL: url})
	if f := examine(t, cfg)["encryption key"]; f.Verdict != server.Fine {
		t.Errorf("before the first start: %+v", f)
	}
}

func TestExamineRefusesSettingsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	if _, err := (server.Config{Listen: "nowhere"}).Examine(t.Context()); err == nil {
		t.Error("there is nothing to say against it")
	}
}
