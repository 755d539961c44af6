package account_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"usher/internal/account"
)

func TestParseOrganizationRef(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse(idA)
	cases := []struct {
		segment string
		want    account.OrganizationRef
	}{
		{"default", account.OrganizationRef{Default: true}},
		{"00000000-0000-0000-0000-000000000000", account.OrganizationRef{Default: true}},
		{"00000000000000000000000000000000", account.OrganizationRef{Default: true}},
		{idA, account.OrganizationRef{ID: id}},
		{strings.ToUpper(idA), account.OrganizationRef{ID: id}},
		{strings.ReplaceAll(idA, "-", ""), account.OrganizationRef{ID: id}},
		{"{" + idA + "}", account.OrganizationRef{ID: id}},
		{"urn:uuid:" + idA, account.OrganizationRef{ID: id}},
		{"coder", account.OrganizationRef{Name: "coder"}},
		{"Other", account.OrganizationRef{Name: "Other"}},
		{"no_name at all", account.OrganizationRef{Name: "no_name at all"}},
		{"", account.OrganizationRef{}},
	}
	for _, c := range cases {
		if got := account.ParseOrganizationRef(c.segment); got != c.want {
			t.Errorf("ParseOrganizationRef(%q) = %+v, want %+v", c.segment, got, c.want)
		}
	}
}

func TestOrganizationObject(t *testing.T) {
	t.Parallel()
	organization := account.Organization{ID: someID(100)}
	want := account.Object{Type: account.ResourceOrganization, ID: someID(100), Organization: someID(100)}
	if got := organization.Object(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestCheckOrganizationName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"coder", "Other", "a", "a-b-c", "1st", strings.Repeat("x", 32), "me", "login"} {
		if err := account.CheckOrganizationName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", "default", "Default", "new", "create", "-a", "a-", "a--b", "a_b", "a.b", "a b", "ä", "a\n", strings.Repeat("a", 33),
		strings.ReplaceAll(idA, "-", ""),
	} {
		if err := account.CheckOrganizationName(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}
