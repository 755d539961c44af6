package cli

import (
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"

	"usher/internal/mail/mailtest"
)

// mailKey finds the mail server of a script.
type mailKey struct{}

// mailbox is a mail server, once it is started.
type mailbox struct{ server *mailtest.Server }

func mailboxOf(ts *testscript.TestScript) *mailbox {
	box, ok := ts.Value(mailKey{}).(*mailbox)
	if !ok {
		ts.Fatalf("there is no place for a mail server")
	}
	return box
}

func mailCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || args[0] != "start" {
		ts.Fatalf("usage: mail start")
	}
	server, err := mailtest.Start(mailtest.Config{})
	ts.Check(err)
	ts.Defer(server.Close)
	mailboxOf(ts).server = server
	ts.Setenv("MAIL", server.Address)
}

var passcodeForm = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// passcodeCommand waits for a message.
func passcodeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: passcode NAME")
	}
	m, ok := mailboxOf(ts).server.Wait()
	if !ok {
		ts.Fatalf("no message came")
	}
	ts.Setenv(args[0], passcodeForm.FindString(m.Text))
}
