package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"usher/sdk"
)

// exampleServer stands in for a deployment with two users.
func exampleServer() *httptest.Server {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(status)
			fmt.Fprintln(w, body)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /api/v2/users/login", answer(201, `{"session_token":"ush0000000-0000000000000000000000"}`))
	mux.Handle("GET /api/v2/users/me", answer(200, `{"username":"ada","email":"ada@example.com","status":"active"}`))
	mux.Handle("GET /api/v2/users", answer(200, `{"users":[
		{"username":"ada","status":"active"},{"username":"grace","status":"dormant"}],"count":2}`))
	mux.Handle("POST /api/v2/users", answer(409, `{"message":"A user with this name exists already.",
		"validations":[{"field":"username","detail":"is taken"}]}`))
	return httptest.NewServer(mux)
}

func Example() {
	server := exampleServer()
	defer server.Close()
	ctx := context.Background()

	client, err := sdk.New(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	login, err := client.LoginWithPassword(ctx, sdk.LoginWithPasswordRequest{
		Email:    "ada@example.com",
		Password: "SomeSecurePassword!",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client.SetSessionToken(login.SessionToken)

	me, err := client.User(ctx, sdk.Me)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(me.Username, me.Email)
	// Output: ada ada@example.com
}

func ExampleClient_AllUsers() {
	server := exampleServer()
	defer server.Close()
	client, err := sdk.New(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	for user, err := range client.AllUsers(context.Background(), sdk.UsersRequest{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(user.Username, user.Status)
	}
	// Output:
	// ada active
	// grace dormant
}

func ExampleError() {
	server := exampleServer()
	defer server.Close()
	client, err := sdk.New(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateUser(context.Background(), sdk.CreateUserRequest{Username: "ada"})
	var answer *sdk.Error
	if errors.As(err, &answer) {
		fmt.Println(answer.StatusCode, sdk.IsConflict(err))
	}
	fmt.Println(err)
	// Output:
	// 409 true
	// A user with this name exists already.
	//   username: is taken
}
