package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/server/servertest"
	"usher/sdk"
)

// build is the request that records a build with these values, names and values
// by turns.
func build(template uuid.UUID, pairs ...string) body {
	values := []body{}
	for i := 0; i < len(pairs); i += 2 {
		values = append(values, body{"name": pairs[i], "value": pairs[i+1]})
	}
	return body{"template_id": template, "parameters": values}
}

func autofill(t testing.TB, c client, ref any, template uuid.UUID) string {
	t.Helper()
	a := c.get(t, path(ref, "autofill-parameters?template_id=")+template.String()).want(t, http.StatusOK)
	var pairs []string
	for _, p := range decode[[]sdk.UserParameter](t, a) {
		pairs = append(pairs, p.Name+"="+p.Value)
	}
	return strings.Join(pairs, " ")
}

func TestAutofill(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		mia := join(t, s, "mia")
		at, template, start := path("me", "autofill-parameters"), uuid.New(), time.Now().UTC()
		if a := mia.get(t, at+"?template_id="+template.String()).want(t, http.StatusOK); string(a.body) != "[]\n" {
			t.Errorf("before anything was built: %s", a)
		}
		shows := func(want string) {
			t.Helper()
			if got := autofill(t, mia.client, "me", template); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
		first := build(template, "size", "big", "region", "eu")
		first["parameters"] = append(first["parameters"].([]body), body{"name": "debug", "value": "1", "ephemeral": true})
		recorded := decode[sdk.RecordAutofillParametersResponse](t, mia.post(t, at, first).want(t, http.StatusCreated))
		want := sdk.RecordAutofillParametersResponse{
			TemplateID: template, Transition: "start",
			CreatedAt: recorded.CreatedAt, Parameters: []sdk.UserParameter{{Name: "region", Value: "eu"}, {Name: "size", Value: "big"}},
		}
		if diff := cmp.Diff(want, recorded); diff != "" {
			t.Errorf("what was recorded (-want +got):\n%s", diff)
		}
		if off := recorded.CreatedAt.Sub(start); off < -time.Millisecond || off > time.Minute {
			t.Errorf("it was recorded for %s, which is not now", recorded.CreatedAt)
		}
		shows("region=eu size=big")

		record := func(b body, want string) {
			t.Helper()
			a := decode[sdk.RecordAutofillParametersResponse](t, mia.post(t, at, b).want(t, http.StatusCreated))
			var names []string
			for _, p := range a.Parameters {
				names = append(names, p.Name)
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%v stores %q, want %q", b, got, want)
			}
		}
		when := func(d time.Duration) string { return start.Add(d).Format(time.RFC3339Nano) }
		record(build(template, "size", "small").but("transition", "stop"), "")
		record(build(template, "size", "small").but("transition", "delete").but("workspace_id", uuid.New()), "")
		record(build(template, "size", "small", "zone", "1").but("created_at", when(-time.Hour)), "zone")
		shows("region=eu size=big zone=1")
		record(build(template, "size", "small").but("transition", "start").but("created_at", when(30*time.Second)), "size")
		shows("size=small region=eu zone=1")
		record(build(template).but("created_at", when(40*time.Second)), "")
		record(build(uuid.New(), "size", "other"), "size")
		owner(s).post(t, at, build(template, "size", "owner's")).want(t, http.StatusCreated)
		shows("size=small region=eu zone=1")
		if got := autofill(t, owner(s), "mia", template); got != "size=small region=eu zone=1" {
			t.Errorf("the owner reads %s", got)
		}
		// Wherever the time was measured, and however exactly.
		offset := start.Add(50 * time.Second).In(time.FixedZone("", -5*3600)).Format("2006-01-02T15:04:05.999999999Z07:00")
		a := decode[sdk.RecordAutofillParametersResponse](t, mia.post(t, at, build(template, "zone", "2").but("created_at", offset)).want(t, 201))
		if want := start.Add(50 * time.Second).Truncate(time.Microsecond); !a.CreatedAt.Equal(want) {
			t.Errorf("the time comes back as %s, want %s", a.CreatedAt, want)
		}
		shows("zone=2 size=small region=eu")
	})
}

// TestAutofillHundred: a list has the hundred newest values.
func TestAutofillHundred(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		template, pairs, want := uuid.New(), []string{}, "newest="
		for i := range 120 {
			pairs = append(pairs, fmt.Sprintf("n%03d", i), "")
			if i < 99 {
				want += fmt.Sprintf(" n%03d=", i)
			}
		}
		old := time.Now().Add(-time.Hour)
		owner(s).post(t, path("me", "autofill-parameters"), build(template, pairs...).but("created_at", old)).want(t, http.StatusCreated)
		owner(s).post(t, path("me", "autofill-parameters"), build(template, "newest", "")).want(t, http.StatusCreated)
		if got := autofill(t, owner(s), "me", template); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAutofillQuery(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	at, id := path("me", "autofill-parameters"), uuid.NewString()
	for query, fields := range map[string][]string{
		"":                         {"template_id"},
		"?template_id=":            {"template_id"},
		"?template_id=docker":      {"template_id"},
		"?template_id=" + id + "x": {"template_id"},
		"?template_id=" + id + "&template_id=" + id: {"template_id"},
		"?template_id=&template_id=" + id:           {"template_id"},
		"?template_id=" + id + "&limit=3":           {"limit"},
		"?template=" + id:                           {"template_id", "template"},
		"?z=&template_id=docker&a=1":                {"template_id", "a", "z"},
	} {
		owner(s).get(t, at+query).refused(t, http.StatusBadRequest, "Invalid query parameters.", fields...)
	}
	// The nil UUID is a template that nobody used, and a key may be in the query.
	owner(s).get(t, at+"?template_id="+uuid.Nil.String()).want(t, http.StatusOK)
	for _, place := range []string{"coder_session_token", "access_token"} {
		guest(s).get(t, at+"?template_id="+id+"&"+place+"="+s.Owner.SessionToken()).want(t, http.StatusOK)
	}
	// Who may not know of the user does not hear of the query.
	join(t, s, "mia").get(t, path("owner", "autofill-parameters")).refused(t, http.StatusNotFound, notFound)
	join(t, s, "aud", "auditor").get(t, path("owner", "autofill-parameters")).lacks(t, "user:read_personal", "role")
}

func TestRecordAutofillRefusals(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	at, template := path("me", "autofill-parameters"), uuid.New()
	for name, test := range map[string]struct {
		post   body
		fields []string
	}{
		"nothing":      {body{}, []string{"template_id", "parameters"}},
		"no list":      {build(template).but("parameters", nil), []string{"parameters"}},
		"transition":   {build(template).but("transition", "restart"), []string{"transition"}},
		"ahead":        {build(template).but("created_at", time.Now().Add(time.Hour)), []string{"created_at"}},
		"no year":      {build(template).but("created_at", "0000-01-01T00:00:00+01:00"), []string{"created_at"}},
		"long name":    {build(template, strings.Repeat("n", 129), ""), []string{"parameters"}},
		"long value":   {build(template, "n", strings.Repeat("v", 8193)), []string{"parameters"}},
		"no name":      {build(template, "", "v"), []string{"parameters"}},
		"twice":        {build(template, "n", "v", "n", "v"), []string{"parameters"}},
		"each of many": {build(template, "", "v", "n", "\x00", "m", "v"), []string{"parameters", "parameters"}},
		"257":          {build(template, strings.Split(strings.Repeat("n,v,", 256)+"n,v", ",")...), []string{"parameters"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner(s).post(t, at, test.post).refused(t, http.StatusBadRequest, badFields, test.fields...)
		})
	}
	for _, text := range []string{"", "[]", `{"template_id":"docker"}`, `{"workspace_id":""}`, `{"created_at":"today"}`, `{"parameters":{}}`, `{"parameters":[{"value":1}]}`} {
		owner(s).post(t, at, text).refused(t, http.StatusBadRequest, badJSON)
	}
	huge := build(template)
	for i := range 150 {
		huge["parameters"] = append(huge["parameters"].([]body), body{"name": fmt.Sprint(i), "value": strings.Repeat("v", 8192)})
	}
	owner(s).post(t, at, huge).refused(t, http.StatusRequestEntityTooLarge, "1 MiB")
	if got := autofill(t, owner(s), "me", template); got != "" {
		t.Errorf("a refusal stored %s", got)
	}
}

// TestRecordAutofillPermissions: the user itself, owners and template-admins,
// and nobody by a role in an organization.
func TestRecordAutofillPermissions(t *testing.T) {
	t.Parallel()

	s := servertest.New(t)
	c := newCast(t, s)
	at, b := path(c.self.ID, "autofill-parameters"), build(uuid.New(), "n", "v")
	c.self.post(t, at, b).want(t, http.StatusCreated)
	c.self.post(t, path("me", "autofill-parameters"), b).want(t, http.StatusCreated)
	for name, who := range c.others {
		switch a := who.post(t, at, b); name {
		case "owner", "template-admin":
			a.want(t, http.StatusCreated)
		case "member":
			a.refused(t, http.StatusNotFound, notFound)
		default:
			a.lacks(t, "workspace:update", "role")
			who.post(t, at, "").lacks(t, "workspace:update", "role")
			who.post(t, path("me", "autofill-parameters"), b).want(t, http.StatusCreated)
		}
	}
	guest(s).post(t, at, b).refused(t, http.StatusUnauthorized, signedOut)
	owner(s).post(t, path(uuid.New(), "autofill-parameters"), b).refused(t, http.StatusNotFound, notFound)

	for scope, status := range map[string]int{"workspace:update": http.StatusCreated, "workspace:read": http.StatusForbidden} {
		key := decode[sdk.GenerateAPIKeyResponse](t, c.self.post(t, path("me", "keys/tokens"), body{"scopes": []string{scope}}).want(t, 201)).Key
		guest(s).as(key).post(t, path("me", "autofill-parameters"), b).want(t, status)
	}
}
