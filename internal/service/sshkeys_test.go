package service_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// Of many who ask for the first time at once, all get the one key, and one entry
// tells of it.
func TestFirstSSHKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w, _, _ := sealed(t, db)
		ada := w.user(t, "ada")
		if _, err := w.Store.Direct().GitSSHKey(t.Context(), ada.ID); account.KindOf(err) != account.KindNotFound {
			t.Fatalf("a key before anybody asked: %v", err)
		}
		self := w.self(t, ada)
		const n = 12
		keys, errs := make([]account.GitSSHKey, n), make([]error, n)
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() {
				switch i % 3 {
				case 0:
					keys[i], errs[i] = w.GitSSHKey(t.Context(), self, me)
				case 1:
					keys[i], errs[i] = w.GitSSHKey(t.Context(), w.owner, byID(ada))
				case 2:
					if _, errs[i] = w.GitSSHPrivateKey(t.Context(), self, me); errs[i] == nil {
						keys[i], errs[i] = w.GitSSHKey(t.Context(), self, me)
					}
				}
			})
		}
		group.Wait()
		for i := range n {
			if diff := cmp.Diff(keys[0], keys[i]); errs[i] != nil || diff != "" {
				t.Errorf("caller %d (%v, -first +this):\n%s", i, errs[i], diff)
			}
		}
		entries := w.entries(t, "resource_type:git_ssh_key action:create")
		if len(entries) != 1 {
			t.Fatalf("%d entries, want 1", len(entries))
		}
		e := entries[0]
		want := account.Diff{
			"user_id": {Old: "", New: ada.ID.String()}, "public_key": {Old: "", New: keys[0].PublicKey},
			"private_key": {Old: "", New: "", Secret: true},
		}
		if diff := cmp.Diff(want, e.Diff); diff != "" || e.Target != strings.TrimSpace(keys[0].PublicKey) ||
			e.ResourceID != ada.ID || e.Outcome != account.OutcomeOK {
			t.Errorf("%+v\n%s", e, diff)
		}
	})
}

func TestRegenerateSSHKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w, _, _ := sealed(t, db)
		ada, ben := w.user(t, "ada"), w.user(t, "ben")
		self := w.self(t, ada)
		first := w.sshKey(t, ada)
		oldPrivate, err := w.GitSSHPrivateKey(t.Context(), self, me)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.advance(time.Hour)
		second, err := w.RegenerateGitSSHKey(t.Context(), self, me)
		if err != nil || second.PublicKey == first.PublicKey || !second.CreatedAt.Equal(first.CreatedAt) ||
			!second.UpdatedAt.Equal(w.clock.Now()) || second.UserID != ada.ID {
			t.Errorf("from %+v to %+v, %v", first, second, err)
		}
		if diff := cmp.Diff(second, w.sshKey(t, ada)); diff != "" {
			t.Error(diff)
		}
		private, err := w.GitSSHPrivateKey(t.Context(), self, me)
		if err != nil || private == oldPrivate {
			t.Errorf("the private half is the old one (%v)", err)
		}
		checkPair(t, second.PublicKey, private)
		entry := w.entries(t, "resource_type:git_ssh_key action:write")[0]
		want := account.Diff{
			"public_key":  {Old: first.PublicKey, New: second.PublicKey},
			"private_key": {Old: "", New: "", Secret: true},
		}
		if diff := cmp.Diff(want, entry.Diff); diff != "" || entry.Target != strings.TrimSpace(second.PublicKey) || entry.ActorID != ada.ID {
			t.Errorf("%+v\n%s", entry, diff)
		}

		// Without a key before, it makes the first, and is a write all the same.
		made, err := w.RegenerateGitSSHKey(t.Context(), w.owner, byID(ben))
		if err != nil || !made.CreatedAt.Equal(w.clock.Now()) || made.UserID != ben.ID {
			t.Errorf("%+v, %v", made, err)
		}
		if n := len(w.entries(t, "resource_type:git_ssh_key action:write")); n != 2 {
			t.Errorf("%d entries, want 2", n)
		}
	})
}

func checkPair(t *testing.T, public string, private secret.Redacted) {
	t.Helper()
	signer, err := ssh.ParsePrivateKey([]byte(private.Reveal()))
	if err != nil {
		t.Fatal("the private half cannot be read")
	}
	if got := string(ssh.MarshalAuthorizedKey(signer.PublicKey())); got != public {
		t.Errorf("the private half is of %q, want %q", got, public)
	}
}

// What was refused leaves an entry where it would have left one, and no key.
func TestRefusedSSHKeys(t *testing.T) {
	t.Parallel()
	w, _, _ := sealed(t, storetest.Database(t))
	ada, auditor := w.user(t, "ada"), w.user(t, "auditor", account.RoleAuditor)
	reader := w.self(t, auditor)
	count := func(q string) int { return len(w.entries(t, "resource_type:git_ssh_key "+q)) }

	_, err := w.GitSSHKey(t.Context(), reader, byID(ada))
	wantKind(t, err, account.KindForbidden)
	if n := count(""); n != 0 {
		t.Errorf("a refused look left %d entries", n)
	}
	_, err = w.RegenerateGitSSHKey(t.Context(), reader, byID(ada))
	wantKind(t, err, account.KindForbidden)
	_, err = w.GitSSHPrivateKey(t.Context(), w.owner, byID(ada))
	wantKind(t, err, account.KindForbidden)
	for _, action := range []string{"write", "open"} {
		entries := w.entries(t, "resource_type:git_ssh_key action:"+action)
		if len(entries) != 1 || entries[0].Outcome != account.OutcomeOf(account.Forbidden("")) || len(entries[0].Diff) != 0 ||
			entries[0].ResourceID != ada.ID || entries[0].Target != "" {
			t.Errorf("%s: %+v", action, entries)
		}
	}
	if _, err := w.Store.Direct().GitSSHKey(t.Context(), ada.ID); account.KindOf(err) != account.KindNotFound {
		t.Errorf("a refusal made a key: %v", err)
	}
	// Who may not know of the user learns and leaves nothing.
	stranger := w.self(t, w.user(t, "stranger"))
	for name, do := range map[string]func() error{
		"read":       func() error { _, err := w.GitSSHKey(t.Context(), stranger, byID(ada)); return err },
		"regenerate": func() error { _, err := w.RegenerateGitSSHKey(t.Context(), stranger, byID(ada)); return err },
		"private":    func() error { _, err := w.GitSSHPrivateKey(t.Context(), stranger, byID(ada)); return err },
	} {
		if err := do(); account.KindOf(err) != account.KindNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := count(""); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

// The private half is for a key without limits only, also where its owner asks.
func TestPrivateSSHKeyNeedsAnUnrestrictedKey(t *testing.T) {
	t.Parallel()
	w, _, _ := sealed(t, storetest.Database(t))
	ada := w.user(t, "ada")
	personal := []string{"user:read", "user:read_personal", "user:update_personal"}
	for name, tt := range map[string]struct {
		token service.NewToken
		want  account.Kind
		lack  string
	}{
		"everything":    {service.NewToken{}, "", ""},
		"scopes":        {service.NewToken{Scopes: personal}, account.KindForbidden, "scopes"},
		"an allow list": {service.NewToken{AllowList: [][2]string{{"user", ada.ID.String()}}}, account.KindForbidden, "allow list"},
	} {
		actor := w.use(t, w.token(t, ada, tt.token))
		_, err := w.GitSSHPrivateKey(t.Context(), actor, me)
		if account.KindOf(err) != tt.want || err != nil && !strings.Contains(asError(err).Detail, tt.lack) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.GitSSHKey(t.Context(), actor, me); err != nil {
			t.Errorf("%s: the public half: %v", name, err)
		}
	}
}

// A look at the private half is not given out unless it is in the audit log.
func TestEachLookAtAPrivateSSHKeyIsAudited(t *testing.T) {
	t.Parallel()
	w, _, _ := sealed(t, storetest.Database(t))
	ada := w.user(t, "ada")
	self := w.self(t, ada)
	for range 3 {
		if _, err := w.GitSSHPrivateKey(t.Context(), self, me); err != nil {
			t.Fatal(err)
		}
	}
	key := w.sshKey(t, ada)
	entries := w.entries(t, "resource_type:git_ssh_key action:open")
	if len(entries) != 3 {
		t.Fatalf("%d entries, want 3", len(entries))
	}
	e := entries[0]
	if e.ActorID != ada.ID || e.ResourceID != ada.ID || e.Target != strings.TrimSpace(key.PublicKey) || len(e.Diff) != 0 ||
		e.Description() != "{user} opened git ssh key" {
		t.Errorf("%+v", e)
	}
}

// The key of a deleted user stays in the database, out of reach.
func TestSSHKeyOfADeletedUser(t *testing.T) {
	t.Parallel()
	w, _, _ := sealed(t, storetest.Database(t))
	ada := w.user(t, "ada")
	key := w.sshKey(t, ada)
	wantKind(t, w.DeleteUser(t.Context(), w.owner, byID(ada)), "")
	_, err := w.GitSSHKey(t.Context(), w.owner, byID(ada))
	wantKind(t, err, account.KindNotFound)
	_, err = w.RegenerateGitSSHKey(t.Context(), w.owner, byID(ada))
	wantKind(t, err, account.KindNotFound)
	stored, err := w.Store.Direct().GitSSHKey(t.Context(), ada.ID)
	if diff := cmp.Diff(key, stored.GitSSHKey); err != nil || diff != "" {
		t.Errorf("the row (%v):\n%s", err, diff)
	}
}

// A service account has one like everybody.
func TestSSHKeyOfAServiceAccount(t *testing.T) {
	t.Parallel()
	w, _, _ := sealed(t, storetest.Database(t))
	robot := w.robot(t, "robot")
	actor := w.use(t, w.token(t, robot, service.NewToken{}))
	private, err := w.GitSSHPrivateKey(t.Context(), actor, me)
	if err != nil {
		t.Fatal(err)
	}
	checkPair(t, w.sshKey(t, robot).PublicKey, private)
}

// Nothing is stored where the key cannot be sealed.
func TestNoSSHKeyWithoutSealing(t *testing.T) {
	t.Parallel()
	w, _, _ := sealed(t, storetest.Database(t))
	ada := w.user(t, "ada")
	f := &keyFile{}
	f.add()
	node := w.node(t, f) // of another deployment
	if _, err := node.GitSSHKey(t.Context(), w.owner, byID(ada)); err == nil {
		t.Error("a key was sealed with a key that the deployment does not know")
	}
	if _, err := w.Store.Direct().GitSSHKey(t.Context(), ada.ID); account.KindOf(err) != account.KindNotFound {
		t.Errorf("a key is there: %v", err)
	}
}
