package storetest

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"usher/internal/store"
)

// Dump returns every row of every table of a database, each as a line that
// begins with the name of its table, in order. It reads beside the store. What
// triggers make of users, and the numbers of their rows, are left out.
func Dump(t testing.TB, cfg store.Config) []string {
	t.Helper()
	driver, source := "pgx", cfg.DatabaseURL
	list := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
		AND table_name NOT IN ('user_sums', 'user_day_sums', 'user_count_changes', 'user_texts')`
	if source == "" {
		driver, source = "sqlite", "file:"+filepath.Join(cfg.DataDir, store.SQLiteFile)+"?_pragma=busy_timeout(4000)"
		list = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'user\_search%' ESCAPE '\'
			AND name NOT IN ('user_sums', 'user_day_sums', 'user_texts')`
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var lines []string
	for _, table := range rowsOf(t, db, list) {
		for _, row := range rowsOf(t, db, `SELECT * FROM "`+table+`"`) {
			lines = append(lines, table+": "+row)
		}
	}
	slices.Sort(lines)
	return lines
}

// rowsOf returns the rows of a query, the columns of each joined by a bar.
func rowsOf(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		cells, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := rows.Scan(places...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if columns[0] == "number" { // of a row, which SQLite chooses
			cells = cells[1:]
		}
		texts := make([]string, len(cells))
		for i, cell := range cells {
			if text, isBytes := cell.([]byte); isBytes {
				cell = string(text)
			}
			texts[i] = fmt.Sprint(cell)
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return lines
}
