package api_test

import (
	"net/http"
	"testing"
	"time"
)

// TestOrganizationsReachOtherNodes: what changes somebody's place in an
// organization on one node counts on the other within a second.
func TestOrganizationsReachOtherNodes(t *testing.T) {
	t.Parallel()

	n := startNodes(t, sameWay)
	other := found(t, n.a, "other")
	mia := create(t, n.a, newUser("mia"))
	c := guest(n.b).as(mint(t, owner(n.a), mia.ID, body{}))
	roles := orgPath(other.ID, "members/roles")
	for _, step := range []struct {
		name   string
		change func() answer
		probe  string
		want   int
	}{
		{"nothing yet", func() answer { return owner(n.a).get(t, orgPath(other.ID)) }, "", 404},
		{"joined", func() answer { return owner(n.a).post(t, orgPath(other.ID, "members/mia"), nil) }, "", 200},
		{"a role made", func() answer { return owner(n.a).post(t, roles, roleNamed("custom")) }, "paginated-members", 403},
		{"the role given", func() answer {
			return owner(n.a).put(t, orgPath(other.ID, "members/mia/roles"), body{"roles": []string{"custom"}})
		}, "paginated-members", 403},
		{"the role widened", func() answer {
			return owner(n.a).put(t, roles, roleNamed("custom", may("organization_member", "read")))
		}, "paginated-members", 200},
		{"the role deleted", func() answer { return owner(n.a).delete(t, roles+"/custom") }, "paginated-members", 403},
		{"removed", func() answer { return owner(n.a).delete(t, orgPath(other.ID, "members/mia")) }, "", 404},
		{"joined again", func() answer { return owner(n.a).post(t, orgPath(other.ID, "members/mia"), nil) }, "", 200},
		{"made its administrator", func() answer {
			return owner(n.a).put(t, orgPath(other.ID, "members/mia/roles"), body{"roles": []string{"organization-admin"}})
		}, "paginated-members", 200},
		{"without the owner", func() answer { return c.delete(t, orgPath(other.ID, "members/owner")) }, "paginated-members", 200},
		{"the organization deleted", func() answer { return c.delete(t, orgPath(other.ID)) }, "", 404},
	} {
		if a := step.change(); a.status >= 300 {
			t.Fatalf("%s: %s", step.name, a)
		}
		at := orgPath(other.ID)
		if step.probe != "" {
			at += "/" + step.probe
		}
		for begin := time.Now(); ; time.Sleep(time.Millisecond) { // another node can only be asked
			a := c.get(t, at)
			if a.status == step.want {
				break
			}
			if time.Since(begin) > time.Second {
				t.Fatalf("%s: the other node still answers %s, want %d", step.name, a, step.want)
			}
		}
	}
	if ids := owner(n.a).get(t, path("owner")).user(t, http.StatusOK).OrganizationIDs; len(ids) != 1 {
		t.Errorf("the owner is in %v", ids)
	}
}
