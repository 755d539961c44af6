package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/server/servertest"
	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

const orgsPath = "/api/v2/organizations"

// orgPath is the path of an organization, or of something below it.
func orgPath(ref any, below ...string) string {
	return strings.Replace(path(ref, below...), "/users/", "/organizations/", 1)
}

// addOrganization stores an organization behind the server's back, so that
// nobody belongs to it.
func addOrganization(t *testing.T, s *servertest.Server, name string) uuid.UUID {
	t.Helper()
	id := uuid.New()
	err := storetest.Open(t, s.Store).Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertOrganization(ctx, account.Organization{
			ID: id, Name: name, DisplayName: name, CreatedAt: time.Now(), UpdatedAt: time.Now(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOrganization(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia := join(t, s, "mia")
		for _, ref := range []any{"default", uuid.Nil, s.OrganizationID, "coder", "CODER", strings.ToUpper(s.OrganizationID.String())} {
			got := decode[sdk.Organization](t, mia.get(t, orgPath(ref)).want(t, http.StatusOK))
			if got.ID != s.OrganizationID || got.Name != "coder" || got.DisplayName != "Coder" || !got.IsDefault ||
				got.Description != "Builtin default organization." || got.Icon != "" || got.CreatedAt.IsZero() {
				t.Errorf("%v: %+v", ref, got)
			}
		}
		foreign := addOrganization(t, s, "Other")
		for _, ref := range []any{"nowhere", uuid.New(), "Other", foreign, "a_b", "%00", strings.Repeat("x", 100)} {
			mia.get(t, orgPath(ref)).refused(t, http.StatusNotFound, notFound)
		}
		if got := decode[sdk.Organization](t, owner(s).get(t, orgPath("other")).want(t, http.StatusOK)); got.ID != foreign || got.IsDefault {
			t.Errorf("%+v", got)
		}
		guest(s).get(t, orgPath("default")).refused(t, http.StatusUnauthorized, signedOut)
	})
}

func TestUserOrganizations(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := addOrganization(t, s, "Alpha")
		ann := create(t, s, newUser("ann").but("organization_ids", []uuid.UUID{other, s.OrganizationID}))
		if !slices.Equal(ann.OrganizationIDs, []uuid.UUID{s.OrganizationID, other}) {
			t.Errorf("organizations %v, want the default one first", ann.OrganizationIDs)
		}
		list := func(c client, ref any) []uuid.UUID {
			ids := []uuid.UUID{}
			for _, o := range decode[[]sdk.Organization](t, c.get(t, path(ref, "organizations")).want(t, http.StatusOK)) {
				ids = append(ids, o.ID)
			}
			return ids
		}
		both := []uuid.UUID{s.OrganizationID, other}
		for name, c := range map[string]client{
			"itself": login(t, s, ann.Email, servertest.Password), "owner": owner(s),
			"auditor": join(t, s, "aud", "auditor").client, "template-admin": join(t, s, "tom", "template-admin").client,
		} {
			if got := list(c, ann.ID); !slices.Equal(got, both) {
				t.Errorf("%s sees %v, want %v", name, got, both)
			}
		}
		mia := join(t, s, "mia")
		if got := list(mia.client, "me"); !slices.Equal(got, both[:1]) {
			t.Errorf("a member of one sees %v", got)
		}
		mia.get(t, path("ann", "organizations")).refused(t, http.StatusNotFound, notFound)
		alone := create(t, s, newUser("alone").but("organization_ids", []uuid.UUID{other}))
		if got := list(login(t, s, alone.Email, servertest.Password), "me"); !slices.Equal(got, both[1:]) {
			t.Errorf("a member of the other sees %v", got)
		}
	})
}

// TestUserOrganizationByName: the user must exist, but need not belong to it.
func TestUserOrganizationByName(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		other := addOrganization(t, s, "Other")
		mia := join(t, s, "mia")
		for _, name := range []string{"coder", "Coder"} {
			got := decode[sdk.Organization](t, mia.get(t, path("me", "organizations", name)).want(t, http.StatusOK))
			if got.ID != s.OrganizationID {
				t.Errorf("%s is %s", name, got.ID)
			}
		}
		for _, name := range []string{"other", "nowhere", s.OrganizationID.String(), "default"} {
			mia.get(t, path("me", "organizations", name)).refused(t, http.StatusNotFound, notFound)
		}
		got := decode[sdk.Organization](t, owner(s).get(t, path("mia", "organizations", "OTHER")).want(t, http.StatusOK))
		if got.ID != other {
			t.Errorf("%+v", got)
		}
		owner(s).get(t, path("nobody", "organizations", "coder")).refused(t, http.StatusNotFound, notFound)
		mia.get(t, path("owner", "organizations", "coder")).refused(t, http.StatusNotFound, notFound)
	})
}
