package openapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/routers/legacy"
)

// TestPathsAreUnambiguous: of two paths that fit one request, one must be the
// more specific, or share no method with the other. Otherwise it would depend
// on the reader which operation is meant. The callback of a named provider is the
// exception: no provider may have a name that makes it another path.
func TestPathsAreUnambiguous(t *testing.T) {
	t.Parallel()

	all := operations(load(t))
	for i, a := range all {
		for _, b := range all[i+1:] {
			named := a.OperationID == "namedOIDCCallback" || b.OperationID == "namedOIDCCallback"
			if a.method == b.method && ambiguous(a.path, b.path) && !named {
				t.Errorf("%s and %s fit the same requests", a.OperationID, b.OperationID)
			}
		}
	}
}

func TestAmbiguous(t *testing.T) {
	t.Parallel()

	cases := map[[2]string]bool{
		{"/a/{x}", "/a/b"}:         false,
		{"/a/{x}/c", "/a/b/c"}:     false,
		{"/a/{x}", "/b/{x}"}:       false,
		{"/a/{x}", "/a/{x}/c"}:     false,
		{"/a/{x}/c", "/a/b/{y}"}:   true,
		{"/a/{x}", "/a/{y}"}:       true,
		{"/{x}/b/c", "/a/b/{y}"}:   true,
		{"/{x}/b/c", "/{x}/d/{y}"}: false,
	}
	for paths, want := range cases {
		for _, pair := range [][2]string{paths, {paths[1], paths[0]}} {
			if got := ambiguous(pair[0], pair[1]); got != want {
				t.Errorf("%s and %s: got %t, want %t", pair[0], pair[1], got, want)
			}
		}
	}
}

// ambiguous reports whether a request fits both paths and neither is the more
// specific.
func ambiguous(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	if len(as) != len(bs) {
		return false
	}
	var aFixed, bFixed bool // where the other has a parameter
	for i := range as {
		aParameter, bParameter := strings.HasPrefix(as[i], "{"), strings.HasPrefix(bs[i], "{")
		switch {
		case aParameter && !bParameter:
			bFixed = true
		case bParameter && !aParameter:
			aFixed = true
		case !aParameter && as[i] != bs[i]:
			return false
		}
	}
	return aFixed == bFixed
}

// TestRouting shows that a reader finds the operation that the server means,
// also where two paths fit and only the method tells them apart.
func TestRouting(t *testing.T) {
	t.Parallel()

	router, err := legacy.NewRouter(load(t))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"POST /api/v2/users/me/keys":                   "createSessionKey",
		"GET /api/v2/users/me/keys/tokens":             "listTokens",
		"POST /api/v2/users/me/keys/tokens":            "createToken",
		"DELETE /api/v2/users/me/keys/tokens":          "deleteKey",
		"GET /api/v2/users/me/keys/ush0000000":         "getKey",
		"DELETE /api/v2/users/me/keys/ush0000000":      "deleteKey",
		"GET /api/v2/users/me/keys/tokens/tokenconfig": "getTokenConfig",
		"GET /api/v2/users/me/keys/tokens/ci":          "getToken",
		"GET /api/v2/users/me/keys/tokens/expire":      "getToken",
		"PUT /api/v2/users/me/keys/tokens/expire":      "expireKey",
		"PUT /api/v2/users/me/keys/ush0000000/expire":  "expireKey",
		"GET /api/v2/users/me/keys/tokens/rotate":      "getToken",
		"POST /api/v2/users/me/keys/tokens/rotate":     "rotateKey",
		"POST /api/v2/users/me/keys/ush0000000/rotate": "rotateKey",
		"GET /api/v2/users/first":                      "hasFirstUser",
		"GET /api/v2/users/roles":                      "listSiteRoles",
		"GET /api/v2/users/x":                          "getUser",
		"GET /api/v2/users/oidc-claims":                "oidcClaims",
		"POST /api/v2/users/x/erase":                   "eraseUser",
		"GET /api/v2/experiments/available":            "availableExperiments",

		"GET /api/v2/organizations/x/members/roles":          "listOrganizationRoles",
		"POST /api/v2/organizations/x/members/roles":         "createOrganizationRole",
		"PUT /api/v2/organizations/x/members/roles":          "updateOrganizationRole",
		"GET /api/v2/organizations/x/members/ann":            "getMember",
		"POST /api/v2/organizations/x/members/ann":           "addMember",
		"DELETE /api/v2/organizations/x/members/roles/own":   "deleteOrganizationRole",
		"DELETE /api/v2/organizations/x/members/roles/roles": "deleteOrganizationRole",
		"PUT /api/v2/organizations/x/members/ann/roles":      "updateMemberRoles",
	}
	for request, want := range cases {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		route, _, err := router.FindRoute(req)
		if err != nil {
			t.Errorf("%s: %v", request, err)
			continue
		}
		if got := route.Operation.OperationID; got != want {
			t.Errorf("%s is %s, want %s", request, got, want)
		}
	}
}
