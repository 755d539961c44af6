package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"usher/internal/server/servertest"
)

// FuzzDecode sends any bytes to every route that reads a body. Whatever they
// are, they are refused or understood: never a 5xx, never a panic, and always an
// answer that the description allows.
func FuzzDecode(f *testing.F) {
	s := servertest.New(f)
	create(f, s, newUser("ann"))
	routes := []below{
		{http.MethodPost, usersPath, newUser("zoe")},
		{http.MethodPut, path("ann", "profile"), body{"username": "ann", "name": "Ann", "avatar_url": "https://example.com/a.png"}},
		{http.MethodPut, path("ann", "email"), body{"email": "ann@example.com"}},
		{http.MethodPut, path("ann", "roles"), body{"roles": []string{"auditor", "member"}}},
		{http.MethodPut, path("ann", "password"), body{"password": nextPassword, "old_password": servertest.Password}},
		{http.MethodPost, "/api/v2/users/first", first()},
		{http.MethodPost, loginPath, credentials("nobody@example.com", "wrong")},
		{http.MethodPost, "/api/v2/users/validate-password", body{"password": "weak"}},
	}
	for i, route := range routes {
		text, err := json.Marshal(route.body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), text)
		f.Add(uint8(i), text[:len(text)-1])
		for member := range route.body.(body) {
			for _, value := range []string{"null", "[]", "{}", "1e999", "-1", `"\u0000"`, `"\ud800"`, `"` + "\xff" + `"`, `[["` + member + `"]]`} {
				f.Add(uint8(i), []byte(`{"`+member+`":`+value+`}`))
			}
		}
	}
	for _, text := range []string{"", "{", "null", "[[[[[[[[", `{"a":{"b":{"c":[1,2,{"d":null}]}}}`, "\xef\xbb\xbf{}", `{"roles":["` + "\x00" + `"]}`} {
		for i := range routes {
			f.Add(uint8(i), []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		route := routes[int(which)%len(routes)]
		if a := owner(s).do(t, route.method, route.below, text); a.status >= 500 {
			t.Errorf("%s %s with %q: %s", route.method, route.below, text, a)
		}
	})
}

// FuzzPath asks for any user by any text, and searches for it.
func FuzzPath(f *testing.F) {
	s := servertest.New(f)
	for _, text := range []string{"me", "ann", "%00", "..", "a/b", "\xff", "'", "00000000-0000-0000-0000-000000000000", "status:active", `"`, ":", "name:%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return // another path
		}
		for _, at := range []string{path(url.PathEscape(text)), "/api/v2/organizations/" + url.PathEscape(text), usersPath + "?q=" + url.QueryEscape(text), auditPath + "?q=" + url.QueryEscape(text), usersPath + "?limit=1&after_id=" + url.QueryEscape(text)} {
			if a := owner(s).get(t, at); a.status >= 500 {
				t.Errorf("%s: %s", at, a)
			}
		}
	})
}
