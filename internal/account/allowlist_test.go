package account_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"usher/internal/account"
)

const (
	idA = "0a000000-0000-4000-8000-00000000000a"
	idB = "0b000000-0000-4000-8000-00000000000b"
)

func TestParseAllowListEntry(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, want string }{
		{"*:*", "*:*"},
		{"user:*", "user:*"},
		{"user:" + idA, "user:" + idA},
		{"*:" + idA, "*:" + idA},
		{"  user:" + idA + "  ", "user:" + idA},
		{"user : " + idA, "user:" + idA},
		{"\t*:*\n", "*:*"},
		{"USER:" + strings.ToUpper(idA), "user:" + idA},
		{"user:" + strings.ReplaceAll(idA, "-", ""), "user:" + idA},
		{"user:{" + idA + "}", "user:" + idA},
		{"user:urn:uuid:" + idA, "user:" + idA},
		{"workspace_agent_devcontainers:*", "workspace_agent_devcontainers:*"},
	}
	for _, c := range cases {
		entry, err := account.ParseAllowListEntry(c.text)
		if err != nil || entry.String() != c.want {
			t.Errorf("ParseAllowListEntry(%q) = %v, %v; want %s", c.text, entry, err, c.want)
		}
	}
}

func TestParseAllowListEntryRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, says string }{
		{"", "type:id"},
		{"user", "type:id"},
		{idA, "type:id"},
		{"unknown:*", "unknown resource type"},
		{":" + idA, "unknown resource type"},
		{"user ids:*", "unknown resource type"},
		{"users:" + idA, "unknown resource type"},
		{"user:", "not of the form type:id"},
		{"user:**", "neither * nor the id"},
		{"user:someone", "neither * nor the id"},
		{"user:" + idA + "0", "neither * nor the id"},
		{"user:*:*", "neither * nor the id"},
		// The nil UUID is no object's id, and must never be read as a wildcard.
		{"user:00000000-0000-0000-0000-000000000000", "neither * nor the id"},
		{"*:00000000000000000000000000000000", "neither * nor the id"},
	}
	for _, c := range cases {
		entry, err := account.ParseAllowListEntry(c.text)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("ParseAllowListEntry(%q) = %v, %v; want an error that says %q", c.text, entry, err, c.says)
		}
	}
}

// TestAllowListCatalogue: every resource of the vocabulary can be a type.
func TestAllowListCatalogue(t *testing.T) {
	t.Parallel()
	for name := range catalogued() {
		if entry, err := account.NewAllowListEntry(name, "*"); err != nil || entry.String() != name+":*" {
			t.Errorf("NewAllowListEntry(%q, *) = %v, %v", name, entry, err)
		}
	}
}

func parseList(t *testing.T, texts []string) []account.AllowListEntry {
	t.Helper()
	entries := []account.AllowListEntry{}
	for _, text := range texts {
		entry, err := account.ParseAllowListEntry(text)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}

func texts(list account.AllowList) []string {
	texts := []string{}
	for _, entry := range list {
		texts = append(texts, entry.String())
	}
	return texts
}

func TestNormalizeAllowList(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		in, want []string
	}{
		{"absent", nil, []string{"*:*"}},
		{"everything", []string{"*:*"}, []string{"*:*"}},
		{"everything swallows all", []string{"user:" + idA, "*:" + idB, "*:*", "template:*"}, []string{"*:*"}},
		{"a type swallows its objects", []string{"user:" + idA, "user:*", "user:" + idB}, []string{"user:*"}},
		{"a type leaves the others", []string{"user:*", "template:" + idA}, []string{"template:" + idA, "user:*"}},
		{"a type leaves any-typed ids", []string{"user:*", "*:" + idA}, []string{"*:" + idA, "user:*"}},
		{"duplicates", []string{"user:" + idA, "user:" + idA}, []string{"user:" + idA}},
		{"duplicates in another case", []string{"user:" + idA, "USER:" + strings.ToUpper(idA)}, []string{"user:" + idA}},
		{
			"sorted by type, then by id",
			[]string{"workspace:" + idB, "user:" + idB, "api_key:*", "user:" + idA, "*:" + idB},
			[]string{"*:" + idB, "api_key:*", "user:" + idA, "user:" + idB, "workspace:" + idB},
		},
	}
	for _, c := range cases {
		list, err := account.NormalizeAllowList(parseList(t, c.in))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, texts(list)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestAllowListLimit(t *testing.T) {
	t.Parallel()
	entries := make([]account.AllowListEntry, 129)
	for n := range entries {
		entries[n] = account.AllowListEntry{Type: account.ResourceUser, ID: someID(byte(n + 1))}
	}
	if list, err := account.NormalizeAllowList(entries[:128]); err != nil || len(list) != 128 {
		t.Errorf("128 entries: %d, %v", len(list), err)
	}
	if list, err := account.NormalizeAllowList(entries); err == nil || !strings.Contains(err.Error(), "128") {
		t.Errorf("129 entries: %d, %v; want an error that names the limit", len(list), err)
	}
}

// TestAllowListMatches is the rule of auth.md, section 5.5.
func TestAllowListMatches(t *testing.T) {
	t.Parallel()
	a, b := uuid.MustParse(idA), uuid.MustParse(idB)
	cases := []struct {
		list []string
		want string // user a, user b, template a, a user without an id, a template without an id
	}{
		{nil, "-----"},
		{[]string{"*:*"}, "+++++"},
		{[]string{"user:*"}, "++-+-"},
		{[]string{"user:" + idA}, "+----"},
		{[]string{"*:" + idA}, "+-+--"},
		{[]string{"user:" + idB, "template:*"}, "-++-+"},
		{[]string{"api_key:*"}, "-----"},
	}
	objects := []account.Object{
		{Type: account.ResourceUser, ID: a},
		{Type: account.ResourceUser, ID: b},
		{Type: account.ResourceTemplate, ID: a},
		{Type: account.ResourceUser},
		{Type: account.ResourceTemplate},
	}
	for _, c := range cases {
		list, got := account.AllowList(parseList(t, c.list)), ""
		for _, object := range objects {
			got += map[bool]string{true: "+", false: "-"}[list.Matches(object.Type, object.ID)]
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.list, got, c.want)
		}
	}
}

// TestKeysMatchWildcardsOnly: the id of a key is not a UUID.
func TestKeysMatchWildcardsOnly(t *testing.T) {
	t.Parallel()
	self := account.User{ID: uuid.MustParse(idA)}
	key := account.APIKey{ID: "ush0123456", UserID: self.ID}
	for text, want := range map[string]account.Lack{
		"*:*": account.LackNothing, "api_key:*": account.LackNothing,
		"api_key:" + idA: account.LackAllowList, "*:" + idA: account.LackAllowList, "user:*": account.LackAllowList,
	} {
		actor := account.NewActor(self, nil, narrowKey([]string{"coder:all"}, parseList(t, []string{text})...))
		if got := actor.Missing(account.ActionRead, key.Object()); got != want {
			t.Errorf("with %s an own key lacks %q, want %q", text, got, want)
		}
	}
}

func TestAllowListReach(t *testing.T) {
	t.Parallel()
	a, b := uuid.MustParse(idA), uuid.MustParse(idB)
	cases := []struct {
		list []string
		want account.Reach
	}{
		{nil, account.Reach{}},
		{[]string{"*:*"}, account.Reach{All: true}},
		{[]string{"user:*"}, account.Reach{All: true}},
		{[]string{"template:*", "template:" + idA}, account.Reach{}},
		{[]string{"user:" + idA, "*:" + idB, "template:" + idA}, account.Reach{IDs: []uuid.UUID{a, b}}},
		{[]string{"*:" + idA, "user:*"}, account.Reach{All: true}},
		{[]string{"*:" + idA, "user:" + idA}, account.Reach{IDs: []uuid.UUID{a}}},
	}
	for _, c := range cases {
		got := account.AllowList(parseList(t, c.list)).Reach(account.ResourceUser)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("reach of %v over users (-want +got):\n%s", c.list, diff)
		}
	}
}

// universe returns objects of every type that drawEntry draws and of one more,
// with every id that it draws and one more, and without an id: whatever two
// lists disagree on, they disagree on one of these.
func universe() []account.Object {
	objects := []account.Object{}
	for _, resource := range []account.Resource{
		account.ResourceUser, account.ResourceOrganization, account.ResourceAuditLog, account.ResourceWorkspace, account.ResourceLicense,
	} {
		objects = append(objects, account.Object{Type: resource})
		for _, n := range []byte{1, 2, 3, 100, 101, 102, 103, 200} {
			objects = append(objects, account.Object{Type: resource, ID: someID(n)})
		}
	}
	return objects
}

func drawList() *rapid.Generator[account.AllowList] {
	return rapid.Map(rapid.SliceOfN(drawEntry(), 0, 5), func(entries []account.AllowListEntry) account.AllowList { return entries })
}

func TestNormalizeKeepsWhatMatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := drawList().Filter(func(l account.AllowList) bool { return len(l) > 0 }).Draw(t, "list")
		before := slices.Clone(list)
		normal, err := account.NormalizeAllowList(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range universe() {
			if list.Matches(object.Type, object.ID) != normal.Matches(object.Type, object.ID) {
				t.Fatalf("%v and %v differ on %v", list, normal, object)
			}
		}
		again, err := account.NormalizeAllowList(normal)
		if err != nil || !slices.Equal(again, normal) {
			t.Fatalf("%v is normalised to %v (%v)", normal, again, err)
		}
		if !slices.Equal(before, list) {
			t.Fatal("the list that was handed in has changed")
		}
	})
}

func TestCoversMeansMatchingMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wide, small := drawList().Draw(t, "wide"), drawList().Draw(t, "small")
		beyond := slices.ContainsFunc(universe(), func(o account.Object) bool {
			return small.Matches(o.Type, o.ID) && !wide.Matches(o.Type, o.ID)
		})
		if got := wide.Covers(small); got == beyond {
			t.Fatalf("Covers = %v, but there is something beyond: %v", got, beyond)
		}
	})
}

func TestReachMeansMatching(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := drawList().Draw(t, "list")
		for _, object := range universe() {
			reach := list.Reach(object.Type)
			if reached := reach.All || slices.Contains(reach.IDs, object.ID); reached != list.Matches(object.Type, object.ID) {
				t.Fatalf("reach %v and Matches differ on %v", reach, object)
			}
			if distinct := slices.Compact(slices.SortedFunc(slices.Values(reach.IDs), func(a, b uuid.UUID) int {
				return strings.Compare(a.String(), b.String())
			})); len(distinct) != len(reach.IDs) {
				t.Fatalf("reach %v names an id twice", reach)
			}
		}
	})
}

func TestUnrestricted(t *testing.T) {
	t.Parallel()
	if !account.AllowEverything().IsUnrestricted() {
		t.Error("AllowEverything restricts")
	}
	for _, texts := range [][]string{nil, {"user:*"}, {"*:" + idA}} {
		if account.AllowList(parseList(t, texts)).IsUnrestricted() {
			t.Errorf("%v does not restrict", texts)
		}
	}
}
