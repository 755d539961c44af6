package sdk_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/sdk"
)

// directory answers GET /users from a sorted list the way the contract says.
type directory struct {
	users   []sdk.User
	failAt  int // the request that fails, counted from 1
	stuck   bool
	queries []string
}

func newDirectory(n int) *directory {
	d := &directory{}
	for i := range n {
		d.users = append(d.users, sdk.User{ID: uuid.New(), Username: strconv.Itoa(1000 + i)})
	}
	slices.SortFunc(d.users, func(a, b sdk.User) int { return cmp.Compare(a.Username, b.Username) })
	return d
}

func (d *directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.queries = append(d.queries, r.URL.RawQuery)
	w.Header().Set("Content-Type", "application/json")
	if len(d.queries) == d.failAt {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"message":"Try later."}`))
		return
	}
	page := d.users
	if after := r.FormValue("after_id"); after != "" && !d.stuck {
		at := slices.IndexFunc(page, func(u sdk.User) bool { return u.ID.String() == after })
		page = page[at+1:]
	}
	if offset, err := strconv.Atoi(r.FormValue("offset")); err == nil {
		page = page[min(offset, len(page)):]
	}
	if limit, err := strconv.Atoi(r.FormValue("limit")); err == nil {
		page = page[:min(limit, len(page))]
	}
	_ = json.NewEncoder(w).Encode(sdk.GetUsersResponse{Users: page, Count: len(d.users)})
}

func TestAllUsers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		users    int
		request  sdk.UsersRequest
		skip     int
		requests int
	}{
		"none":                 {users: 0, requests: 1},
		"one page by default":  {users: 51, requests: 1},
		"pages of 7":           {users: 51, request: sdk.UsersRequest{Limit: 7}, requests: 8},
		"last page full":       {users: 50, request: sdk.UsersRequest{Limit: 10}, requests: 6},
		"offset only once":     {users: 51, request: sdk.UsersRequest{Limit: 10, Offset: 5}, skip: 5, requests: 5},
		"offset beyond":        {users: 5, request: sdk.UsersRequest{Offset: 9}, skip: 5, requests: 1},
		"more than a thousand": {users: 1001, requests: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newDirectory(test.users)
			var got []sdk.User
			for user, err := range connect(t, server).AllUsers(t.Context(), test.request) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, user)
			}
			if diff := gocmp.Diff(names(server.users[test.skip:]), names(got)); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
			if len(server.queries) != test.requests {
				t.Errorf("%d requests, want %d: %q", len(server.queries), test.requests, server.queries)
			}
		})
	}
}

func TestAllUsersFromCursorWithSearch(t *testing.T) {
	t.Parallel()
	server := newDirectory(5)
	request := sdk.UsersRequest{Search: "status:active", AfterID: server.users[1].ID, Limit: 2}
	var got []sdk.User
	for user, err := range connect(t, server).AllUsers(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, user)
	}
	if diff := gocmp.Diff(names(server.users[2:]), names(got)); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	want := []string{
		"after_id=" + server.users[1].ID.String() + "&limit=2&q=status%3Aactive",
		"after_id=" + server.users[3].ID.String() + "&limit=2&q=status%3Aactive",
	}
	if diff := gocmp.Diff(want, server.queries); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestAllUsersStopsEarly(t *testing.T) {
	t.Parallel()
	server := newDirectory(50)
	seen := 0
	for range connect(t, server).AllUsers(t.Context(), sdk.UsersRequest{Limit: 10}) {
		if seen++; seen == 10 {
			break
		}
	}
	if len(server.queries) != 1 {
		t.Errorf("%d requests for the first page: %q", len(server.queries), server.queries)
	}
}

func TestAllUsersEndsWithAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failing := newDirectory(50)
	failing.failAt = 3
	stuck := newDirectory(50)
	stuck.stuck = true
	tests := map[string]struct {
		ctx    context.Context
		server *directory
		users  int
		is     func(error) bool
	}{
		"cancelled": {ctx: ctx, server: newDirectory(50), is: func(err error) bool { return errors.Is(err, context.Canceled) }},
		"third page fails": {ctx: t.Context(), server: failing, users: 20, is: func(err error) bool {
			var answer *sdk.Error
			return errors.As(err, &answer) && answer.StatusCode == http.StatusServiceUnavailable
		}},
		"cursor ignored": {ctx: t.Context(), server: stuck, users: 20, is: func(err error) bool { return err != nil }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// Not parallel: the contexts end with the test around.
			users, failures := 0, 0
			for user, err := range connect(t, test.server).AllUsers(test.ctx, sdk.UsersRequest{Limit: 10}) {
				if err == nil {
					users++
					continue
				}
				failures++
				if !test.is(err) || user.ID != uuid.Nil {
					t.Errorf("error %v with user %v", err, user.Username)
				}
			}
			if users != test.users || failures != 1 {
				t.Errorf("%d users and %d errors, want %d and 1", users, failures, test.users)
			}
		})
	}
}

func names(users []sdk.User) []string {
	list := []string{}
	for _, user := range users {
		list = append(list, user.Username)
	}
	return list
}
