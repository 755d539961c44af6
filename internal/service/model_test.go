package service_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/internal/store/storetest"
)

// model is what the use cases should know of some users and their keys, in the
// simplest way to say it.
type model struct {
	*world
	t     *rapid.T
	hour  int // the clock, in whole hours
	users []*modelUser
	keys  []*modelKey
}

type modelUser struct {
	id        uuid.UUID
	name      string
	roles     []string
	suspended bool
	deleted   bool
}

type modelKey struct {
	secret  secret.Redacted
	of      *modelUser
	scope   string
	session bool
	ends    int // the hour
	gone    bool
	rotated bool
}

// verdict is the answer to a request: what the actor is, or that there is none.
const none = "refused"

func (m *model) verdict(k *modelKey) string {
	if k.gone || k.of.deleted || k.of.suspended || m.hour >= k.ends {
		return none
	}
	return fmt.Sprint(k.of.name, k.of.roles, k.scope)
}

func (m *model) verdicts() map[*modelKey]string {
	all := map[*modelKey]string{}
	for _, k := range m.keys {
		all[k] = m.verdict(k)
	}
	return all
}

// ask is a request.
func (m *model) ask(k *modelKey) string {
	actor, err := m.Authenticate(m.t.Context(), k.secret, account.Origin{})
	if account.KindOf(err) == account.KindUnauthenticated {
		return none
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(actor.User.Username, actor.User.Roles, strings.Join(actor.Key.Scopes, " "))
}

// observation is what a request was answered; late, when it began after the
// change had been.
type observation struct {
	key  *modelKey
	saw  string
	late bool
}

// during makes a change and tells the model of it, while others keep sending
// requests. Those that began before the answer may see either state, those after
// it the new one only.
func (m *model) during(change func() error, apply func()) {
	before := m.verdicts()
	var answered atomic.Bool
	var readers sync.WaitGroup
	seen := make(chan []observation, 2)
	for range cap(seen) {
		keys := m.draw(3)
		readers.Go(func() { seen <- m.watch(keys, &answered) })
	}
	err := change()
	answered.Store(true)
	readers.Wait()
	if err != nil {
		m.t.Fatal(err)
	}
	apply()
	after := m.verdicts()
	for range cap(seen) {
		for _, o := range <-seen {
			if o.saw != after[o.key] && (o.late || o.saw != before[o.key]) {
				m.t.Fatalf("a request saw %q (late: %v); before it was %q, now it is %q", o.saw, o.late, before[o.key], after[o.key])
			}
		}
	}
}

// watch asks with each key in turn, and with each once more after the answer.
func (m *model) watch(keys []*modelKey, answered *atomic.Bool) []observation {
	var seen []observation
	for late := false; !late; {
		late = answered.Load()
		for _, k := range keys {
			seen = append(seen, observation{key: k, saw: m.ask(k), late: late})
		}
	}
	return seen
}

// draw picks keys, some of which may be gone.
func (m *model) draw(n int) []*modelKey {
	if len(m.keys) == 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.SampledFrom(m.keys), 1, n).Draw(m.t, "keys")
}

// check asks with every key.
func (m *model) check(t *rapid.T) {
	m.t = t
	for _, k := range m.keys {
		if got, want := m.ask(k), m.verdict(k); got != want {
			t.Fatalf("%s's key is answered %q, want %q", k.of.name, got, want)
		}
	}
}

// someone is a user that is not deleted.
func (m *model) someone() *modelUser {
	present := slices.DeleteFunc(slices.Clone(m.users), func(u *modelUser) bool { return u.deleted })
	if len(present) == 0 {
		m.t.Skip("nobody is there")
	}
	return rapid.SampledFrom(present).Draw(m.t, "user")
}

// some is a key that is there, for which also holds.
func (m *model) some(also func(*modelKey) bool) *modelKey {
	there := slices.DeleteFunc(slices.Clone(m.keys), func(k *modelKey) bool { return k.gone || k.of.deleted || !also(k) })
	if len(there) == 0 {
		m.t.Skip("there is no such key")
	}
	return rapid.SampledFrom(there).Draw(m.t, "key")
}

func anyKey(*modelKey) bool { return true }

func (m *model) add(k *modelKey, key secret.Key) {
	k.secret = secret.Redacted(key.Reveal())
	m.keys = append(m.keys, k)
}

// modelled makes user names that no run has used.
var modelled atomic.Int64

func (m *model) createUser(t *rapid.T) {
	m.t = t
	u := &modelUser{name: fmt.Sprintf("user-%d", modelled.Add(1)), roles: []string{}}
	n := service.NewUser{
		Username: u.name, Email: u.name + "@example.com", Password: password,
		Status: account.StatusActive, OrganizationIDs: []uuid.UUID{uuid.Nil},
	}
	m.during(func() error {
		created, err := m.CreateUser(t.Context(), m.owner, n, nil)
		u.id = created.ID
		return err
	}, func() { m.users = append(m.users, u) })
}

func (m *model) createToken(t *rapid.T) {
	m.t = t
	u := m.someone()
	hours := rapid.SampledFrom([]int{1, 5, 24 * 365}).Draw(t, "hours")
	scope := rapid.SampledFrom([]string{"coder:all", "user:read", "workspace:*"}).Draw(t, "scope")
	var key secret.Key
	m.during(func() (err error) {
		n := service.NewToken{Lifetime: time.Duration(hours) * time.Hour, Scopes: []string{scope}}
		key, err = m.CreateToken(t.Context(), m.owner, account.UserRef{ID: u.id}, n, nil)
		return err
	}, func() { m.add(&modelKey{of: u, scope: scope, ends: m.hour + hours}, key) })
}

func (m *model) login(t *rapid.T) {
	m.t = t
	u := m.someone()
	var key secret.Key
	m.during(func() (err error) {
		l := service.Login{Email: u.name + "@example.com", Password: password}
		key, err = m.Login(t.Context(), account.Anonymous(account.Origin{}), l, nil)
		if u.suspended == (account.KindOf(err) == account.KindUnauthenticated) {
			return nil
		}
		return fmt.Errorf("suspended %v, but: %w", u.suspended, err)
	}, func() {
		if !u.suspended {
			m.add(&modelKey{of: u, scope: "coder:all", session: true, ends: m.hour + 24}, key)
		}
	})
}

func (m *model) deleteKey(t *rapid.T) {
	m.t = t
	k := m.some(anyKey)
	m.during(func() error {
		return m.DeleteKey(t.Context(), m.owner, account.UserRef{Me: true}, keyID(k.secret))
	}, func() { k.gone = true })
}

func (m *model) expireKey(t *rapid.T) {
	m.t = t
	k := m.some(anyKey)
	m.during(func() error {
		return m.ExpireKey(t.Context(), m.owner, account.UserRef{Me: true}, keyID(k.secret))
	}, func() { k.ends = min(k.ends, m.hour) })
}

func (m *model) rotate(t *rapid.T) {
	m.t = t
	k := m.some(func(k *modelKey) bool { return !k.session && !k.rotated && m.hour < k.ends })
	overlap := rapid.IntRange(0, 6).Draw(t, "overlap")
	var rotation service.Rotation
	m.during(func() (err error) {
		rotation, err = m.RotateKey(t.Context(), m.owner, account.UserRef{Me: true}, keyID(k.secret), time.Duration(overlap)*time.Hour, nil)
		return err
	}, func() {
		lifetime := int(rotation.Key.Lifetime / time.Hour)
		m.add(&modelKey{of: k.of, scope: k.scope, ends: m.hour + lifetime}, rotation.Secret)
		k.rotated, k.ends = true, min(k.ends, m.hour+overlap)
	})
}

func (m *model) suspend(t *rapid.T) {
	m.t = t
	u := m.someone()
	m.during(func() error {
		_, err := m.SuspendUser(t.Context(), m.owner, account.UserRef{ID: u.id})
		return err
	}, func() { u.suspended = true })
}

func (m *model) activate(t *rapid.T) {
	m.t = t
	u := m.someone()
	m.during(func() error {
		_, err := m.ActivateUser(t.Context(), m.owner, account.UserRef{ID: u.id})
		return err
	}, func() { u.suspended = false })
}

func (m *model) deleteUser(t *rapid.T) {
	m.t = t
	u := m.someone()
	m.during(func() error {
		return m.DeleteUser(t.Context(), m.owner, account.UserRef{ID: u.id})
	}, func() { u.deleted = true })
}

// changePassword sets another password and then the usual one, for which the
// model has no more to remember.
func (m *model) changePassword(t *rapid.T) {
	m.t = t
	u := m.someone()
	m.during(func() error {
		for _, next := range []secret.Redacted{password + " another", password} {
			err := m.UpdatePassword(t.Context(), m.owner, account.UserRef{ID: u.id}, service.PasswordChange{New: next}, nil)
			if err != nil {
				return err
			}
		}
		return nil
	}, func() {
		for _, k := range m.keys {
			k.gone = k.gone || k.of == u
		}
	})
}

func (m *model) changeRoles(t *rapid.T) {
	m.t = t
	u := m.someone()
	assignable := []string{account.RoleAuditor, account.RoleTemplateAdmin, account.RoleUserAdmin}
	roles := rapid.SliceOfDistinct(rapid.SampledFrom(assignable), rapid.ID).Draw(t, "roles")
	m.during(func() error {
		_, err := m.UpdateRoles(t.Context(), m.owner, account.UserRef{ID: u.id}, roles, nil)
		return err
	}, func() { u.roles = slices.Sorted(slices.Values(roles)) })
}

func (m *model) rename(t *rapid.T) {
	m.t = t
	u := m.someone()
	name := fmt.Sprintf("user-%d", modelled.Add(1))
	m.during(func() error {
		ref := account.UserRef{ID: u.id}
		if _, err := m.UpdateEmail(t.Context(), m.owner, ref, name+"@example.com", nil); err != nil {
			return err
		}
		_, err := m.UpdateProfile(t.Context(), m.owner, ref, service.Profile{Username: name}, nil)
		return err
	}, func() { u.name = name })
}

func (m *model) purge(t *rapid.T) {
	m.t = t
	m.during(func() error { return m.PurgeKeys(t.Context()) }, func() {
		for _, k := range m.keys {
			k.gone = k.gone || m.hour-k.ends >= 7*24
		}
	})
}

func (m *model) wait(t *rapid.T) {
	m.t = t
	hours := rapid.SampledFrom([]int{1, 3, 25, 200}).Draw(t, "hours")
	m.clock.advance(time.Duration(hours) * time.Hour)
	m.hour += hours
}

// TestAgainstModel drives random sequences of changes, with requests under way
// all the time, and holds every answer to the model.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		budget := 4 * time.Second
		if db.DatabaseURL != "" {
			budget = 3 * time.Second
		}
		w := open(t, db, still)
		w.clock.tick = time.Microsecond // so that what has ended is over at the next look
		w.begin(t)
		begin, runs, steps := time.Now(), 0, 0
		rapid.Check(t, func(t *rapid.T) {
			if time.Since(begin) > budget {
				return
			}
			m := &model{world: w}
			m.createUser(t)
			m.createUser(t)
			runs++
			changes := map[string]func(*rapid.T){
				"create user": m.createUser, "create token": m.createToken, "another token": m.createToken, "log in": m.login,
				"delete key": m.deleteKey, "expire key": m.expireKey, "rotate key": m.rotate,
				"suspend": m.suspend, "activate": m.activate, "activate again": m.activate, "delete user": m.deleteUser,
				"change password": m.changePassword, "change roles": m.changeRoles, "rename": m.rename,
				"purge": m.purge, "wait": m.wait, "": m.check,
			}
			for name, change := range maps.Clone(changes) {
				changes[name] = func(t *rapid.T) { steps++; change(t) }
			}
			t.Repeat(changes)
		})
		t.Logf("%d steps in %d runs", steps, runs)
	})
}
