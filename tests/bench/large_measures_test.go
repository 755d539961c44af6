package bench_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/sdk"
)

// list asks for a page of users.
func (l *largeDeployment) list(request sdk.UsersRequest) sdk.GetUsersResponse {
	l.t.Helper()
	page, err := l.server.Owner.Users(l.t.Context(), request)
	if err != nil {
		l.t.Fatalf("%+v: %v", request, err)
	}
	return page
}

// measureQuestions asks each question, holds the answer to what the people are
// like, and measures how long it takes.
func (l *largeDeployment) measureQuestions() {
	l.t.Helper()
	list := questions(l.users, l.now)
	for i, want := range expect(list, l.users, l.now) {
		if list[i].owner {
			want.count++
			want.keep("owner")
		}
		page := l.list(sdk.UsersRequest{Search: list[i].query, Limit: pageSize})
		names := []string{}
		for _, u := range page.Users {
			names = append(names, u.Username)
		}
		if diff := cmp.Diff(append([]string{}, want.first...), names); diff != "" || page.Count != want.count {
			l.t.Errorf("%s, %d users: %s: the number is %d, want %d (-want +got):\n%s", l.engine, l.users, list[i].query, page.Count, want.count, diff)
		}
		half := l.timeOf("/users?limit=25&q=" + url.QueryEscape(list[i].query))
		l.figures.noteFound(list[i].name, half, list[i].goal, page.Count)
	}
}

// timeOf asks for a path again and again, on one connection.
func (l *largeDeployment) timeOf(path string) (half time.Duration) {
	l.t.Helper()
	half, _ = l.times(get(l.t, l.server, path), l.effort.asks)
	return half
}

// times are the half and the 99 of a hundred of so many answers of a target.
func (l *largeDeployment) times(g *target, asks int) (half, most time.Duration) {
	l.t.Helper()
	times := []time.Duration{}
	for n := range asks + 2 {
		begin := time.Now()
		if err := g.ask(); err != nil {
			l.t.Fatal(err)
		}
		if n >= 2 { // the connection and the caches are warm
			times = append(times, time.Since(begin))
		}
	}
	slices.Sort(times)
	return times[len(times)/2], times[(len(times)-1)*99/100]
}

// checkChanges changes users in every way that lists ask for, and looks whether
// lists follow at once.
func (l *largeDeployment) checkChanges() {
	l.t.Helper()
	ctx, owner := l.t.Context(), l.server.Owner
	numbers := func() []int {
		var list []int
		for _, query := range []string{"", "status:suspended", "role:auditor", "quince-renamed", "last_seen_after:\"2020-01-01T00:00:00Z\" status:active"} {
			list = append(list, l.list(sdk.UsersRequest{Search: query, Limit: 1}).Count)
		}
		return list
	}
	who := newPerson(9, l.now) // active, without a role, a person
	follow := func(what string, err error, by ...int) {
		l.t.Helper()
		want := l.last
		for i := range want {
			want[i] += by[i]
		}
		if l.last = numbers(); err != nil || !slices.Equal(l.last, want) {
			l.t.Errorf("after %s (%v) the numbers are %v, want %v", what, err, l.last, want)
		}
	}
	seen := 0
	if !who.LastSeenAt.IsZero() {
		seen = 1
	}
	l.last = numbers()
	_, err := owner.UpdateUserRoles(ctx, who.Username, sdk.UpdateRolesRequest{Roles: []string{"auditor"}})
	follow("a role was given", err, 0, 0, 1, 0, 0)
	_, err = owner.SuspendUser(ctx, who.Username)
	follow("a suspension", err, 0, 1, 0, 0, -seen)
	_, err = owner.UpdateUserProfile(ctx, who.Username, sdk.UpdateUserProfileRequest{Username: "quince-renamed"})
	follow("a new name", err, 0, 0, 0, 1, 0)
	follow("a deletion", owner.DeleteUser(ctx, "quince-renamed"), -1, -1, -1, -1, 0)
	l.gone++
}

// measureSizes measures what is asked of every deployment all the time.
func (l *largeDeployment) measureSizes() {
	l.t.Helper()
	first := l.list(sdk.UsersRequest{Limit: pageSize})
	far := l.users * 9 / 10
	page := l.list(sdk.UsersRequest{Limit: pageSize, Offset: far})
	if first.Count != l.users+1-l.gone || page.Count != first.Count || len(page.Users) != pageSize {
		l.t.Errorf("the numbers are %d and %d, want %d", first.Count, page.Count, l.users+1-l.gone)
	}
	after := l.list(sdk.UsersRequest{Limit: pageSize, AfterID: page.Users[0].ID})
	if after.Users[0].ID != page.Users[1].ID || after.Users[pageSize-2].ID != page.Users[pageSize-1].ID {
		l.t.Errorf("the page after a user is not the one that begins there")
	}
	half := l.timeOf("/users?limit=25")
	l.figures.noteTime("first page with its number", half, 3*time.Millisecond)
	half = l.timeOf("/users?limit=25&after_id=" + page.Users[3].ID.String())
	l.figures.noteTime("a page after a user", half, 3*time.Millisecond)
	half = l.timeOf(fmt.Sprintf("/users?limit=25&offset=%d", far))
	l.figures.noteTime("offset of 90 % of all", half, 60*time.Millisecond)
	half = l.timeOf(fmt.Sprintf("/users?limit=25&offset=%d", l.users/2))
	l.figures.noteTime("offset of half", half, 0)

	me := withToken(l.t, l.server, "/users/me")
	bare := l.pair("GET /users/me with a token", me, 0.6)
	_, slow := l.times(me, l.effort.requests/10)
	_, bareSlow := l.times(bare, l.effort.requests/10)
	l.figures.note("GET /users/me with a token: 99 of 100", "times a bare handler's", float64(slow)/float64(bareSlow), -10)
	known := l.names(1000)
	if _, err := known.load(1000); err != nil { // each of them once
		l.t.Fatal(err)
	}
	l.pair("GET /users/{name}, again", known, 0.35)
	l.pair("GET /users/{name}, anybody", l.names(l.users), 0.35)
}

// names asks for one after another of so many users.
func (l *largeDeployment) names(among int) *target {
	l.t.Helper()
	g := get(l.t, l.server, "")
	g.request = func(n int64) (*http.Request, error) {
		who := int(n*7919) % among
		if who == 9 { // who is gone
			who++
		}
		return request(l.server, http.MethodGet, "/users/"+newPerson(who, l.now).Username, nil)
	}
	return g
}

// pair measures a target beside a bare handler.
func (l *largeDeployment) pair(name string, usher *target, goal float64) (bare *target) {
	l.t.Helper()
	bare = bareTwin(l.t, usher)
	for _, g := range []*target{usher, bare} {
		if _, err := g.load(2 * connections); err != nil {
			l.t.Fatal(err)
		}
	}
	r, err := measure(usher, bare, l.effort.requests)
	if err != nil {
		l.t.Fatal(err)
	}
	l.figures.note(name, fmt.Sprintf("of a bare handler's rate (%.0f/s)", r.usher), r.ratio(), goal)
	return bare
}

// clients are how many create at the same time.
const clients = 32

// measureRates measures what is on the disk before it is answered.
func (l *largeDeployment) measureRates() {
	l.t.Helper()
	users, tokens := 500.0, 1000.0
	if l.engine == "postgres" {
		users = 1000
	}
	robots := tokenCreations(l.t, l.server)
	robots.request = func(n int64) (*http.Request, error) {
		body, err := json.Marshal(sdk.CreateUserRequest{
			Username: fmt.Sprintf("robot-%d", n), ServiceAccount: true, OrganizationIDs: []uuid.UUID{uuid.Nil},
		})
		if err != nil {
			return nil, err
		}
		return request(l.server, http.MethodPost, "/users", body)
	}
	l.figures.note("create a service account, 32 clients", "a second", l.rate(robots), users)
	l.figures.note("create a token, 32 clients", "a second", l.rate(tokenCreations(l.t, l.server)), tokens)
}

// rate is how many requests a second are answered.
func (l *largeDeployment) rate(g *target) float64 {
	l.t.Helper()
	g.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer g.client.CloseIdleConnections()
	return l.often(clients, l.effort.span, g.ask)
}

// measureStream reads all users at once, and how much memory that takes.
func (l *largeDeployment) measureStream() {
	l.t.Helper()
	req, err := request(l.server, http.MethodGet, "/users", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	before := l.memory()
	most := before
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	begin, users := time.Now(), 0
	decoder := json.NewDecoder(answer.Body)
	for _, want := range []json.Token{json.Delim('{'), "count"} {
		if token, err := decoder.Token(); err != nil || token != want {
			l.t.Fatalf("the list begins with %v (%v)", token, err)
		}
	}
	var count int
	if err := decoder.Decode(&count); err != nil {
		l.t.Fatal(err)
	}
	for range 2 { // "users" and [
		if _, err := decoder.Token(); err != nil {
			l.t.Fatal(err)
		}
	}
	for ; decoder.More(); users++ {
		var u struct {
			Username string `json:"username"`
		}
		if err := decoder.Decode(&u); err != nil {
			l.t.Fatalf("after %d users: %v", users, err)
		}
		if users%5000 == 0 {
			most = max(most, l.memory())
		}
	}
	if users != count {
		l.t.Errorf("the list has %d users, and says %d", users, count)
	}
	l.figures.note("GET /users without a limit: memory grows by", "MiB", float64(most-before)/mebi, -32)
	l.figures.note("GET /users without a limit", "users/s, with a slow reader", float64(users)/time.Since(begin).Seconds(), 0)
}
