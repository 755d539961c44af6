package fault_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"usher/internal/store"
	"usher/internal/store/storetest"
	"usher/sdk"
)

// TestStopWhenIdle: nothing is under way, so that there is nothing to wait for,
// although a client keeps its connection.
func TestStopWhenIdle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		p := serve(t, db)
		if _, err := p.client(t).HasFirstUser(t.Context()); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		p.signal(t, syscall.SIGTERM)
		if got := p.status(t); got != 0 {
			t.Errorf("exit status %d, want 0\n%s", got, p.log)
		}
		// A tenth of this is enough; the bound is for a machine that is busy.
		if took := time.Since(asked); took > 5*time.Second {
			t.Errorf("the server took %v to stop", took)
		}
	})
}

// slowRequest is a request whose body the server is waiting for.
type slowRequest struct {
	connection net.Conn
	answers    *bufio.Reader
	rest       string
}

// beginSlowly sends the head of a request for a new user and returns once the
// server asks for its body, which it does when it works on the request.
func beginSlowly(t *testing.T, p *process, token string) *slowRequest {
	t.Helper()
	address := strings.TrimPrefix(p.url, "http://")
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	body := `{"username":"slow","email":"slow@example.com","login_type":"none","organization_ids":["00000000-0000-0000-0000-000000000000"]}`
	_, err = fmt.Fprintf(connection, "POST /api/v2/users HTTP/1.1\r\nHost: %s\r\n%s: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		address, sdk.SessionTokenHeader, token, len(body))
	if err != nil {
		t.Fatal(err)
	}
	r := &slowRequest{connection: connection, answers: bufio.NewReader(connection), rest: body}
	line, err := r.answers.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the server answers %q, %v, and does not ask for the body", line, err)
	}
	if blank, err := r.answers.ReadString('\n'); err != nil || strings.TrimSpace(blank) != "" {
		t.Fatalf("after 100 Continue: %q, %v", blank, err)
	}
	return r
}

// finish sends the body and returns the status of the answer.
func (r *slowRequest) finish(t *testing.T) int {
	t.Helper()
	if _, err := fmt.Fprint(r.connection, r.rest); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(r.answers, nil)
	if err != nil {
		t.Fatalf("the request under way got no answer: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

// awaitClosed waits until nobody listens at the server's address any more.
func awaitClosed(t *testing.T, p *process) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			_ = connection.Close()
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server still takes connections (%v):\n%s", err, p.log)
		}
	}
}

// TestStopLetsRequestsEnd: what is under way is answered, what comes later is
// not taken, and then the server is gone.
func TestStopLetsRequestsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db store.Config) {
		p := serve(t, db)
		token := createFirstUser(t, p).SessionToken()
		request := beginSlowly(t, p, token)
		p.signal(t, syscall.SIGTERM)
		awaitClosed(t, p)
		select {
		case <-p.done:
			t.Fatalf("the server is gone although a request is under way: %v\n%s", p.err, p.log)
		default:
		}
		if got := request.finish(t); got != http.StatusCreated {
			t.Errorf("the request under way: status %d, want 201", got)
		}
		if got := p.status(t); got != 0 {
			t.Errorf("exit status %d, want 0\n%s", got, p.log)
		}
		again := serve(t, db)
		client := again.client(t)
		client.SetSessionToken(token)
		if _, err := client.User(t.Context(), "slow"); err != nil {
			t.Errorf("what the request under way created is not there: %v", err)
		}
	})
}

// TestSecondSignalDoesNotWait, for whoever has no time for requests under way.
func TestSecondSignalDoesNotWait(t *testing.T) {
	t.Parallel()
	p := serve(t, storetest.SQLite(t))
	beginSlowly(t, p, createFirstUser(t, p).SessionToken())
	p.signal(t, syscall.SIGTERM)
	awaitClosed(t, p)
	asked := time.Now()
	p.signal(t, syscall.SIGTERM)
	if got := p.status(t); got == 0 {
		t.Error("exit status 0, although a request was cut off")
	}
	if took := time.Since(asked); took > 5*time.Second {
		t.Errorf("the server took %v to end", took)
	}
}

// TestTwoServersOnOneDirectory: the second is refused with a sentence, and the
// first does not notice. Where the first was killed the directory is free.
func TestTwoServersOnOneDirectory(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	first := serve(t, db)
	second := run(t, arguments(db)...)
	if got := second.status(t); got != 1 {
		t.Errorf("exit status %d of the second server, want 1", got)
	}
	want := "another server is using " + db.DataDir + "; stop it first, or choose another --data-dir"
	if got := second.log.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("the second server says %q, want the one sentence %q", got, want)
	}
	if _, err := first.client(t).HasFirstUser(t.Context()); err != nil {
		t.Errorf("the first server is disturbed: %v", err)
	}
	first.signal(t, syscall.SIGKILL)
	if got := first.status(t); got != -1 {
		t.Fatalf("exit status %d, want death by a signal", got)
	}
	serve(t, db)
}

// TestServersShareAPostgreSQL: there any number of nodes is fine, if they have
// the encryption key in common.
func TestServersShareAPostgreSQL(t *testing.T) {
	t.Parallel()
	db := store.Config{DatabaseURL: storetest.MigratedPostgres(t), DataDir: t.TempDir()}
	first, second := serve(t, db), serve(t, db)
	token := createFirstUser(t, first).SessionToken()
	client := second.client(t)
	client.SetSessionToken(token)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if me, err := client.User(ctx, sdk.Me); err != nil || me.Username != "owner" {
		t.Errorf("the second node says %q, %v; want the owner that the first one made", me.Username, err)
	}
}
