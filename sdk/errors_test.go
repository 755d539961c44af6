package sdk_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/sdk"
)

func TestErrorDecoding(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		server *recorder
		want   sdk.Error
		text   string
	}{
		"message": {
			server: &recorder{status: 404, body: `{"message":"Resource not found."}`},
			want:   sdk.Error{StatusCode: 404, Message: "Resource not found."},
			text:   "Resource not found.",
		},
		"everything": {
			server: &recorder{
				status: 429,
				header: http.Header{
					sdk.RequestIDHeader:    {"266ea41d-adf5-480b-af50-15b940c2b846"},
					sdk.BuildVersionHeader: {"v0.0.0+usher.1"},
					"Retry-After":          {"7"},
				},
				body: `{"message":"Too much.","detail":"10 failures","validations":[
					{"field":"email","detail":"is wrong"},{"field":"q","detail":"is odd"}],"more":1}`,
			},
			want: sdk.Error{
				StatusCode: 429, Message: "Too much.", Detail: "10 failures",
				Validations: []sdk.ValidationError{{Field: "email", Detail: "is wrong"}, {Field: "q", Detail: "is odd"}},
				RequestID:   "266ea41d-adf5-480b-af50-15b940c2b846", RetryAfter: 7 * time.Second,
				ServerVersion: "v0.0.0+usher.1",
			},
			text: "Too much. (10 failures)\n  email: is wrong\n  q: is odd",
		},
		"page of a proxy": {
			server: &recorder{
				status: 502, header: http.Header{"Content-Type": {"text/html"}},
				body: "<html>\n  <h1>Bad\x1b[31m gateway</h1>" + strings.Repeat("x", 100_000),
			},
			want: sdk.Error{
				StatusCode: 502,
				Message: "unexpected non-JSON response (502 Bad Gateway): <html> <h1>Bad [31m gateway</h1>" +
					strings.Repeat("x", 200-len("<html> <h1>Bad [31m gateway</h1>")),
			},
		},
		"JSON type with something else inside": {
			server: &recorder{status: 500, body: `oh no`},
			want:   sdk.Error{StatusCode: 500, Message: "unexpected non-JSON response (500 Internal Server Error): oh no"},
		},
		"web page instead of success": {
			server: &recorder{status: 200, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: "<p>Log in to the café"},
			want:   sdk.Error{StatusCode: 200, Message: "unexpected non-JSON response (200 OK): <p>Log in to the café"},
		},
		"empty body": {
			server: &recorder{status: 405, header: http.Header{"Content-Type": {"text/plain"}}},
			want:   sdk.Error{StatusCode: 405},
			text:   "GET http://HOST/api/v2/users: the server answered 405 Method Not Allowed without a message.",
		},
		"unknown status": {
			server: &recorder{status: 499, body: `{}`},
			want:   sdk.Error{StatusCode: 499},
			text:   "GET http://HOST/api/v2/users: the server answered 499 without a message.",
		},
		"nonsense in Retry-After": {
			server: &recorder{status: 503, header: http.Header{"Retry-After": {"-1"}}, body: `{"message":"m"}`},
			want:   sdk.Error{StatusCode: 503, Message: "m"},
		},
		"Retry-After in the past": {
			server: &recorder{status: 503, header: http.Header{"Retry-After": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, body: `{"message":"m"}`},
			want:   sdk.Error{StatusCode: 503, Message: "m"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := connect(t, test.server)
			_, err := client.Users(t.Context(), sdk.UsersRequest{Search: "private"})
			var got *sdk.Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v", err)
			}
			test.want.Method, test.want.URL = "GET", client.URL.String()+"/api/v2/users"
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if text := strings.ReplaceAll(err.Error(), client.URL.Host, "HOST"); test.text != "" && text != test.text {
				t.Errorf("got  %q\nwant %q", text, test.text)
			}
		})
	}
}

func TestRetryAfterDate(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	client := connect(t, &recorder{status: 503, header: http.Header{"Retry-After": {at}}, body: `{"message":"m"}`})
	var got *sdk.Error
	if err := client.Logout(t.Context()); !errors.As(err, &got) {
		t.Fatalf("error %v", err)
	}
	if got.RetryAfter <= 0 || got.RetryAfter > time.Hour {
		t.Errorf("RetryAfter is %v, want up to an hour", got.RetryAfter)
	}
}

func TestBrokenSuccess(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", `{"id":"not a uuid"}`, `[]`, "<html>"} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			_, err := connect(t, &recorder{status: 200, body: body}).User(t.Context(), sdk.Me)
			if err == nil || !strings.Contains(err.Error(), "/api/v2/users/me: read the answer") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestStatusTests(t *testing.T) {
	t.Parallel()
	tests := map[int]func(error) bool{
		401: sdk.IsUnauthenticated,
		403: sdk.IsForbidden,
		404: sdk.IsNotFound,
		409: sdk.IsConflict,
	}
	for status, is := range tests {
		if err := fmt.Errorf("wrapped: %w", &sdk.Error{StatusCode: status}); !is(err) {
			t.Errorf("%d is not recognised", status)
		}
		if is(&sdk.Error{StatusCode: 400}) || is(errors.New("other")) || is(nil) {
			t.Errorf("the test for %d takes something else", status)
		}
	}
}

// TestTokenNeverInErrors goes through every way in which a call can fail.
func TestTokenNeverInErrors(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	echo := func(status int, contentType string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"message":%[1]q,"detail":%[1]q,"validations":[{"field":"f","detail":%[1]q}]}`,
				r.Header.Get(sdk.SessionTokenHeader))
		}
	}
	tests := map[string]func(*sdk.Client){
		"echoed as JSON":     func(*sdk.Client) {},
		"echoed as text":     func(c *sdk.Client) { c.URL.Path = "/text" },
		"echoed as success":  func(c *sdk.Client) { c.URL.Path = "/success" },
		"no server":          func(c *sdk.Client) { c.URL.Host = closed.Addr().String() },
		"token not a header": func(c *sdk.Client) { c.SetSessionToken(token + "\n") },
		"no such host":       func(c *sdk.Client) { c.URL.Host = "host.invalid:bad" },
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.Handle("/", echo(400, "application/json"))
			mux.Handle("/text/", echo(500, "text/plain"))
			mux.Handle("/success/", echo(200, "text/plain"))
			client := connect(t, mux)
			prepare(client)
			_, err := client.Users(t.Context(), sdk.UsersRequest{Search: "private"})
			if err == nil {
				t.Fatal("no error")
			}
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "err", err)
			text := fmt.Sprintf("%v %+v %#v %s", err, err, err, log.String())
			if strings.Contains(text, token) || strings.Contains(text, "private") {
				t.Errorf("the error shows token or query: %s", text)
			}
		})
	}
}

func TestErrorInLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	err := &sdk.Error{StatusCode: 404, Method: "GET", URL: "https://example.com/api/v2/users/ada", Message: "Not here.", RequestID: "r1"}
	slog.New(slog.NewTextHandler(&log, nil)).Error("failed", "err", err)
	want := `err.status=404 err.method=GET err.url=https://example.com/api/v2/users/ada err.message="Not here." err.request_id=r1`
	if !strings.Contains(log.String(), want) {
		t.Errorf("log %s\nlacks %s", log.String(), want)
	}
}

func TestPrintedValuesHideSecrets(t *testing.T) {
	t.Parallel()
	const secret = "correct horse battery"
	values := map[string]any{
		"CreateFirstUserRequest":      sdk.CreateFirstUserRequest{Username: "ada", Password: secret},
		"CreateUserRequest":           sdk.CreateUserRequest{Username: "ada", Password: secret},
		"UpdateUserPasswordRequest":   &sdk.UpdateUserPasswordRequest{OldPassword: secret, Password: secret},
		"ValidateUserPasswordRequest": sdk.ValidateUserPasswordRequest{Password: secret},
		"LoginWithPasswordRequest":    &sdk.LoginWithPasswordRequest{Email: "ada", Password: secret},
		"LoginWithPasswordResponse":   sdk.LoginWithPasswordResponse{SessionToken: secret},
		"ChangePasswordWithOneTimePasscodeRequest": &sdk.ChangePasswordWithOneTimePasscodeRequest{
			Email: "ada", Password: secret, OneTimePasscode: secret,
		},
		"GenerateAPIKeyResponse": sdk.GenerateAPIKeyResponse{Key: secret},
		"GitSSHPrivateKey":       &sdk.GitSSHPrivateKey{PrivateKey: secret},
	}
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("seen", "value", value)
			slog.New(slog.NewTextHandler(&log, nil)).Info("seen", "value", value)
			nested := struct{ Value any }{value}
			text := fmt.Sprintf("%v %+v %#v %s %v", value, value, value, log.String(), nested)
			if strings.Contains(text, secret) {
				t.Errorf("the secret shows: %s", text)
			}
			if got := strings.Count(text, "[redacted]"); got < 6 {
				t.Errorf("[redacted] shows %d times, want it in each of 6 forms: %s", got, text)
			}
			if !bytes.Contains(encode(t, value), []byte(secret)) {
				t.Error("the JSON lacks the secret")
			}
		})
	}
	if text := fmt.Sprintf("%v", sdk.LoginWithPasswordRequest{Email: "ada"}); text != "{ada }" {
		t.Errorf("without a secret: %s", text)
	}
	client := &sdk.Client{}
	client.SetSessionToken(secret)
	if text := fmt.Sprintf("%v %+v %#v", client, client, client); strings.Contains(text, secret) {
		t.Errorf("the client shows its token: %s", text)
	}
}
