package bench_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
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
		page := l.list(sdk.UsersRequest{Search: list[i].query, Limit: pageSize})
		names := []string{}
		for _, u := range page.Users {
			names = append(names, u.Username)
		}
		if diff := cmp.Diff(append([]string{}, want.first...), names); diff != "" || page.Count != want.count {
			l.t.Errorf("%s, %d users: %s: the number is %d, want %d (-want +got):\n%s", l.engine, l.users, list[i].query, page.Count, want.count, diff)
		}
		half, _ := l.timeOf("/users?limit=25&q=" + url.QueryEscape(list[i].query))
		l.figures.noteFound(list[i].name, half, list[i].goal, page.Count)
	}
}

// timeOf asks for a path again and again, on one connection.
func (l *largeDeployment) timeOf(path string) (half, most time.Duration) {
	l.t.Helper()
	g := get(l.t, l.server, path)
	times := []time.Duration{}
	for n := range l.effort.asks + 2 {
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

// measureSizes measures what is asked of every deployment all the time.
func (l *largeDeployment) measureSizes() {
	l.t.Helper()
	first := l.list(sdk.UsersRequest{Limit: pageSize})
	far := l.users * 9 / 10
	page := l.list(sdk.UsersRequest{Limit: pageSize, Offset: far})
	if first.Count != l.users+1 || page.Count != first.Count || len(page.Users) != pageSize {
		l.t.Errorf("the numbers are %d and %d, want %d", first.Count, page.Count, l.users+1)
	}
	after := l.list(sdk.UsersRequest{Limit: pageSize, AfterID: page.Users[0].ID})
	if after.Users[0].ID != page.Users[1].ID || after.Users[pageSize-2].ID != page.Users[pageSize-1].ID {
		l.t.Errorf("the page after a user is not the one that begins there")
	}
	half, _ := l.timeOf("/users?limit=25")
	l.figures.noteTime("first page with its number", half, 3*time.Millisecond)
	half, _ = l.timeOf("/users?limit=25&after_id=" + page.Users[3].ID.String())
	l.figures.noteTime("a page after a user", half, 3*time.Millisecond)
	half, _ = l.timeOf(fmt.Sprintf("/users?limit=25&offset=%d", far))
	l.figures.noteTime("offset of 90 % of all", half, 60*time.Millisecond)
	half, _ = l.timeOf(fmt.Sprintf("/users?limit=25&offset=%d", l.users/2))
	l.figures.noteTime("offset of half", half, 0)

	me := withToken(l.t, l.server, "/users/me")
	l.pair("GET /users/me with a token", me, 0.6)
	names := get(l.t, l.server, "")
	names.request = func(n int64) (*http.Request, error) {
		return request(l.server, http.MethodGet, "/users/"+newPerson(int(n*7919)%l.users, l.now).Username, nil)
	}
	l.pair("GET /users/{name}", names, 0.35)
}

// pair measures a target beside a bare handler.
func (l *largeDeployment) pair(name string, usher *target, goal float64) {
	l.t.Helper()
	bare := bareTwin(l.t, usher)
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
	begin := time.Now()
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for time.Since(begin) < l.effort.span {
				if err := g.ask(); err != nil {
					l.t.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	return float64(g.sent.Load()) / time.Since(begin).Seconds()
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
