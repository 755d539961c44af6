package account_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"usher/internal/account"
)

// claimsOf reads claims as they come from a provider.
func claimsOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var claims map[string]any
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// valuesOf reads the claim groups. Nothing is mapped, so that its values are what
// comes of it, in order and each once.
func valuesOf(claims map[string]any) ([]string, error) {
	settings := account.RoleSync{Field: "groups"}
	return settings.Roles(claims)
}

// TestClaimValues has the rows of auth.md, section 11, on claims.
func TestClaimValues(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		claims string
		want   []string
		wrong  string
	}{
		"missing":                   {claims: `{}`, want: []string{}},
		"null":                      {claims: `{"groups":null}`, want: []string{}},
		"empty list":                {claims: `{"groups":[]}`, want: []string{}},
		"list":                      {claims: `{"groups":["b","a","b"]}`, want: []string{"a", "b"}},
		"list with commas":          {claims: `{"groups":["a,b"]}`, want: []string{"a,b"}},
		"text":                      {claims: `{"groups":"a"}`, want: []string{"a"}},
		"text with a space":         {claims: `{"groups":"a b"}`, want: []string{"a b"}},
		"empty text":                {claims: `{"groups":""}`, want: []string{}},
		"text with a comma":         {claims: `{"groups":"a,b"}`, wrong: "comma"},
		"a comma":                   {claims: `{"groups":","}`, wrong: "comma"},
		"number":                    {claims: `{"groups":7}`, wrong: "neither"},
		"true":                      {claims: `{"groups":true}`, wrong: "neither"},
		"object":                    {claims: `{"groups":{"a":"b"}}`, wrong: "neither"},
		"list with a number":        {claims: `{"groups":["a",7]}`, wrong: "no text"},
		"list with null":            {claims: `{"groups":[null]}`, wrong: "no text"},
		"list in a list":            {claims: `{"groups":[["a"]]}`, wrong: "no text"},
		"another claim is unread":   {claims: `{"groups":"a","roles":7}`, want: []string{"a"}},
		"names are as they stand":   {claims: `{"Groups":["a"]}`, want: []string{}},
		"no path but one name":      {claims: `{"a":{"groups":["a"]},"groups":"b"}`, want: []string{"b"}},
		"what is wrong is unquoted": {claims: `{"groups":"secret,more"}`, wrong: "comma"},
	} {
		got, err := valuesOf(claimsOf(t, test.claims))
		if test.wrong == "" {
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.wrong) || !strings.Contains(err.Error(), `"groups"`) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	got, err := valuesOf(map[string]any{"groups": []string{"a"}})
	if diff := cmp.Diff([]string{"a"}, got); diff != "" || err != nil {
		t.Errorf("a list made here: %v (-want +got):\n%s", err, diff)
	}
	if got, err := valuesOf(nil); len(got) != 0 || err != nil {
		t.Errorf("no claims: %v, %v", got, err)
	}
}

func TestSiteRolesOfClaims(t *testing.T) {
	t.Parallel()
	mapping := map[string][]string{
		"admins": {account.RoleOwner, account.RoleUserAdmin}, "staff": {}, "auditor": {account.RoleTemplateAdmin}, "odd": {"nothing", account.RoleOrgAdmin},
	}
	for name, test := range map[string]struct {
		claims   string
		defaults []string
		want     []string
	}{
		"nothing":                      {claims: `{}`, want: []string{}},
		"defaults alone":               {claims: `{}`, defaults: []string{account.RoleAuditor, "nothing"}, want: []string{account.RoleAuditor}},
		"defaults and more":            {claims: `{"r":"admins"}`, defaults: []string{account.RoleOwner, account.RoleAuditor}, want: []string{account.RoleAuditor, account.RoleOwner, account.RoleUserAdmin}},
		"verbatim":                     {claims: `{"r":["user-admin","member"]}`, want: []string{account.RoleMember, account.RoleUserAdmin}},
		"verbatim owner":               {claims: `{"r":"owner"}`, want: []string{account.RoleOwner}},
		"unknown":                      {claims: `{"r":["Owner","random","organization-admin",""]}`, want: []string{}},
		"mapped to nothing":            {claims: `{"r":["staff"]}`, want: []string{}},
		"mapped, though itself a role": {claims: `{"r":"auditor"}`, want: []string{account.RoleTemplateAdmin}},
		"mapped to what is none":       {claims: `{"r":"odd"}`, want: []string{}},
		"twice":                        {claims: `{"r":["admins","admins","owner"]}`, want: []string{account.RoleOwner, account.RoleUserAdmin}},
	} {
		settings := account.SiteRoleSync{Field: "r", Mapping: mapping, Default: test.defaults}
		got, err := settings.Roles(claimsOf(t, test.claims))
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	settings := account.SiteRoleSync{Field: "r", Default: []string{account.RoleOwner}}
	if got, err := settings.Roles(claimsOf(t, `{"r":7}`)); err == nil {
		t.Errorf("a number gives %v", got)
	}
}

func TestOrganizationsOfClaims(t *testing.T) {
	t.Parallel()
	home, one, two := uuid.New(), uuid.New(), uuid.New()
	mapping := map[string][]uuid.UUID{"one": {one}, "both": {two, one}, "none": {}, "home": {home}}
	for name, test := range map[string]struct {
		claims        string
		assignDefault bool
		want          []uuid.UUID
	}{
		"nothing":          {claims: `{}`, want: []uuid.UUID{}},
		"default":          {claims: `{}`, assignDefault: true, want: []uuid.UUID{home}},
		"single":           {claims: `{"o":"one"}`, want: []uuid.UUID{one}},
		"with the default": {claims: `{"o":"one"}`, assignDefault: true, want: []uuid.UUID{home, one}},
		"multi":            {claims: `{"o":["both","one"]}`, want: []uuid.UUID{two, one}},
		"default, mapped":  {claims: `{"o":["home"]}`, want: []uuid.UUID{home}},
		"default, twice":   {claims: `{"o":["home"]}`, assignDefault: true, want: []uuid.UUID{home}},
		"unmapped":         {claims: `{"o":["else","` + two.String() + `","ONE"]}`, want: []uuid.UUID{}},
		"mapped to none":   {claims: `{"o":["none"]}`, want: []uuid.UUID{}},
	} {
		settings := account.OrganizationSync{Field: "o", Mapping: mapping, AssignDefault: test.assignDefault}
		got, err := settings.Organizations(claimsOf(t, test.claims), home)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	settings := account.OrganizationSync{Field: "o", AssignDefault: true}
	if got, err := settings.Organizations(claimsOf(t, `{"o":{}}`), home); err == nil {
		t.Errorf("an object gives %v", got)
	}
}

func TestOrganizationRolesOfClaims(t *testing.T) {
	t.Parallel()
	settings := account.RoleSync{Field: "r", Mapping: map[string][]string{"leads": {"b", "a"}, "none": {}}}
	for claims, want := range map[string]string{
		`{}`:                           "",
		`{"r":"leads"}`:                "a b",
		`{"r":["leads","z","a","z"]}`:  "a b z",
		`{"r":["none"]}`:               "",
		`{"r":"organization-auditor"}`: "organization-auditor",
	} {
		if got, err := settings.Roles(claimsOf(t, claims)); strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s gives %q (%v), want %q", claims, got, err, want)
		}
	}
	if got, err := settings.Roles(claimsOf(t, `{"r":"a,b"}`)); err == nil {
		t.Errorf("a text with a comma gives %q", got)
	}
}

func TestCheckOfSyncs(t *testing.T) {
	t.Parallel()
	lines := func(n int) map[string][]string {
		mapping := map[string][]string{"last": {}}
		for i := range n - 1 {
			mapping["first"] = append(mapping["first"], fmt.Sprint(i))
		}
		return mapping
	}
	long := strings.Repeat("x", 1024)
	for name, test := range map[string]struct {
		settings account.RoleSync
		want     string
	}{
		"nothing":              {},
		"a URL":                {settings: account.RoleSync{Field: "https://example.com/claims/groups"}},
		"the longest field":    {settings: account.RoleSync{Field: strings.Repeat("x", 256)}},
		"too long a field":     {settings: account.RoleSync{Field: strings.Repeat("x", 257)}, want: "field"},
		"a space":              {settings: account.RoleSync{Field: "groups "}, want: "field"},
		"a line":               {settings: account.RoleSync{Field: "gro\nups"}, want: "field"},
		"no text":              {settings: account.RoleSync{Field: "\xff"}, want: "field"},
		"a distinguished name": {settings: account.RoleSync{Mapping: map[string][]string{"cn=a b,dc=c": {"x"}}}},
		"the longest value":    {settings: account.RoleSync{Mapping: map[string][]string{long: {"x"}}}},
		"too long a value":     {settings: account.RoleSync{Mapping: map[string][]string{long + "x": {"x"}}}, want: "mapping"},
		"an empty value":       {settings: account.RoleSync{Mapping: map[string][]string{"": {"x"}}}, want: "mapping"},
		"NUL":                  {settings: account.RoleSync{Mapping: map[string][]string{"\x00": {"x"}}}, want: "mapping"},
		"as many as can be":    {settings: account.RoleSync{Mapping: lines(account.MaxSyncEntries)}},
		"too many":             {settings: account.RoleSync{Mapping: lines(account.MaxSyncEntries + 1)}, want: "mapping"},
		"both":                 {settings: account.RoleSync{Field: "\t", Mapping: lines(account.MaxSyncEntries + 1)}, want: "field mapping"},
	} {
		var fields []string
		for _, fault := range test.settings.Check() {
			fields = append(fields, fault.Field)
		}
		if got := strings.Join(fields, " "); got != test.want {
			t.Errorf("%s: bad fields %q, want %q", name, got, test.want)
		}
	}
	many := make([]account.MappingPair[string], account.MaxSyncEntries+1)
	edit := account.MappingEdit[string]{Add: many, Remove: many[1:]}
	if faults := edit.Check(); len(faults) != 1 || faults[0].Field != "add" {
		t.Errorf("too many additions: %v", faults)
	}
	edit = account.MappingEdit[string]{Remove: many}
	if faults := edit.Check(); len(faults) != 1 || faults[0].Field != "remove" {
		t.Errorf("too many removals: %v", faults)
	}
	edit = account.MappingEdit[string]{Add: []account.MappingPair[string]{{Given: "a", Gets: "x"}, {Given: " ", Gets: "x"}}, Remove: many[:1]}
	if faults := edit.Check(); len(faults) != 1 || faults[0].Field != "add" {
		t.Errorf("a value of white space: %v", faults)
	}
}

func TestMappingEdits(t *testing.T) {
	t.Parallel()
	type line = account.MappingPair[string]
	for name, test := range map[string]struct {
		before map[string][]string
		edit   account.MappingEdit[string]
		want   map[string][]string
	}{
		"nothing to nothing": {want: map[string][]string{}},
		"add to nothing": {
			edit: account.MappingEdit[string]{Add: []line{{"a", "x"}, {"a", "y"}, {"a", "x"}, {"b", "x"}}},
			want: map[string][]string{"a": {"x", "y"}, "b": {"x"}},
		},
		"add what is there": {
			before: map[string][]string{"a": {"x"}}, edit: account.MappingEdit[string]{Add: []line{{"a", "x"}}},
			want: map[string][]string{"a": {"x"}},
		},
		"remove one of two": {
			before: map[string][]string{"a": {"x", "y"}, "b": {"x"}}, edit: account.MappingEdit[string]{Remove: []line{{"a", "x"}}},
			want: map[string][]string{"a": {"y"}, "b": {"x"}},
		},
		"remove the last": {
			before: map[string][]string{"a": {"x"}, "b": {"x"}}, edit: account.MappingEdit[string]{Remove: []line{{"a", "x"}}},
			want: map[string][]string{"b": {"x"}},
		},
		"remove what is not there": {
			before: map[string][]string{"a": {"x"}, "none": {}}, edit: account.MappingEdit[string]{Remove: []line{{"a", "z"}, {"c", "x"}, {"none", "x"}}},
			want: map[string][]string{"a": {"x"}, "none": {}},
		},
		"removing wins": {
			before: map[string][]string{"a": {"x"}}, edit: account.MappingEdit[string]{Add: []line{{"b", "x"}, {"a", "y"}}, Remove: []line{{"b", "x"}}},
			want: map[string][]string{"a": {"x", "y"}},
		},
	} {
		if diff := cmp.Diff(test.want, test.edit.Apply(test.before)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMappingEditsAgainstSets holds edits to what they are: sets of lines, of which
// some come and then some go. What was there before is not touched.
func TestMappingEditsAgainstSets(t *testing.T) {
	t.Parallel()
	letter := rapid.SampledFrom([]string{"a", "b", "c"})
	line := rapid.Custom(func(t *rapid.T) account.MappingPair[string] {
		return account.MappingPair[string]{Given: letter.Draw(t, "given"), Gets: letter.Draw(t, "gets")}
	})
	linesOf := func(mapping map[string][]string) map[account.MappingPair[string]]bool {
		set := map[account.MappingPair[string]]bool{}
		for given, targets := range mapping {
			for _, gets := range targets {
				set[account.MappingPair[string]{Given: given, Gets: gets}] = true
			}
		}
		return set
	}
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.MapOfN(letter, rapid.SliceOfNDistinct(letter, 1, 3, rapid.ID), 0, 3).Draw(t, "before")
		edit := account.MappingEdit[string]{Add: rapid.SliceOfN(line, 0, 4).Draw(t, "add"), Remove: rapid.SliceOfN(line, 0, 4).Draw(t, "remove")}
		want := linesOf(before)
		for _, one := range edit.Add {
			want[one] = true
		}
		for _, one := range edit.Remove {
			delete(want, one)
		}
		untouched := linesOf(before)
		after := edit.Apply(before)
		if diff := cmp.Diff(want, linesOf(after)); diff != "" {
			t.Fatalf("the lines (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(untouched, linesOf(before)); diff != "" {
			t.Fatalf("the edit changed what was before (-want +got):\n%s", diff)
		}
		for given, targets := range after {
			if len(targets) == 0 || len(targets) != len(slices.Compact(slices.Sorted(slices.Values(targets)))) {
				t.Fatalf("%q gives %q", given, targets)
			}
		}
		added := map[string]bool{}
		for one := range linesOf(after) {
			if !untouched[one] {
				added[one.Gets] = true
			}
		}
		told := map[string]bool{}
		for _, target := range account.NewTargets(before, after) {
			if told[target] {
				t.Fatalf("%q is told twice", target)
			}
			told[target] = true
		}
		if diff := cmp.Diff(added, told); diff != "" {
			t.Fatalf("what new lines give (-want +got):\n%s", diff)
		}
	})
}

// TestSyncsFollowTheClaimAlone: in which order a provider lists, and how often, does
// not matter; nobody gets what the settings do not give; and what everyone gets is
// taken from nobody.
func TestSyncsFollowTheClaimAlone(t *testing.T) {
	t.Parallel()
	value := rapid.SampledFrom([]string{"owner", "auditor", "user-admin", "member", "nothing", "g1", "g2", "g3"})
	role := rapid.SampledFrom([]string{"owner", "auditor", "template-admin", "nothing"})
	rapid.Check(t, func(t *rapid.T) {
		settings := account.SiteRoleSync{
			Field:   "r",
			Mapping: rapid.MapOfN(value, rapid.SliceOfN(role, 0, 3), 0, 4).Draw(t, "mapping"),
			Default: rapid.SliceOfN(role, 0, 2).Draw(t, "default"),
		}
		values := rapid.SliceOfN(value, 0, 5).Draw(t, "values")
		roles := func(values []string) []string {
			got, err := settings.Roles(map[string]any{"r": values})
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		got := roles(values)
		shuffled := rapid.Permutation(append(slices.Clone(values), values...)).Draw(t, "shuffled")
		if diff := cmp.Diff(got, roles(shuffled)); diff != "" {
			t.Fatalf("another order, other roles:\n%s", diff)
		}
		allowed := slices.Clone(settings.Default)
		for _, one := range values {
			if mapped, ok := settings.Mapping[one]; ok {
				allowed = append(allowed, mapped...)
			} else {
				allowed = append(allowed, one)
			}
		}
		for _, name := range got {
			if !account.IsSiteRole(name) || !slices.Contains(allowed, name) {
				t.Fatalf("%q comes from nowhere", name)
			}
		}
		for _, name := range allowed {
			if account.IsSiteRole(name) && !slices.Contains(got, name) {
				t.Fatalf("%q is missing from %q", name, got)
			}
		}
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("not sorted, or not distinct: %q", got)
		}
	})
}

func TestSyncDiffs(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	before := account.OrganizationSync{Field: "a", Mapping: map[string][]uuid.UUID{"x": {id}}}
	after := account.OrganizationSync{Field: "b", Mapping: map[string][]uuid.UUID{}, AssignDefault: true}
	want := account.Diff{
		"field":          {Old: "a", New: "b"},
		"mapping":        {Old: before.Mapping, New: after.Mapping},
		"assign_default": {Old: false, New: true},
	}
	if diff := cmp.Diff(want, account.OrganizationSyncDiff(before, after)); diff != "" {
		t.Errorf("organizations (-want +got):\n%s", diff)
	}
	if diff := account.OrganizationSyncDiff(account.OrganizationSync{}, account.OrganizationSync{Mapping: map[string][]uuid.UUID{}}); len(diff) != 0 {
		t.Errorf("no mapping and an empty one differ: %v", diff)
	}
	roles := account.RoleSync{Field: "a", Mapping: map[string][]string{"x": {"y"}}}
	if diff := cmp.Diff(account.Diff{"field": {Old: "", New: "a"}, "mapping": {Old: map[string][]string{}, New: roles.Mapping}}, account.RoleSyncDiff(account.RoleSync{}, roles)); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}
