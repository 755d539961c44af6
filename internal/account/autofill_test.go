package account_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/account"
)

// given are values of a build that are not ephemeral: names and values by turns.
func given(pairs ...string) []account.BuildParameter {
	list := []account.BuildParameter{}
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, account.BuildParameter{Parameter: account.Parameter{Name: pair[0], Value: pair[1]}})
	}
	return list
}

func many(n int) []account.BuildParameter {
	list := []account.BuildParameter{}
	for i := range n {
		list = append(list, given(strconv.Itoa(i), "")...)
	}
	return list
}

func TestBuildCheck(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		edit func(*account.Build)
		want []string
	}{
		"a start":               {func(*account.Build) {}, nil},
		"a stop":                {func(b *account.Build) { b.Transition = "stop" }, nil},
		"a deletion":            {func(b *account.Build) { b.Transition = "delete" }, nil},
		"another transition":    {func(b *account.Build) { b.Transition = "restart" }, []string{"transition"}},
		"no template":           {func(b *account.Build) { b.TemplateID = uuid.Nil }, []string{"template_id"}},
		"a minute ahead":        {func(b *account.Build) { b.CreatedAt = now.Add(time.Minute) }, nil},
		"more ahead":            {func(b *account.Build) { b.CreatedAt = now.Add(time.Minute + 1) }, []string{"created_at"}},
		"long ago":              {func(b *account.Build) { b.CreatedAt = time.Time{}.Add(1) }, nil},
		"before all years":      {func(b *account.Build) { b.CreatedAt = time.Time{}.Add(-1) }, []string{"created_at"}},
		"no values":             {func(b *account.Build) { b.Parameters = given() }, nil},
		"no list":               {func(b *account.Build) { b.Parameters = nil }, []string{"parameters"}},
		"256 values":            {func(b *account.Build) { b.Parameters = many(256) }, nil},
		"257 values":            {func(b *account.Build) { b.Parameters = many(257) }, []string{"parameters"}},
		"the longest":           {func(b *account.Build) { b.Parameters = given(strings.Repeat("n", 128), strings.Repeat("v", 8192)) }, nil},
		"a longer name":         {func(b *account.Build) { b.Parameters = given(strings.Repeat("ä", 64)+"x", "") }, []string{"parameters"}},
		"a longer value":        {func(b *account.Build) { b.Parameters = given("n", strings.Repeat("v", 8193)) }, []string{"parameters"}},
		"no name":               {func(b *account.Build) { b.Parameters = given("", "v") }, []string{"parameters"}},
		"a name of two lines":   {func(b *account.Build) { b.Parameters = given("a\nb", "v") }, []string{"parameters"}},
		"a value of two lines":  {func(b *account.Build) { b.Parameters = given("n", "a\n\tb") }, nil},
		"a value with NUL":      {func(b *account.Build) { b.Parameters = given("n", "\x00") }, []string{"parameters"}},
		"a value that no text":  {func(b *account.Build) { b.Parameters = given("n", "\xff") }, []string{"parameters"}},
		"a name twice":          {func(b *account.Build) { b.Parameters = given("n", "1", "n", "2") }, []string{"parameters"}},
		"names that differ":     {func(b *account.Build) { b.Parameters = given("n", "1", "N", "2") }, nil},
		"each fault of a value": {func(b *account.Build) { b.Parameters = given("", "", "ok", "", "", "") }, []string{"parameters", "parameters"}},
		"everything bad": {
			func(b *account.Build) { *b = account.Build{CreatedAt: now.Add(time.Hour)} },
			[]string{"template_id", "transition", "created_at", "parameters"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := account.Build{TemplateID: someID(1), Transition: "start", CreatedAt: now, Parameters: given("n", "v")}
			test.edit(&b)
			if got := faulty(b.Check(now)); !slices.Equal(got, test.want) {
				t.Errorf("faults of %q, want %q", got, test.want)
			}
		})
	}
}

func TestBuildLasting(t *testing.T) {
	t.Parallel()
	b := account.Build{Transition: "start", Parameters: given("b", "1", "a", "2", "B", "3")}
	b.Parameters = append(b.Parameters, account.BuildParameter{Parameter: account.Parameter{Name: "once"}, Ephemeral: true})
	want := []account.Parameter{{Name: "B", Value: "3"}, {Name: "a", Value: "2"}, {Name: "b", Value: "1"}}
	if diff := cmp.Diff(want, b.Lasting()); diff != "" {
		t.Errorf("of a start (-want +got):\n%s", diff)
	}
	for _, transition := range []string{"stop", "delete"} {
		b.Transition = transition
		if got := b.Lasting(); got == nil || len(got) > 0 {
			t.Errorf("of a %s: %v", transition, got)
		}
	}
}

// TestWorkspacesOf asks who may tell what a user's workspaces were built with.
func TestWorkspacesOf(t *testing.T) {
	t.Parallel()
	self, other, home := someID(1), someID(2), someID(100)
	at := func(roles ...string) []account.Membership { return []account.Membership{membership(home, roles...)} }
	for name, test := range map[string]struct {
		roles             []string
		memberships       []account.Membership
		key               account.APIKey
		ofOneself, others bool
	}{
		"member":              {nil, at(), fullKey(), true, false},
		"in no organization":  {nil, nil, fullKey(), false, false},
		"owner":               {[]string{"owner"}, nil, fullKey(), true, true},
		"template-admin":      {[]string{"template-admin"}, nil, fullKey(), true, true},
		"user-admin":          {[]string{"user-admin"}, at(), fullKey(), true, false},
		"auditor":             {[]string{"auditor"}, at(), fullKey(), true, false},
		"organization-admin":  {nil, at("organization-admin"), fullKey(), true, false},
		"banned from making":  {nil, at("organization-workspace-creation-ban"), fullKey(), true, false},
		"narrow scope":        {[]string{"owner"}, at(), narrowKey([]string{"workspace:update"}, account.AllowEverything()...), true, true},
		"another scope":       {[]string{"owner"}, at(), narrowKey([]string{"workspace:read"}, account.AllowEverything()...), false, false},
		"of any workspace":    {[]string{"owner"}, at(), narrowKey([]string{"coder:all"}, account.AllowListEntry{Type: account.ResourceWorkspace}), true, true},
		"of one workspace":    {[]string{"owner"}, at(), narrowKey([]string{"coder:all"}, account.AllowListEntry{Type: account.ResourceWorkspace, ID: someID(7)}), false, false},
		"of users, not these": {[]string{"owner"}, at(), narrowKey([]string{"coder:all"}, account.AllowListEntry{Type: account.ResourceUser}), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			actor := account.NewActor(account.User{ID: self, Roles: test.roles}, test.memberships, test.key)
			if got := actor.Can(account.ActionUpdate, actor.WorkspacesOf(self)); got != test.ofOneself {
				t.Errorf("of oneself: got %t", got)
			}
			if got := actor.Can(account.ActionUpdate, actor.WorkspacesOf(other)); got != test.others {
				t.Errorf("of another: got %t", got)
			}
		})
	}
}
