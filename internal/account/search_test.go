package account_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/internal/account"
)

// at reads a time of a test.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// TestUserSearchGrammar is users.md, section 5.3.1, step by step.
func TestUserSearchGrammar(t *testing.T) {
	t.Parallel()
	cases := []struct {
		step, query string
		want        account.UserSearch
	}{
		{"0: all", "", account.UserSearch{}},
		{"0: all", "   ", account.UserSearch{}},
		{"1: lower case", "SPECIALUser", account.UserSearch{Search: "specialuser"}},
		{"1: lower case", "STATUS:Active NAME:\"Ada L\"", account.UserSearch{Statuses: []account.UserStatus{"active"}, Name: "ada l"}},
		{"1: lower case as names are folded", "name:İsmail straße", account.UserSearch{Name: "i\u0307smail", Search: "strasse"}},
		{"2: spaces", "  a   b  ", account.UserSearch{Search: "a b"}},
		{"2: spaces in quotes", `name:"ada  lovelace"`, account.UserSearch{Name: "ada  lovelace"}},
		{"2: other white space is part of a name", "name:山田\u3000太郎", account.UserSearch{Name: "山田\u3000太郎"}},
		{"3: key and value", "name:ada", account.UserSearch{Name: "ada"}},
		{"3: quotes around both", `"name":"ada"`, account.UserSearch{Name: "ada"}},
		{"3: colon in quotes", `search:"a:b"`, account.UserSearch{Search: "a:b"}},
		{"3: bare colon in quotes", `"a:b"`, account.UserSearch{Search: "a:b"}},
		{"6: bare words", "ada lovelace", account.UserSearch{Search: "ada lovelace"}},
		{"6: bare words around a key", "ada status:active lovelace", account.UserSearch{
			Search: "ada lovelace", Statuses: []account.UserStatus{"active"},
		}},
		{"6: quoted bare words", `"ada lovelace"`, account.UserSearch{Search: "ada lovelace"}},
		{"6: an e-mail", "Ada@Example.com", account.UserSearch{Search: "ada@example.com"}},
		{"7: a list key twice", "status:active status:dormant", account.UserSearch{Statuses: []account.UserStatus{"active", "dormant"}}},
		{"9: empty values", `search:"" name:"" status:"" role:"" login_type:"" service_account:"" github_com_user_id:"" ` +
			`last_seen_before:"" last_seen_after:"" created_before:"" created_after:""`, account.UserSearch{}},
		{"10: no wildcards, no negation", `a%b_c*\ -d or`, account.UserSearch{Search: `a%b_c*\ -d or`}},
		{"11: an unbalanced quote", `name:"ada lovelace status:active`, account.UserSearch{Name: "ada lovelace status:active"}},
		{"11: an unbalanced bare quote", `"ada lovelace`, account.UserSearch{Search: "ada lovelace"}},
	}
	for _, c := range cases {
		got, err := account.ParseUserSearch(c.query)
		if err != nil {
			t.Errorf("%s: %q: %v", c.step, c.query, err)
		}
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %q (-want +got):\n%s", c.step, c.query, diff)
		}
	}
}

// TestUserSearchKeys is the table of keys of the same section.
func TestUserSearchKeys(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	cases := []struct {
		query string
		want  account.UserSearch
	}{
		{"search:x", account.UserSearch{Search: "x"}},
		{"name:x", account.UserSearch{Name: "x"}},
		{"status:active,suspended,dormant", account.UserSearch{Statuses: []account.UserStatus{"active", "suspended", "dormant"}}},
		{`status:"active, dormant"`, account.UserSearch{Statuses: []account.UserStatus{"active", "dormant"}}},
		{"status:,active,", account.UserSearch{Statuses: []account.UserStatus{"active"}}},
		{"role:owner", account.UserSearch{Roles: []string{"owner"}}},
		{"role:owner,auditor", account.UserSearch{Roles: []string{"auditor", "owner"}}},
		{"role:owner role:auditor role:owner", account.UserSearch{Roles: []string{"auditor", "owner"}}},
		{"role:no-such-role", account.UserSearch{Roles: []string{"no-such-role"}}},
		{"role:member", account.UserSearch{}},
		{"role:member,owner", account.UserSearch{Roles: []string{"owner"}}},
		{"login_type:password,github,oidc,token,none,oauth2_provider_app", account.UserSearch{
			LoginTypes: []account.LoginType{"password", "github", "oidc", "token", "none", "oauth2_provider_app"},
		}},
		{"login_type:none login_type:password", account.UserSearch{LoginTypes: []account.LoginType{"none", "password"}}},
		{"service_account:true", account.UserSearch{ServiceAccount: &yes}},
		{"service_account:1", account.UserSearch{ServiceAccount: &yes}},
		{"service_account:T", account.UserSearch{ServiceAccount: &yes}},
		{"service_account:false", account.UserSearch{ServiceAccount: &no}},
		{"service_account:0", account.UserSearch{ServiceAccount: &no}},
		{"service_account:f", account.UserSearch{ServiceAccount: &no}},
		{"github_com_user_id:9223372036854775807", account.UserSearch{GitHubUserID: 9223372036854775807}},
		{"github_com_user_id:0", account.UserSearch{}},
		{`last_seen_before:"2023-01-02T03:04:05Z"`, account.UserSearch{LastSeenBefore: at(t, "2023-01-02T03:04:05Z")}},
		{`last_seen_after:"2023-01-02t03:04:05.123456789z"`, account.UserSearch{LastSeenAfter: at(t, "2023-01-02T03:04:05.123456789Z")}},
		{`created_before:"2023-01-02T03:04:05+02:00"`, account.UserSearch{CreatedBefore: at(t, "2023-01-02T01:04:05Z")}},
		{`created_after:"2023-01-02T03:04:05-02:30"`, account.UserSearch{CreatedAfter: at(t, "2023-01-02T05:34:05Z")}},
		{`status:active last_seen_after:"2023-01-02T03:04:05Z" ada`, account.UserSearch{
			Search: "ada", Statuses: []account.UserStatus{"active"}, LastSeenAfter: at(t, "2023-01-02T03:04:05Z"),
		}},
		{"gmail name:x status:active role:owner login_type:none login_type:oidc", account.UserSearch{
			Search: "gmail", Name: "x", Statuses: []account.UserStatus{"active"}, Roles: []string{"owner"},
			LoginTypes: []account.LoginType{"none", "oidc"},
		}},
	}
	for _, c := range cases {
		got, err := account.ParseUserSearch(c.query)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
		}
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.query, diff)
		}
	}
}

// TestSearchForTheNeverSeen: a user who was never seen was last seen at the zero
// time, and the search for it is not the absence of a search.
func TestSearchForTheNeverSeen(t *testing.T) {
	t.Parallel()
	search, err := account.ParseUserSearch(`last_seen_before:"0001-01-01T00:00:00Z"`)
	if err != nil || search.LastSeenBefore.IsZero() {
		t.Fatalf("%v, %v; want a bound", search.LastSeenBefore, err)
	}
	if precise := search.LastSeenBefore.Truncate(time.Microsecond); !precise.Equal(time.Time{}) {
		t.Errorf("the bound is %v, to the microsecond", precise)
	}
}

// fault is one expected validation: its field, and what its detail must say.
type fault struct{ field, says string }

func checkFaults(t *testing.T, query string, err error, message string, want []fault) {
	t.Helper()
	var refusal *account.Error
	if !errors.As(err, &refusal) || refusal.Kind != account.KindInvalid || refusal.Message != message {
		t.Errorf("%q: %v, want it refused with %q", query, err, message)
		return
	}
	if len(refusal.Fields) != len(want) {
		t.Errorf("%q: %d faults %v, want %v", query, len(refusal.Fields), refusal.Fields, want)
		return
	}
	for i, got := range refusal.Fields {
		if got.Field != want[i].field || !strings.Contains(got.Detail, want[i].says) {
			t.Errorf("%q: fault %q: %q, want %q: …%s…", query, got.Field, got.Detail, want[i].field, want[i].says)
		}
	}
}

func TestUserSearchFaults(t *testing.T) {
	t.Parallel()
	const twice, unknown = "provided more than once", "is not a valid query param"
	cases := []struct {
		query string
		want  []fault
	}{
		{":x", []fault{{"q", ":x"}}},
		{"x:", []fault{{"q", "x:"}}},
		{":", []fault{{"q", ":"}}},
		{`"":x`, []fault{{"q", ":x"}}},
		{"a:b:c", []fault{{"q", "a:b:c"}}},
		{"::", []fault{{"q", "::"}}},
		{"name:a:", []fault{{"q", "name:a:"}}},
		{"created_before:2023-01-02T00:00:00Z", []fault{{"q", "double quotes"}}},
		{"search:a search:b", []fault{{"search", twice}}},
		{"a search:b", []fault{{"search", twice}}},
		{"name:a name:b", []fault{{"name", twice}}},
		{"service_account:true service_account:true", []fault{{"service_account", twice}}},
		{"github_com_user_id:1 github_com_user_id:1", []fault{{"github_com_user_id", twice}}},
		{`created_after:"2023-01-02T00:00:00Z" created_after:"2023-01-02T00:00:00Z"`, []fault{{"created_after", twice}}},
		{"colour:red", []fault{{"colour", unknown}}},
		{"colour:red colour:blue", []fault{{"colour", unknown}}},
		{`email:""`, []fault{{"email", unknown}}},
		{"status:away", []fault{{"status", "away"}}},
		{"status:active,away status:gone", []fault{{"status", "away"}, {"status", "gone"}}},
		{"login_type:saml", []fault{{"login_type", "saml"}}},
		{"service_account:yes", []fault{{"service_account", "yes"}}},
		{"github_com_user_id:one", []fault{{"github_com_user_id", "one"}}},
		{"github_com_user_id:9223372036854775808", []fault{{"github_com_user_id", "9223372036854775808"}}},
		{"last_seen_before:2023-01-02", []fault{{"last_seen_before", "2023-01-02"}}},
		{"last_seen_after:yesterday", []fault{{"last_seen_after", "yesterday"}}},
		{`created_before:"2023-13-02T00:00:00Z"`, []fault{{"created_before", "2023-13-02"}}},
		{`created_after:"2023-01-02 00:00:00"`, []fault{{"created_after", "2023-01-02 00:00:00"}}},
		{"\xff", []fault{{"q", "text"}}},
		{"a\x00b", []fault{{"q", "text"}}},
		{strings.Repeat("a", account.MaxSearchBytes+1), []fault{{"q", "4096 bytes"}}},
		{"a: :b c:d:e status:away name:a name:b colour:red size:xl", []fault{
			{"q", "a:"}, {"q", ":b"}, {"q", "c:d:e"}, {"name", twice}, {"status", "away"}, {"colour", unknown}, {"size", unknown},
		}},
	}
	for _, c := range cases {
		_, err := account.ParseUserSearch(c.query)
		checkFaults(t, c.query, err, "Invalid user search query.", c.want)
	}
	if _, err := account.ParseUserSearch(strings.Repeat("a", account.MaxSearchBytes)); err != nil {
		t.Errorf("the longest search: %v", err)
	}
}
