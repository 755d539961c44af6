package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// engineWords are what a file says that cares which engine it is on.
var engineWords = regexp.MustCompile(`(?i)sqlite|postgres|pgx|pgconn|pg_|sqlstate`)

// engineFiles may care. Everything else is the same on both.
var engineFiles = regexp.MustCompile(`^(sqlite|postgres)(_[a-z]+)?\.go$|^(migrate|lock)\.go$`)

// TestQueriesDoNotAskForTheEngine walks the code, not the comments. The one
// function elsewhere that names the engines is the one that chooses.
func TestQueriesDoNotAskForTheEngine(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || engineFiles.MatchString(file) {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		looked++
		ast.Inspect(parsed, func(node ast.Node) bool {
			word := ""
			switch n := node.(type) {
			case *ast.FuncDecl:
				return n.Name.Name != "connect" && n.Name.Name != "Inspect" // where an engine is chosen
			case *ast.ValueSpec:
				return n.Names[0].Name != "conflictFields" // the names that both give their indexes
			case *ast.Ident:
				word = n.Name
			case *ast.BasicLit:
				word = n.Value
			}
			if engineWords.MatchString(word) {
				t.Errorf("%s speaks of %s", set.Position(node.Pos()), word)
			}
			return true
		})
	}
	if looked < 8 {
		t.Errorf("only %d files were looked at", looked)
	}
}

// TestEveryUniqueIndexNamesAField holds each index that can refuse a row to a
// field of the wire, on both engines.
func TestEveryUniqueIndexNamesAField(t *testing.T) {
	t.Parallel()
	// A row of these takes the place of the one that is there, or is a trigger's.
	replaced := regexp.MustCompile(`^(deployment|goose_db_version|user_settings|ai_seats|autofill_parameters|idp_sync_settings|password_resets|user_sums|user_day_sums|user_texts|user_search)`)
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		query := `SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indrelid
			WHERE indisunique AND relnamespace = 'public'::regnamespace`
		if cfg.DatabaseURL == "" {
			query = `SELECT (SELECT group_concat(t.name || '.' || c.name, ', ') FROM pragma_index_info(i.name) c)
				FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND i."unique"`
		}
		names := texts(t, raw(t, cfg), query)
		if len(names) < 8 {
			t.Errorf("there are only %d unique indexes: %q", len(names), names)
		}
		for _, name := range names {
			if !replaced.MatchString(name) && store.ConflictFields[name] == "" {
				t.Errorf("a conflict of %q names no field", name)
			}
		}
	})
}
