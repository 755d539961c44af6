package api_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// life is a user who left traces of all kinds, and what of them is personal.
type life struct {
	user  sdk.User
	words []string // as they are stored, and folded
}

// liveAndDie makes such a user, and deletes it.
func liveAndDie(t *testing.T, s *servertest.Server) life {
	t.Helper()
	user := create(t, s, newUser("Marguerite").but("name", "Ms Marguerite Quux").but("email", "M.Quux@Wonder.example"))
	c := login(t, s, user.Email, servertest.Password).with("User-Agent", "Looking-Glass/1871")
	key := mint(t, c, "me", body{"token_name": "tea-party"})
	c.put(t, path("me", "profile"), body{"username": "Marguerite", "name": "Dr Marguerite Xyzzy", "avatar_url": "https://rabbit.example/hole.png"}).want(t, http.StatusOK)
	c.put(t, path("me", "appearance"), look("dark", "fira-code")).want(t, http.StatusOK)
	c.put(t, path("me", "preferences"), body{"thinking_display_mode": "preview"}).want(t, http.StatusOK)
	c.post(t, path("me", "autofill-parameters"), build(uuid.New(), "jabber", "wocky-borogove")).want(t, http.StatusCreated)
	first := sshKey(t, c.get(t, path("me", "gitsshkey")).want(t, http.StatusOK)).PublicKey
	second := sshKey(t, c.put(t, path("me", "gitsshkey"), nil).want(t, http.StatusOK)).PublicKey
	c.post(t, path("me", "keys", idOf(key), "rotate"), body{}).want(t, http.StatusCreated)
	owner(s).post(t, path(user.ID, "ai-seat"), body{"event": "task"}).want(t, http.StatusNoContent)
	owner(s).put(t, path(user.ID, "email"), body{"email": "Dodo@Caucus.example"}).want(t, http.StatusOK)
	owner(s).put(t, path(user.ID, "profile"), body{"username": "Alice-Liddell", "name": "Dr Marguerite Xyzzy"}).want(t, http.StatusOK)
	owner(s).put(t, path(user.ID, "roles"), body{"roles": []string{"auditor"}}).want(t, http.StatusOK)
	owner(s).put(t, orgPath("default", "members", user.ID.String(), "roles"), body{"roles": []string{"organization-auditor"}}).want(t, http.StatusOK)
	c.get(t, auditPath).want(t, http.StatusOK)
	guest(s).with("User-Agent", "Looking-Glass/1872").post(t, loginPath, credentials("dodo@caucus.example", "wrong")).want(t, http.StatusUnauthorized)
	owner(s).post(t, path(user.ID, "erase"), nil).want(t, http.StatusConflict) // an entry of an attempt
	owner(s).delete(t, path(user.ID)).want(t, http.StatusOK)
	words := []string{
		"marguerite", "m.quux", "wonder.example", "xyzzy", "rabbit.example", "dodo", "caucus.example", "alice-liddell",
		"tea-party", "borogove", "looking-glass", strings.Fields(first)[1], strings.Fields(second)[1],
	}
	return life{user: user, words: words}
}

// traces returns the lines that have one of the words, whatever the case.
func (l life) traces(lines []string) []string {
	var found []string
	for _, line := range lines {
		for _, word := range l.words {
			if strings.Contains(strings.ToLower(line), strings.ToLower(word)) {
				found = append(found, word+" in "+line)
			}
		}
	}
	return found
}

// TestErase: nothing personal of a deleted user is in any row, nor, with SQLite,
// in the file after an orderly end; its rows and its entries of the audit log are
// there as before, under its id.
func TestErase(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		gone := liveAndDie(t, s)
		create(t, s, newUser("bystander").but("name", "A Bystander"))
		before := storetest.Dump(t, s.Store)
		if found := gone.traces(before); len(found) < len(gone.words) {
			t.Fatalf("only these traces are there to be erased: %q", found)
		}
		byID, actedBy := "resource_id:"+gone.user.ID.String(), "username:alice-liddell"
		about, deeds := audit(t, s, byID), audit(t, s, actedBy)

		done := owner(s).post(t, path(gone.user.ID, "erase"), nil).want(t, http.StatusNoContent)
		if found := gone.traces(storetest.Dump(t, s.Store)); len(found) > 0 {
			t.Errorf("left in the database: %s", strings.Join(found, "\n"))
		}
		alias := "erased-" + strings.ReplaceAll(gone.user.ID.String(), "-", "")[:16]
		checkErasedUser(t, owner(s).get(t, path(gone.user.ID)).user(t, http.StatusOK), gone.user, alias)
		checkErasedEntries(t, about, audit(t, s, byID)[1:], alias)
		checkErasedEntries(t, deeds, audit(t, s, "username:"+alias), alias)
		e := entryOf(t, s, done)
		if e.Action != "write" || e.ResourceType != "user" || e.ResourceTarget != alias || e.StatusCode != http.StatusNoContent ||
			e.IP == "" || e.AdditionalFields["erased"] != "true" {
			t.Errorf("the entry of the erasure is %+v", e)
		}

		// The caller's own first use is stored in a moment of its own.
		eventually(t, func() bool { return !owner(s).get(t, path("me")).user(t, http.StatusOK).LastSeenAt.IsZero() })
		erased := storetest.Dump(t, s.Store)
		owner(s).post(t, path(gone.user.ID, "erase"), nil).want(t, http.StatusNoContent)
		if diff := cmp.Diff(erased, storetest.Dump(t, s.Store)); diff != "" {
			t.Errorf("erasing again changed something:\n%s", diff)
		}
		if owner(s).get(t, path("bystander")).user(t, http.StatusOK).Name != "A Bystander" {
			t.Error("somebody else lost its name")
		}
		s.Stop()
		gone.searchFiles(t, s.Store.DataDir)
	})
}

func checkErasedUser(t *testing.T, got, was sdk.User, alias string) {
	t.Helper()
	want := sdk.User{
		ID: was.ID, Username: alias, Status: got.Status, LoginType: was.LoginType, OrganizationIDs: []uuid.UUID{},
		Roles: got.Roles, CreatedAt: was.CreatedAt, UpdatedAt: got.UpdatedAt, LastSeenAt: got.LastSeenAt,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the erased user (-want +got):\n%s", diff)
	}
}

// checkErasedEntries expects the same entries, without a target's name.
func checkErasedEntries(t *testing.T, before, after []sdk.AuditLog, alias string) {
	t.Helper()
	if len(before) != len(after) || len(before) < 5 {
		t.Fatalf("%d entries before, %d after", len(before), len(after))
	}
	for i, e := range after {
		if e.ID != before[i].ID || !e.Time.Equal(before[i].Time) || e.Action != before[i].Action || e.StatusCode != before[i].StatusCode ||
			len(e.Diff) != len(before[i].Diff) {
			t.Errorf("the entry is another one: %+v, %+v", before[i], e)
		}
		if e.ResourceTarget != "" && e.ResourceTarget != alias {
			t.Errorf("target %q", e.ResourceTarget)
		}
		if e.User != nil && e.User.Username == alias && (e.IP != "" || e.UserAgent != "") {
			t.Errorf("the address or program of an erased user is left: %+v", e)
		}
	}
}

// searchFiles looks for the words in every file of a directory, as raw bytes.
func (l life) searchFiles(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range l.words {
			if strings.Contains(strings.ToLower(string(text)), strings.ToLower(word)) {
				t.Errorf("%s still has %q", file.Name(), word)
			}
		}
	}
}

// TestEraseIsRefused to those who may not delete users, and for users who live.
func TestEraseIsRefused(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	live, gone := create(t, s, newUser("live")), create(t, s, newUser("gone"))
	owner(s).delete(t, path(gone.ID)).want(t, http.StatusOK)
	for _, role := range askers {
		asker := joinAs(t, s, role)
		want := map[string]int{"member": 404, "owner": 409, "user-admin": 409}[role]
		if want == 0 {
			want = http.StatusForbidden
		}
		a := asker.post(t, path(live.ID, "erase"), nil).want(t, want)
		if want == http.StatusForbidden {
			a.lacks(t, "user:delete", "role")
			asker.post(t, path(gone.ID, "erase"), nil).lacks(t, "user:delete", "role")
		}
		if want == http.StatusConflict {
			if e := entryOf(t, s, a); e.Action != "write" || e.StatusCode != http.StatusConflict || e.ResourceTarget != "live" || len(e.Diff) > 0 {
				t.Errorf("the refusal left %+v", e)
			}
		}
	}
	owner(s).post(t, path("gone", "erase"), nil).refused(t, http.StatusNotFound, notFound) // by its id only
	owner(s).post(t, path("me", "erase"), nil).refused(t, http.StatusConflict, "delete the user first")
	owner(s).post(t, path(uuid.New(), "erase"), nil).refused(t, http.StatusNotFound, notFound)
	guest(s).post(t, path(gone.ID, "erase"), nil).refused(t, http.StatusUnauthorized, signedOut)
	narrow := guest(s).as(mint(t, owner(s), "me", body{"scopes": []string{"user:read"}}))
	narrow.post(t, path(gone.ID, "erase"), nil).lacks(t, "user:delete", "scope")
	if got := owner(s).get(t, path(gone.ID)).user(t, http.StatusOK); got.Username != "gone" || got.Email != "gone@example.com" {
		t.Errorf("a refused erasure took %+v", got)
	}
}

// TestEraseWhoTookTheAlias: a user may have called itself what it is called
// after its erasure.
func TestEraseWhoTookTheAlias(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	user := create(t, s, robot("r2"))
	alias := "erased-" + strings.ReplaceAll(user.ID.String(), "-", "")[:16]
	mint(t, owner(s), user.ID, body{"token_name": "jawa-made"})
	owner(s).put(t, path(user.ID, "profile"), body{"username": alias}).want(t, http.StatusOK)
	owner(s).delete(t, path(user.ID)).want(t, http.StatusOK)
	owner(s).post(t, path(user.ID, "erase"), nil).want(t, http.StatusNoContent)
	if text := strings.Join(storetest.Dump(t, s.Store), "\n"); strings.Contains(text, "jawa-made") {
		t.Error("nothing was erased")
	}
}
