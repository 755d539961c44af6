package service_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// keyFile is a key file that the test changes.
type keyFile struct {
	mu   sync.Mutex
	text string
}

func (f *keyFile) read() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte(f.text), nil
}

// add puts a new key before the others and returns its id.
func (f *keyFile) add() string {
	id, line := secret.NewSealingKey()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = line.Reveal() + f.text
	return id
}

func (f *keyFile) set(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = text
}

func (f *keyFile) get() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text
}

// sealing gives a world the keys of a file, as they are now.
func sealing(t testing.TB, f *keyFile) func(*service.Config) {
	t.Helper()
	sealer, err := secret.NewSealer(f.read)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *service.Config) {
		c.Sealer, c.SSHKeys = sealer, secret.NewSSHKeyMaker(secret.SSHEd25519)
	}
}

// node is another node on the same database, which has read the file just now.
func (w *world) node(t testing.TB, f *keyFile) *service.Service {
	t.Helper()
	cfg := w.cfg
	sealing(t, f)(&cfg)
	other := service.New(cfg)
	t.Cleanup(other.Close)
	return other
}

// sealed is a world with a key file that has been claimed.
func sealed(t *testing.T, db store.Config) (*world, *keyFile, string) {
	t.Helper()
	f := &keyFile{}
	id := f.add()
	w := open(t, db, sealing(t, f))
	if err := w.ClaimEncryption(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.begin(t)
	return w, f, id
}

// self is an actor of a user with an unrestricted key.
func (w *world) self(t testing.TB, u account.User) *account.Actor {
	t.Helper()
	return w.use(t, w.login(t, u.Email))
}

func (w *world) sshKey(t testing.TB, u account.User) account.GitSSHKey {
	t.Helper()
	key, err := w.GitSSHKey(t.Context(), w.owner, byID(u))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sealedWith returns the id of the key that sealed a user's private half.
func (w *world) sealedWith(t testing.TB, u account.User) string {
	t.Helper()
	key, err := w.Store.Direct().GitSSHKey(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return secret.SealedWith(key.SealedPrivateKey)
}

var me = account.UserRef{Me: true}

// Of many nodes that start at once with files of their own, one decides which
// key is the deployment's; the others are told which they lack.
func TestClaimEncryption(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		first := &keyFile{}
		first.add()
		w := open(t, db, sealing(t, first))
		const n = 6
		files, errs := make([]*keyFile, n), make([]error, n)
		ids := make([]string, n)
		var group sync.WaitGroup
		for i := range n {
			files[i] = &keyFile{}
			ids[i] = files[i].add()
			node := w.node(t, files[i])
			group.Go(func() { errs[i] = node.ClaimEncryption(t.Context()) })
		}
		group.Wait()
		check, err := w.Store.Direct().EncryptionCheck(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		winner := secret.SealedWith(check)
		for i := range n {
			failure, refused := errors.AsType[*service.UnsealableError](errs[i])
			if refused == (ids[i] == winner) || refused && failure.KeyID != winner {
				t.Errorf("key %s of %s: %v", ids[i], winner, errs[i])
			}
		}
		// Later it is the same: the winner's file opens, also as a second line.
		file := files[slices.Index(ids, winner)]
		file.add()
		if err := w.node(t, file).ClaimEncryption(t.Context()); err != nil {
			t.Error(err)
		}
		if err := w.ClaimEncryption(t.Context()); err == nil {
			t.Error("a node without the key was let in")
		}
		// Other bytes under the right id are found out too.
		_, key, _ := strings.Cut(first.get(), " ")
		impostor := &keyFile{text: winner + " " + key}
		if err := w.node(t, impostor).ClaimEncryption(t.Context()); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("another key of the same id: %v", err)
		}
	})
}

func TestReloadEncryptionKeys(t *testing.T) {
	t.Parallel()
	w, f, id := sealed(t, storetest.Database(t))
	newer := f.add()
	wantKind(t, w.ReloadEncryptionKeys(t.Context()), "")
	if got := w.Sealer.Keyring().Current(); got != newer {
		t.Errorf("%s seals, want %s", got, newer)
	}
	// Somebody removed the old key too early.
	line, _, _ := strings.Cut(f.get(), "\n")
	f.set(line)
	err := w.ReloadEncryptionKeys(t.Context())
	if failure, ok := errors.AsType[*service.UnsealableError](err); !ok || failure.KeyID != id {
		t.Errorf("got %v", err)
	}
	if ids := w.Sealer.Keyring().IDs(); !slices.Equal(ids, []string{newer, id}) {
		t.Errorf("the keys are %v", ids)
	}
}

func TestRotateEncryption(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w, f, id := sealed(t, db)
		ada, ben := w.user(t, "ada"), w.user(t, "ben")
		actor := w.self(t, ada)
		w.sshKey(t, ada)
		w.sshKey(t, ben)
		before, err := w.GitSSHPrivateKey(t.Context(), actor, me)
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, w.DeleteUser(t.Context(), w.owner, byID(ben)), "")

		newer := f.add()
		got, err := w.node(t, f).RotateEncryption(t.Context(), false)
		want := service.EncryptionRotation{KeyID: newer, Others: []string{id}, Resealed: 2}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		for _, u := range []account.User{ada, ben} { // the key of a deleted user, too
			if with := w.sealedWith(t, u); with != newer {
				t.Errorf("%s: sealed with %s", u.Username, with)
			}
		}
		// The old line goes, and everything opens, on a node that has not read the
		// file since, too.
		line, _, _ := strings.Cut(f.get(), "\n")
		f.set(line)
		wantKind(t, w.node(t, f).ClaimEncryption(t.Context()), "")
		if after, err := w.GitSSHPrivateKey(t.Context(), actor, me); err != nil || after != before {
			t.Errorf("the private half has changed (%v)", err)
		}
		entries := w.entries(t, "resource_type:encryption_key")
		if len(entries) != 2 {
			t.Fatalf("%d entries, want 2", len(entries))
		}
		adopted, done := entries[1], entries[0]
		if diff := cmp.Diff(account.Diff{"key_id": {Old: id, New: newer}}, adopted.Diff); diff != "" || adopted.Target != newer {
			t.Errorf("%s, target %s", diff, adopted.Target)
		}
		if done.Additional["resealed"] != "2" || done.Additional["discarded"] != "0" || done.Additional["automatic_subsystem"] != "offline" ||
			done.ActorID != uuid.Nil || done.Description() != "{user} updated encryption key {target}" {
			t.Errorf("%+v", done)
		}

		// A second time there is nothing to do, and nothing to tell.
		got, err = w.node(t, f).RotateEncryption(t.Context(), false)
		if diff := cmp.Diff(service.EncryptionRotation{KeyID: newer, Others: []string{}}, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if n := len(w.entries(t, "resource_type:encryption_key")); n != 2 {
			t.Errorf("%d entries after nothing was done", n)
		}
	})
}

// A node that has not heard of a rotation never seals with the key that the
// rotation is about to make useless.
func TestAStaleNodeSealsWithTheNewKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w, f, id := sealed(t, db)
		ada, ben, cat := w.user(t, "ada"), w.user(t, "ben"), w.user(t, "cat")
		w.sshKey(t, ada)
		newer := f.add()
		w.sshKey(t, ben)
		if got := w.sealedWith(t, ben); got != id {
			t.Errorf("before the rotation %s seals, want %s", got, id)
		}
		if _, err := w.node(t, f).RotateEncryption(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		w.sshKey(t, cat)
		for _, u := range []account.User{ada, ben, cat} {
			if got := w.sealedWith(t, u); got != newer {
				t.Errorf("%s: sealed with %s, want %s", u.Username, got, newer)
			}
		}
	})
}

// Keys are made while a rotation runs, and by nodes that know even newer keys.
func TestRotationUnderTraffic(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w, f, _ := sealed(t, db)
		const n = 12
		users := make([]account.User, n)
		for i := range users {
			users[i] = w.user(t, fmt.Sprintf("user%d", i))
		}
		rotating := w.node(t, f)
		stop := make(chan struct{})
		var traffic sync.WaitGroup
		for i := range 3 {
			traffic.Go(func() {
				for k := i; ; k += 3 {
					select {
					case <-stop:
						return
					default:
					}
					_, err := w.RegenerateGitSSHKey(t.Context(), w.owner, byID(users[k%n]))
					if err != nil && account.KindOf(err) != account.KindUnavailable {
						t.Error(err)
						return
					}
				}
			})
		}
		for range 5 {
			f.add()
			untilAvailable(t, func() error { return rotating.ReloadEncryptionKeys(t.Context()) })
			untilAvailable(t, func() error {
				_, err := rotating.RotateEncryption(t.Context(), false)
				return err
			})
		}
		close(stop)
		traffic.Wait()
		// Nothing that was sealed on the way needs another key than the last.
		line, _, _ := strings.Cut(f.get(), "\n")
		f.set(line)
		alone := w.node(t, f)
		left, err := alone.RotateEncryption(t.Context(), false)
		if err != nil || left.Unreadable != 0 || left.Resealed != 0 {
			t.Errorf("after the old keys are gone: %+v, %v", left, err)
		}
	})
}

// untilAvailable does again what a database under contention gave up.
func untilAvailable(t *testing.T, do func() error) {
	t.Helper()
	for {
		err := do()
		if account.KindOf(err) != account.KindUnavailable {
			wantKind(t, err, "")
			return
		}
	}
}

// More keys than a batch holds.
func TestRotationInBatches(t *testing.T) {
	t.Parallel()
	w, f, _ := sealed(t, storetest.Database(t))
	const n = 450
	ring := w.Sealer.Keyring()
	err := w.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for i := range n {
			u := account.User{
				ID: uuid.New(), Username: fmt.Sprintf("u%d", i), Email: fmt.Sprintf("u%d@example.com", i),
				Status: account.StatusActive, LoginType: account.LoginNone,
			}
			if err := tx.InsertUser(ctx, u, ""); err != nil {
				return err
			}
			text, err := ring.Seal("git_ssh_keys/"+u.ID.String(), "x")
			if err != nil {
				return err
			}
			key := store.GitSSHKey{GitSSHKey: account.GitSSHKey{UserID: u.ID, PublicKey: "p"}, SealedPrivateKey: text}
			if err := tx.PutGitSSHKey(ctx, key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	newer := f.add()
	got, err := w.node(t, f).RotateEncryption(t.Context(), false)
	if err != nil || got.Resealed != n || got.KeyID != newer {
		t.Errorf("%+v, %v", got, err)
	}
	// An interrupted rotation goes on where it was: nothing is sealed twice.
	if got, err = w.node(t, f).RotateEncryption(t.Context(), false); err != nil || got.Resealed != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestALostKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		w, _, id := sealed(t, db)
		ada, ben := w.user(t, "ada"), w.user(t, "ben")
		old := w.sshKey(t, ada)

		other := &keyFile{}
		replacement := other.add()
		node := w.node(t, other)
		_, err := node.RotateEncryption(t.Context(), false)
		if failure, ok := errors.AsType[*service.UnsealableError](err); !ok || failure.KeyID != id {
			t.Fatalf("a rotation without the key: %v", err)
		}
		if got := w.sealedWith(t, ada); got != id || len(w.entries(t, "resource_type:encryption_key")) != 0 {
			t.Errorf("something has changed: sealed with %s", got)
		}

		got, err := node.RotateEncryption(t.Context(), true)
		want := service.EncryptionRotation{KeyID: replacement, Others: []string{}, Discarded: 1}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		wantKind(t, node.ClaimEncryption(t.Context()), "")
		entries := w.entries(t, "resource_type:git_ssh_key action:delete")
		if len(entries) != 1 || entries[0].ResourceID != ada.ID || entries[0].Target != strings.TrimSpace(old.PublicKey) {
			t.Errorf("%+v", entries)
		}
		// A new key is made when somebody asks, and the old one is not it.
		fresh, err := node.GitSSHKey(t.Context(), w.owner, byID(ada))
		if err != nil || fresh.PublicKey == old.PublicKey || w.sealedWith(t, ada) != replacement {
			t.Errorf("%+v, %v", fresh, err)
		}
		// A node that still has the lost key cannot seal any more, and says so.
		if _, err := w.GitSSHKey(t.Context(), w.owner, byID(ben)); err == nil || account.KindOf(err) != account.KindInternal {
			t.Errorf("got %v", err)
		}
	})
}

// Some values are damaged, or of a key that was removed too early, while the
// check value is fine.
func TestUnreadableValuesAreCounted(t *testing.T) {
	t.Parallel()
	w, f, id := sealed(t, storetest.Database(t))
	ada, ben, cat := w.user(t, "ada"), w.user(t, "ben"), w.user(t, "cat")
	for _, u := range []account.User{ada, ben, cat} {
		w.sshKey(t, u)
	}
	err := w.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := tx.ResealGitSSHKey(ctx, ada.ID, secret.SealedPrefix("gone")+"AAAA"); err != nil {
			return err
		}
		moved, err := tx.GitSSHKey(ctx, cat.ID)
		if err != nil {
			return err
		}
		return tx.ResealGitSSHKey(ctx, ben.ID, moved.SealedPrivateKey)
	})
	if err != nil {
		t.Fatal(err)
	}
	// Nobody sees the key of somebody else by moving a row.
	if _, err := w.GitSSHPrivateKey(t.Context(), w.self(t, ben), me); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("a moved value: %v", err)
	}
	newer := f.add()
	got, err := w.node(t, f).RotateEncryption(t.Context(), false)
	slices.Sort(got.Missing)
	missing := []string{"gone", id}
	slices.Sort(missing)
	want := service.EncryptionRotation{KeyID: newer, Others: []string{id}, Resealed: 1, Unreadable: 2, Missing: missing}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	got, err = w.node(t, f).RotateEncryption(t.Context(), true)
	want = service.EncryptionRotation{KeyID: newer, Others: []string{id}, Discarded: 2}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := w.GitSSHPrivateKey(t.Context(), w.self(t, cat), me); err != nil {
		t.Errorf("the one that was good: %v", err)
	}
}
