package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// targets are the places that a copy can go to: one that is there and one that
// is not, on each engine.
func targets(t *testing.T) map[string]store.Config {
	t.Helper()
	return map[string]store.Config{
		"sqlite":          storetest.SQLite(t),
		"no sqlite":       {DataDir: t.TempDir()},
		"postgres":        {DatabaseURL: storetest.MigratedPostgres(t)},
		"no postgres yet": {DatabaseURL: storetest.EmptyPostgres(t)},
	}
}

// isThere reports whether there is a file to look at, or a server.
func isThere(cfg store.Config) bool {
	_, err := os.Stat(filepath.Join(cfg.DataDir, store.SQLiteFile))
	return cfg.DatabaseURL != "" || err == nil
}

// rowsOrNone are the rows of a database that may not be there.
func rowsOrNone(t *testing.T, cfg store.Config) []string {
	t.Helper()
	if !isThere(cfg) {
		return []string{}
	}
	return append([]string{}, rowsIn(t, cfg)...)
}

// moments are those at which a copy can be disturbed.
var moments = map[string]func(store.CopyProgress) bool{
	"at once":            func(store.CopyProgress) bool { return true },
	"half-way":           func(p store.CopyProgress) bool { return p.Table == "users" },
	"while it checks":    func(p store.CopyProgress) bool { return p.Checking },
	"at the last moment": func(p store.CopyProgress) bool { return p.Done == p.Total },
}

// TestCopyThatIsInterrupted leaves the target as it was, and can be made again.
func TestCopyThatIsInterrupted(t *testing.T) {
	t.Parallel()
	for moment, now := range moments {
		for name, to := range targets(t) {
			t.Run(moment+", "+name, func(t *testing.T) {
				t.Parallel()
				from := fullSQLite(t)
				existed, before := isThere(to), rowsOrNone(t, to)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				_, err := store.Copy{From: placeOf(from), To: placeOf(to), Progress: func(p store.CopyProgress) {
					if now(p) {
						cancel()
					}
				}}.Run(ctx)
				if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "Nothing of the copy is kept") {
					t.Errorf("the copy ended with: %v", err)
				}
				if diff := cmp.Diff(before, rowsOrNone(t, to)); diff != "" {
					t.Errorf("the target (-before +after):\n%s", diff)
				}
				if !existed && to.DatabaseURL == "" {
					wantNoFiles(t, to.DataDir)
				}
				copyInto(t, from, to)
				checkCopied(t, from, to)
			})
		}
	}
}

// wantNoFiles fails where a failed copy left more than locks.
func wantNoFiles(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".lock") {
			t.Errorf("%s is left behind", entry.Name())
		}
	}
}

// checkCopied compares two databases of any engines.
func checkCopied(t *testing.T, from, to store.Config) {
	t.Helper()
	if to.DatabaseURL != "" {
		back := store.Config{DataDir: t.TempDir()}
		copyInto(t, to, back)
		to = back
	}
	if diff := cmp.Diff(rowsIn(t, from), rowsIn(t, to)); diff != "" {
		t.Errorf("what was copied (-want +got):\n%s", diff)
	}
}

// TestCopyThatLosesItsServer, on either side.
func TestCopyThatLosesItsServer(t *testing.T) {
	t.Parallel()
	embedded := fullSQLite(t)
	served := store.Config{DatabaseURL: storetest.EmptyPostgres(t)}
	copyInto(t, embedded, served)
	for moment, now := range moments {
		t.Run(moment, func(t *testing.T) {
			for name, places := range map[string][2]store.Config{
				"target": {embedded, {DatabaseURL: storetest.MigratedPostgres(t)}}, "source": {served, {DataDir: t.TempDir()}},
			} {
				from, to := places[0], places[1]
				killer := raw(t, store.Config{DatabaseURL: from.DatabaseURL + to.DatabaseURL})
				before := rowsOrNone(t, to)
				_, err := store.Copy{From: placeOf(from), To: placeOf(to), Progress: func(p store.CopyProgress) {
					if now(p) {
						kill(t, killer)
					}
				}}.Run(t.Context())
				if err == nil || errors.Is(err, context.Canceled) {
					t.Errorf("%s: the copy ended with: %v", name, err)
				}
				if diff := cmp.Diff(before, rowsOrNone(t, to)); diff != "" {
					t.Errorf("%s (-before +after):\n%s", name, diff)
				}
				copyInto(t, from, to)
			}
		})
	}
}

// TestCopyWhoseProcessIsKilled leaves what is as good as empty.
func TestCopyWhoseProcessIsKilled(t *testing.T) {
	t.Parallel()
	for name, to := range targets(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			from := fullSQLite(t)
			if err := os.Symlink(from.DataDir, filepath.Join(dir, "from")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "to"), []byte(to.DatabaseURL+to.DataDir), 0o600); err != nil {
				t.Fatal(err)
			}
			startChild(t, "copying", dir)()
			copyInto(t, from, to)
			checkCopied(t, from, to)
		})
	}
}

// copyHalf begins a copy that it never ends.
func copyHalf(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "to"))
	if err != nil {
		return err
	}
	to, err := store.PlaceToFill(string(text))
	if err != nil {
		return err
	}
	half, failed := make(chan bool), make(chan error, 1)
	go func() {
		_, err := store.Copy{From: store.Place{DataDir: filepath.Join(dir, "from")}, To: to, Progress: func(p store.CopyProgress) {
			if p.Checking {
				half <- true
				select {}
			}
		}}.Run(context.Background())
		failed <- fmt.Errorf("the copy ended: %w", err)
	}()
	select {
	case <-half:
		return nil
	case err := <-failed:
		return err
	}
}

// TestCopyFindsWhatIsWrong: a target that stores something else than it is
// given, or less, is found out, and left empty.
func TestCopyFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		postgres, sqlite string
		words            []string
	}{
		"another value": {
			`CREATE FUNCTION wrong() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := NEW.updated_at + INTERVAL ''1 microsecond''; RETURN NEW; END';
			 CREATE TRIGGER wrong BEFORE INSERT ON users FOR EACH ROW WHEN (NEW.username = 'robot') EXECUTE FUNCTION wrong()`,
			`CREATE TRIGGER wrong AFTER INSERT ON users WHEN NEW.username = 'robot' BEGIN UPDATE users SET updated_at = updated_at + 1 WHERE id = NEW.id; END`,
			[]string{"check users", "differs", "SHA-256"},
		},
		"a row less": {
			`CREATE FUNCTION wrong() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			 CREATE TRIGGER wrong BEFORE INSERT ON ai_seats FOR EACH ROW EXECUTE FUNCTION wrong()`,
			`CREATE TRIGGER wrong AFTER INSERT ON ai_seats BEGIN DELETE FROM ai_seats; END`,
			[]string{"check ai_seats", "written and 0 are there"},
		},
		"nothing for something": {
			`CREATE FUNCTION wrong() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.task_notification_alert_dismissed := NULL; RETURN NEW; END';
			 CREATE TRIGGER wrong BEFORE INSERT ON user_settings FOR EACH ROW EXECUTE FUNCTION wrong()`,
			`CREATE TRIGGER wrong AFTER INSERT ON user_settings BEGIN UPDATE user_settings SET task_notification_alert_dismissed = NULL; END`,
			[]string{"check user_settings", "differs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, to store.Config) {
				text := c.sqlite
				if to.DatabaseURL != "" {
					text = c.postgres
				}
				execute(t, to, text)
				wantRefused(t, fullSQLite(t), to, append(c.words, "Nothing of the copy is kept")...)
			})
		})
	}
}

// TestCopyOfABackup needs no server's directory, and leaves no trace beside it.
func TestCopyOfABackup(t *testing.T) {
	t.Parallel()
	from := fullSQLite(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.db")
	if err := store.Backup(t.Context(), from.DataDir, file); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	defer lock(t, from.DataDir)() // a server may go on meanwhile
	to := store.Config{DatabaseURL: storetest.EmptyPostgres(t)}
	if _, err := (store.Copy{From: store.Place{File: file}, To: placeOf(to)}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkCopied(t, from, to)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("beside the backup there are %v (%v)", entries, err)
	}
	if err := os.Truncate(file, 5000); err == nil {
		_, err = store.Copy{From: store.Place{File: file}, To: store.Place{DataDir: t.TempDir()}}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("half a backup: %v", err)
		}
	}
}

// TestCopyIsOfOneMoment: what others write into the source meanwhile is not in
// it, not even in part.
func TestCopyIsOfOneMoment(t *testing.T) {
	t.Parallel()
	from, to := store.Config{DatabaseURL: storetest.EmptyPostgres(t)}, store.Config{DataDir: t.TempDir()}
	copyInto(t, fullSQLite(t), from)
	before := store.Config{DataDir: t.TempDir()}
	copyInto(t, from, before)
	writer := raw(t, from)
	changes := 0
	_, err := store.Copy{From: placeOf(from), To: placeOf(to), Progress: func(store.CopyProgress) {
		changes++
		for _, text := range []string{
			fmt.Sprintf(`INSERT INTO deployment (key, value) VALUES ('change %d', '')`, changes),
			`UPDATE users SET updated_at = updated_at + INTERVAL '1 second'`, `DELETE FROM user_roles`,
		} {
			if _, err := writer.ExecContext(t.Context(), text); err != nil {
				t.Error(err)
			}
		}
	}}.Run(t.Context())
	if err != nil || changes < 10 {
		t.Fatalf("the copy, with %d changes meanwhile: %v", changes, err)
	}
	if diff := cmp.Diff(rowsIn(t, before), rowsIn(t, to)); diff != "" {
		t.Errorf("the copy (-before the changes +got):\n%s", diff)
	}
}

// TestServerThatStartsDuringACopy spoils it: its changes would be lost.
func TestServerThatStartsDuringACopy(t *testing.T) {
	t.Parallel()
	from, to := store.Config{DatabaseURL: storetest.EmptyPostgres(t)}, store.Config{DataDir: t.TempDir()}
	copyInto(t, fullSQLite(t), from)
	start := sync.OnceFunc(func() { storetest.Open(t, from) })
	_, err := store.Copy{From: placeOf(from), To: placeOf(to), Progress: func(store.CopyProgress) { start() }}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "servers or commands of Usher") {
		t.Errorf("the copy ended with: %v", err)
	}
	wantNoFiles(t, to.DataDir)
}

// TestTwoCopiesIntoOne: one is made, the other is refused.
func TestTwoCopiesIntoOne(t *testing.T) {
	t.Parallel()
	for name, to := range targets(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			froms := []store.Config{fullSQLite(t), fullSQLite(t)}
			execute(t, froms[1], `DELETE FROM audit_log`)
			errs := atOnce(2, func(i int) error {
				_, err := store.Copy{From: placeOf(froms[i]), To: placeOf(to)}.Run(t.Context())
				return err
			})
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("the copies ended with: %v", errs)
			}
			for i, err := range errs {
				if err == nil {
					checkCopied(t, froms[i], to)
				}
			}
		})
	}
}
