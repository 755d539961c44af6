package api_test

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

const (
	importPath = usersPath + "/import"
	// bcryptOf12 has the form of a bcrypt hash of cost 12.
	bcryptOf12 = "$2a$12$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// pbkdf2Sum is the last field of a hash by PBKDF2 with SHA-256.
func pbkdf2Sum(t *testing.T, password, salt string, rounds int) string {
	t.Helper()
	sum, err := pbkdf2.Key(sha256.New, password, []byte(salt), rounds, 32)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawStdEncoding.EncodeToString(sum)
}

func imported(username string) body {
	return body{"username": username, "email": username + "@example.com"}
}

// results posts an import and returns what became of each user.
func results(t *testing.T, c client, users ...any) []sdk.ImportResult {
	t.Helper()
	answer := c.post(t, importPath, body{"users": users}).want(t, http.StatusOK)
	return decode[sdk.ImportUsersResponse](t, answer).Results
}

// outcomes are the statuses, each with the fields that were found wrong.
func outcomes(list []sdk.ImportResult) []string {
	texts := []string{}
	for _, r := range list {
		text := string(r.Status)
		for _, v := range r.Validations {
			text += " " + v.Field
		}
		texts = append(texts, text)
	}
	return texts
}

// TestImportUsers: each user is created, found or refused for itself.
func TestImportUsers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	c := owner(s)
	c.post(t, usersPath, newUser("ann")).want(t, http.StatusCreated)
	hashed := func(name, hash string) body { return imported(name).but("password_hash", hash) }
	argon := func(costs string) string {
		return "$argon2id$v=19$" + costs + "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	}
	pbkdf2 := func(rounds int) string {
		return fmt.Sprintf("$pbkdf2-sha256$%d$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", rounds)
	}
	bcrypt := func(cost int) string { return fmt.Sprintf("$2b$%02d$", cost) + strings.Repeat("a", 53) }
	rows := []struct {
		user any
		want string
	}{
		{imported("plain"), "created"},
		{imported("PLAIN"), "refused"}, // in the same file
		{imported("Ann"), "exists"},
		{body{"username": "ann", "email": "other@example.com"}, "refused username"},
		{body{"username": "other", "email": "ANN@example.com"}, "refused email"},
		{body{"username": "owner-2", "email": "owner@example.com"}, "refused email"},
		{hashed("a1", argon("m=65536,t=10,p=1")), "created"},
		{hashed("a2", argon("m=65537,t=1,p=1")), "refused password_hash"},
		{hashed("a3", argon("m=8,t=11,p=1")), "refused password_hash"},
		{hashed("b1", bcrypt(14)), "created"},
		{hashed("b2", bcrypt(15)), "refused password_hash"},
		{hashed("p1", pbkdf2(2_000_000)), "created"},
		{hashed("p2", pbkdf2(2_000_001)), "refused password_hash"},
		{hashed("n1", "correct horse battery staple"), "refused password_hash"},
		{hashed("n2", bcrypt(14)).but("login_type", "github"), "refused password_hash"},
		{imported("gh").but("login_type", "github"), "created"},
		{imported("tok").but("login_type", "token"), "refused login_type"},
		{body{"username": "robot", "service_account": true}, "created"},
		{imported("robot-2").but("service_account", true), "refused"},
		{imported("suspended").but("status", "suspended"), "created"},
		{imported("gone").but("status", "gone"), "refused user_status"},
		{imported("with-role").but("roles", []string{"auditor"}), "created"},
		{imported("with-no-role").but("roles", []string{"emperor"}), "refused roles"},
		{imported("in-org").but("organizations", []string{"default", s.OrganizationID.String()}), "created"},
		{imported("no-org").but("organizations", []string{"nowhere"}), "refused organizations"},
		{imported("avatar").but("avatar_url", "javascript:alert(1)"), "refused avatar_url"},
		{body{"username": "b_b", "email": "nobody"}, "refused email username"},
		{imported("import"), "refused username"},
		{imported("old").but("created_at", "2019-05-06T07:08:09Z").but("last_seen_at", "2020-05-06T07:08:09Z"), "created"},
	}
	users, want := []any{}, []string{}
	for _, row := range rows {
		users, want = append(users, row.user), append(want, row.want)
	}

	trial := decode[sdk.ImportUsersResponse](t, c.post(t, importPath, body{"users": users, "dry_run": true}).want(t, http.StatusOK))
	tried := strings.Split(strings.ReplaceAll(strings.Join(outcomes(trial.Results), "|"), "valid", "created"), "|")
	if diff := cmp.Diff(want, tried); diff != "" {
		t.Errorf("a dry run (-want +got):\n%s", diff)
	}
	c.get(t, path("plain")).want(t, http.StatusNotFound)

	if diff := cmp.Diff(want, outcomes(results(t, c, users...))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	old := decode[sdk.User](t, c.get(t, path("old")).want(t, http.StatusOK))
	if !old.CreatedAt.Equal(time.Date(2019, 5, 6, 7, 8, 9, 0, time.UTC)) || !old.LastSeenAt.Equal(time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)) || old.Status != sdk.UserStatusDormant ||
		!cmp.Equal(old.OrganizationIDs, []uuid.UUID{s.OrganizationID}) {
		t.Errorf("an imported user is %+v", old)
	}
	again := outcomes(results(t, c, users...))
	for i := range want {
		if want[i] == "created" && again[i] != "exists" || strings.HasPrefix(want[i], "refused ") && again[i] != want[i] {
			t.Errorf("again, %v is %q", rows[i].user, again[i])
		}
	}
	log, err := s.Owner.AuditLogs(t.Context(), sdk.AuditLogsRequest{Search: "resource_type:user action:create resource_target:b1"})
	if err != nil || log.Count != 1 {
		t.Fatalf("%d entries about an imported user (%v)", log.Count, err)
	}
	if change := log.AuditLogs[0].Diff["hashed_password"]; !change.Secret || change.New != "" {
		t.Errorf("the entry says of the password: %+v", change)
	}
}

// TestImportedPasswordLogsIn, with a hash that another program made.
func TestImportedPasswordLogsIn(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	const (
		password = "correct horse battery staple"
		// Of that password, by PBKDF2 with 1000 rounds and the salt "somesalt".
		hash = "$pbkdf2-sha256$1000$c29tZXNhbHQ$"
	)
	made := hash + pbkdf2Sum(t, password, "somesalt", 1000)
	got := results(t, owner(s), imported("ida").but("password_hash", made))
	if got[0].Status != sdk.ImportStatusCreated || got[0].UserID == nil {
		t.Fatalf("imported: %+v", got)
	}
	guest(s).post(t, loginPath, credentials("ida@example.com", "wrong")).want(t, http.StatusUnauthorized)
	guest(s).post(t, loginPath, credentials("ida@example.com", password)).want(t, http.StatusCreated)
}

// TestImportIsRefused as a whole.
func TestImportIsRefused(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	member, admin := join(t, s, "member"), join(t, s, "admin", "user-admin")
	one := body{"users": []any{imported("newbie")}}
	withHash := body{"users": []any{imported("newbie").but("password_hash", "$2a$04$"+strings.Repeat("a", 53))}}
	tooMany := make([]any, 501)
	for i := range tooMany {
		tooMany[i] = imported(fmt.Sprintf("many-%d", i))
	}
	guest(s).post(t, importPath, one).want(t, http.StatusUnauthorized)
	member.post(t, importPath, one).want(t, http.StatusForbidden)
	admin.post(t, importPath, withHash).want(t, http.StatusForbidden)
	owner(s).post(t, importPath, body{"users": []any{}}).want(t, http.StatusBadRequest)
	owner(s).post(t, importPath, body{"users": tooMany}).want(t, http.StatusBadRequest)
	owner(s).post(t, importPath, body{"users": "no list"}).want(t, http.StatusBadRequest)
	narrow, err := s.Owner.CreateToken(t.Context(), sdk.Me, sdk.CreateTokenRequest{Scopes: []sdk.APIKeyScope{"user:read"}})
	if err != nil {
		t.Fatal(err)
	}
	guest(s).as(narrow.Key).post(t, importPath, one).want(t, http.StatusForbidden)
	owner(s).get(t, path("newbie")).want(t, http.StatusNotFound)

	role := body{"users": []any{imported("newbie"), imported("boss").but("roles", []string{"owner"})}}
	list := decode[sdk.ImportUsersResponse](t, admin.post(t, importPath, role).want(t, http.StatusOK)).Results
	if list[0].Status != sdk.ImportStatusCreated || list[1].Status != sdk.ImportStatusRefused || !strings.Contains(list[1].Detail, "assign_role:assign") {
		t.Errorf("a user-admin imports an owner: %+v", list)
	}
}

// TestImportsAtOnce: several import the same users at the same time. Each user is
// there once, and created for one of them.
func TestImportsAtOnce(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	users := sdk.ImportUsersRequest{}
	for i := range 60 {
		name := fmt.Sprintf("user-%d", i)
		users.Users = append(users.Users, sdk.ImportUser{Username: name, Email: name + "@example.com"})
	}
	var running sync.WaitGroup
	counts := make([]map[sdk.ImportStatus]int, 4)
	for n := range counts {
		running.Go(func() {
			counts[n] = map[sdk.ImportStatus]int{}
			answer, err := s.Owner.ImportUsers(context.WithoutCancel(t.Context()), users)
			if err != nil {
				t.Errorf("import: %v", err)
			}
			for _, r := range answer.Results {
				counts[n][r.Status]++
			}
		})
	}
	running.Wait()
	sum := map[sdk.ImportStatus]int{}
	for _, count := range counts {
		for status, n := range count {
			sum[status] += n
		}
	}
	if diff := cmp.Diff(map[sdk.ImportStatus]int{sdk.ImportStatusCreated: 60, sdk.ImportStatusExists: 180}, sum); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	page, err := s.Owner.Users(t.Context(), sdk.UsersRequest{Limit: 1, Search: "user-"})
	if err != nil || page.Count != 60 {
		t.Errorf("there are %d of them (%v)", page.Count, err)
	}
}
