package mail

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	gomail "github.com/wneessen/go-mail"

	"usher/internal/secret"
)

// Message is a plain text for one person.
type Message struct {
	// UserID is the person, by whom the log names the message.
	UserID uuid.UUID
	// To is the person's address, without a name.
	To string
	// Subject is one line.
	Subject string
	// Body is the text; lines end with a newline.
	Body secret.Redacted
	// Secrets are the parts of the text that must not be seen in a log, should
	// the mail server repeat them.
	Secrets []secret.Redacted
}

// compose makes the message that is sent. It is made once: all attempts have the
// same date and id, so that a server can tell a repetition.
func (s *Sender) compose(m Message, now time.Time) (*gomail.Msg, error) {
	if strings.ContainsFunc(m.To+m.Subject, unicode.IsControl) {
		return nil, errors.New("the address or the subject has control characters")
	}
	to, err := netmail.ParseAddress(m.To)
	if err != nil || to.Address != m.To {
		return nil, errors.New("the address of the recipient is none") // not repeated: it is a person's
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(to)
	msg.Subject(m.Subject)
	msg.SetDateWithValue(now)
	msg.SetMessageIDWithValue(s.messageID())
	// RFC 3834, section 5: nothing is to answer by itself.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Body.Reveal())
	return msg, nil
}

// messageID makes an id of this sender's domain, which says nothing about the
// machine.
func (s *Sender) messageID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	_, domain, _ := strings.Cut(s.from.Address, "@")
	return fmt.Sprintf("%s@%s", hex.EncodeToString(random), domain)
}

// beyondASCII reports whether an address needs a server that knows RFC 6531.
func beyondASCII(address string) bool {
	return strings.ContainsFunc(address, func(r rune) bool { return r > unicode.MaxASCII })
}

// longestReason bounds what a server can write into the log.
const longestReason = 300

// reason is what the log may have of an error: a line of bounded length without
// the recipient's address and what is secret of the text.
func (m *Message) reason(err error) string {
	text := strings.ReplaceAll(err.Error(), m.To, "[recipient]")
	for _, private := range m.Secrets {
		if private != "" {
			text = strings.ReplaceAll(text, private.Reveal(), private.String())
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestReason {
		text = strings.ToValidUTF8(text[:longestReason], "") + "…"
	}
	return text
}
