package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// manyUsers is how many are copied to measure how long it takes.
const manyUsers = 100_000

// seedMany adds users, with a membership, a session and an audit entry each. Their
// identifiers are spread as random ones are.
func seedMany(t testing.TB, cfg store.Config, count int) {
	t.Helper()
	id := func(kind int) string {
		return fmt.Sprintf(`printf('%%08x-%04d-4000-8000-%%012x', (i * 2654435761) & 4294967295, i)`, kind)
	}
	numbers := fmt.Sprintf(` FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)`, count)
	const at = `1709251198123456 + i`
	for _, text := range []string{
		`INSERT INTO users (id, username, username_key, name, name_key, email, email_key, avatar_url, status, login_type, is_service_account, deleted,
			github_user_id, password_hash, created_at, updated_at, last_seen_at)
		 SELECT ` + id(1) + `, 'User-' || i, 'user-' || i, 'Name of ' || i, 'name of ' || i, i || '@example.com', i || '@example.com', '', 'active', 'password',
			FALSE, FALSE, 0, '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g', ` + at + `, ` + at + `, ` + at,
		`INSERT INTO organization_members (user_id, organization_id, created_at, updated_at)
		 SELECT ` + id(1) + `, (SELECT id FROM organizations), ` + at + `, ` + at,
		`INSERT INTO api_keys (id, secret_hash, user_id, login_type, name, scopes, allow_list, lifetime_seconds, ip, expires_at, last_used, created_at, updated_at)
		 SELECT printf('ush%07d', i), randomblob(32), ` + id(1) + `, 'password', '', '["all"]', '["*:*"]', 86400, '192.0.2.1', ` + at + `, ` + at + `, ` + at + `, ` + at,
		`INSERT INTO audit_log (id, time, request_id, actor_id, organization_id, ip, user_agent, resource_type, resource_id, target, target_key, action, diff,
			outcome, additional)
		 SELECT ` + id(2) + `, ` + at + `, ` + id(3) + `, ` + id(1) + `, (SELECT id FROM organizations), '192.0.2.1', 'curl/8.5.0', 'user', ` + id(1) + `,
			'User-' || i, 'user-' || i, 'create', '{"username":{"old":"","new":"User","secret":false},"email":{"old":"","new":"e@example.com","secret":false}}', 'created', '{}'`,
	} {
		execute(t, cfg, text+numbers)
	}
}

// BenchmarkCopy copies many users there and back, and says how long a move of a
// deployment takes.
func BenchmarkCopy(b *testing.B) {
	from := storetest.SQLite(b)
	seedMany(b, from, manyUsers)
	for b.Loop() {
		served, back := store.Config{DatabaseURL: storetest.EmptyPostgres(b)}, store.Config{DataDir: b.TempDir()}
		for _, way := range []struct {
			name     string
			from, to store.Config
		}{{"sqlite-to-postgres", from, served}, {"postgres-to-sqlite", served, back}, {"sqlite-to-sqlite", from, store.Config{DataDir: b.TempDir()}}} {
			start := time.Now()
			var rows int64
			for _, table := range copyInto(b, way.from, way.to).Tables {
				rows += table.Rows
			}
			took := time.Since(start)
			b.ReportMetric(took.Seconds(), way.name+"-s")
			b.Logf("%s: %d users, %d rows in %.1f s, %.0f rows/s", way.name, manyUsers, rows, took.Seconds(), float64(rows)/took.Seconds())
		}
		if info, err := os.Stat(filepath.Join(back.DataDir, store.SQLiteFile)); err == nil {
			b.Logf("the SQLite file has %d MB", info.Size()>>20)
		}
	}
}
