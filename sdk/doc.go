// Package sdk is the Go client of Usher, and the one definition of its JSON:
// server, command line and tests use these types too.
//
// A client is made for an address; most calls need a session:
//
//	client, err := sdk.New("https://usher.example.com")
//	login, err := client.LoginWithPassword(ctx, sdk.LoginWithPasswordRequest{Email: email, Password: password})
//	client.SetSessionToken(login.SessionToken)
//	me, err := client.User(ctx, sdk.Me)
//
// An API token does in place of a session. Users are named by [Me], by id or by
// username; [Client.AllUsers] walks over any number of them.
//
// An answer that is not the expected one is an [*Error] with status, message and
// one validation for each bad field; [IsNotFound] and its like test for the
// common ones. No error and no printed request holds a token or a password.
//
// The types are the reference dialect of the API, in which every field is always
// present; the client asks for it with each request. The server guarantees that
// arrays and objects which a comment calls never null are not, and that times
// are UTC to the microsecond. Whoever fills these types for an answer keeps
// that promise. Fields that this package does not know are ignored.
//
// It imports the standard library and github.com/google/uuid, so that other
// programs can use it at no further cost. It has no settings in the environment
// but net/http's proxy variables, never stores a token outside memory, adds no
// retries and knows nothing of the server's inside.
package sdk
