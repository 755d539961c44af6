package mailtest

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// decode returns the body of a plain text in UTF-8, and an error for anything
// else.
func decode(m *mail.Message) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if kind != "text/plain" || !strings.EqualFold(params["charset"], "utf-8") {
		return nil, fmt.Errorf("the message is %s in %q", kind, params["charset"])
	}
	switch encoding := m.Header.Get("Content-Transfer-Encoding"); strings.ToLower(encoding) {
	case "quoted-printable":
		return io.ReadAll(quotedprintable.NewReader(m.Body))
	case "base64":
		return io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
	case "", "7bit", "8bit":
		return io.ReadAll(m.Body)
	default:
		return nil, fmt.Errorf("the message is encoded as %q", encoding)
	}
}

// Subject returns the decoded subject.
func (m *Mail) Subject() string {
	subject, err := (&mime.WordDecoder{}).DecodeHeader(m.Message.Header.Get("Subject"))
	if err != nil {
		return m.Message.Header.Get("Subject")
	}
	return subject
}
