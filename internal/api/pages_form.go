package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"usher/internal/account"
)

// form is what somebody fills in. Its fields are named as on the wire of the
// API, so that the errors of the use cases name them.
type form struct {
	Action   string
	Redirect string // where success leads; sent along
	Fields   []field
	Submit   string
}

// field is one input of a form.
type field struct {
	Name         string
	Label        string
	Type         string // text or password
	Autocomplete string // the purpose, see HTML's autofill field names
	InputMode    string // the keyboard of a phone
	Hint         string
	Optional     bool
	Value        string // what was entered before; never of a password
	Fault        string // what is wrong with it
	Focus        bool
}

// ID names the input in its page.
func (f field) ID() string { return "field-" + strings.ReplaceAll(f.Name, "_", "-") }

// Described lists the ids of what explains the input.
func (f field) Described() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.ID()+"-hint")
	}
	if f.Fault != "" {
		ids = append(ids, f.ID()+"-fault")
	}
	return strings.Join(ids, " ")
}

// emailField is no input of type email: browsers would rewrite domains of other
// scripts and refuse addresses that the server knows.
func emailField() field {
	return field{Name: "email", Label: "E-mail", Type: "text", Autocomplete: "username", InputMode: "email"}
}

func newPasswordField() field {
	return field{
		Name: "password", Label: "New password", Type: "password", Autocomplete: "new-password",
		Hint: "At most 64 bytes, and not easily guessed: several words, or letters, digits and symbols mixed.",
	}
}

// fill shows again what was entered, but for passwords.
func (f *form) fill(values url.Values) {
	f.Redirect = sanitizeRedirect(values.Get("redirect"))
	for i := range f.Fields {
		if f.Fields[i].Type != "password" {
			f.Fields[i].Value = values.Get(f.Fields[i].Name)
		}
	}
	f.focus()
}

// focus puts the cursor where something is to be done: at the first field that is
// wrong, or else at the first that is empty.
func (f *form) focus() {
	at := slices.IndexFunc(f.Fields, func(one field) bool { return one.Fault != "" })
	if at < 0 {
		at = slices.IndexFunc(f.Fields, func(one field) bool { return one.Value == "" })
	}
	for i := range f.Fields {
		f.Fields[i].Focus = i == at
	}
}

// blame marks the field that a fault is of.
func (f *form) blame(fault account.FieldError) fieldProblem {
	at := slices.IndexFunc(f.Fields, func(one field) bool { return one.Name == fault.Field })
	if at < 0 {
		return fieldProblem{Text: sentence(fault.Field, fault.Detail)}
	}
	wrong := &f.Fields[at]
	wrong.Fault = sentence(wrong.Label, fault.Detail)
	f.focus()
	return fieldProblem{ID: wrong.ID(), Text: wrong.Fault}
}

// sentence completes a detail that begins in the middle of one.
func sentence(subject, detail string) string {
	if first, _ := utf8.DecodeRuneInString(detail); unicode.IsUpper(first) {
		return detail
	}
	return subject + " " + detail + "."
}

// form reads what a browser has posted. Another kind of body than a form's is
// one without fields.
func (c *call) form() (url.Values, error) {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxBody)
	err := c.r.ParseForm()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, bodyTooLarge()
	}
	if err != nil {
		return nil, account.Invalid("The form cannot be read.").Because(err)
	}
	values := c.r.PostForm
	for _, list := range values {
		for i := range list {
			list[i] = strings.ToValidUTF8(list[i], "�")
		}
	}
	return values, nil
}
