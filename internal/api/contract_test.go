package api_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"usher/openapi"
	"usher/sdk"
)

// document is openapi.yaml as something that answers are held to.
type document struct{ *openapi3.T }

// contract reads the document, once for the process.
var contract = sync.OnceValue(func() *document {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(uuid.Validate))
	openapi3.DefineStringFormatValidator("email", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForEmail))
	doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML())
	if err != nil {
		panic(err)
	}
	return &document{T: doc}
})

// check says in what an answer differs from the description. Bodies of success
// are described in the reference dialect alone.
func (d *document) check(req *http.Request, a answer, otherwise string) error {
	faults := []error{checkEveryAnswer(req, a)}
	response, err := d.response(req, a.status)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	faults = append(faults, d.checkHeaders(response, a.header))
	if req.Method != http.MethodHead {
		described := a.status >= 400 || isReference(req, otherwise)
		faults = append(faults, d.checkBody(response, a, described))
	}
	return errors.Join(faults...)
}

func isReference(req *http.Request, otherwise string) bool {
	dialect := cmp.Or(req.Header.Get(sdk.DialectHeader), otherwise, sdk.DialectReference)
	named := req.Header.Get(sdk.DialectHeader) != ""
	return dialect == sdk.DialectReference && (named || !strings.HasPrefix(req.UserAgent(), "coder-cli/"))
}

// checkEveryAnswer holds an answer to what all of them have.
func checkEveryAnswer(req *http.Request, a answer) error {
	var faults []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	expect(strings.HasPrefix(a.header.Get("X-Coder-Build-Version"), "v0.0.0+usher."), "the build version is missing")
	expect(uuid.Validate(a.header.Get("X-Coder-Request-Id")) == nil, "the request id is no UUID")
	expect(a.header.Get("X-Content-Type-Options") == "nosniff", "nosniff is missing")
	if strings.HasPrefix(cleanPath(req), "/api/v2") {
		expect(a.header.Get("Vary") == "Cookie, User-Agent, Usher-Dialect", "Vary is %q", a.header.Get("Vary"))
	}
	if !isJSON(a.header) || req.Method == http.MethodHead {
		return errors.Join(faults...)
	}
	expect(a.header.Get("Content-Type") == "application/json; charset=utf-8", "Content-Type is %q", a.header.Get("Content-Type"))
	expect(bytes.HasSuffix(a.body, []byte("\n")), "the body does not end in a newline")
	expect(!bytes.ContainsAny(a.body, "<>&"), "the body has <, > or & unescaped")
	for _, text := range timeLike.FindAllString(string(a.body), -1) {
		expect(utcMicroseconds.MatchString(text), "the time %s is not in UTC to the microsecond", text)
	}
	return errors.Join(faults...)
}

var (
	timeLike        = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"\\]*"`)
	utcMicroseconds = regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"$`)
)

func isJSON(header http.Header) bool {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return media == "application/json"
}

// cleanPath is the path as the server understands it.
func cleanPath(req *http.Request) string {
	segments := strings.FieldsFunc(req.URL.EscapedPath(), func(r rune) bool { return r == '/' })
	return "/" + strings.Join(segments, "/")
}

// response finds what the document says about a status. What no operation
// describes can only be an error.
func (d *document) response(req *http.Request, status int) (*openapi3.Response, error) {
	item := d.item(cleanPath(req))
	undescribed := &openapi3.Response{Content: d.Components.Responses["NotFound"].Value.Content}
	switch {
	case item == nil && cleanPath(req) == "/" && status == http.StatusOK: // the page for people
		return &openapi3.Response{Content: openapi3.Content{"text/html": &openapi3.MediaType{}}}, nil
	case item == nil && status < 400:
		return nil, fmt.Errorf("%d on a path that is not described", status)
	case item == nil:
		return undescribed, nil
	}
	method := req.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	operation := item.Operations()[method]
	if operation == nil {
		if status < 400 {
			return nil, fmt.Errorf("%d on a method that is not described", status)
		}
		return undescribed, nil
	}
	described := operation.Responses.Status(status)
	if described == nil {
		return nil, fmt.Errorf("%s describes no answer %d", operation.OperationID, status)
	}
	return described.Value, nil
}

// item finds the path of the document that fits best: fixed segments win over
// parameters.
func (d *document) item(path string) *openapi3.PathItem {
	var found *openapi3.PathItem
	fewest := len(path) + 1
	for template, item := range d.Paths.Map() {
		if parameters, ok := fits(template, path); ok && parameters < fewest {
			found, fewest = item, parameters
		}
	}
	return found
}

func fits(template, path string) (parameters int, ok bool) {
	wanted, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(wanted) != len(got) {
		return 0, false
	}
	for i, segment := range wanted {
		if strings.HasPrefix(segment, "{") {
			parameters++
		} else if segment != got[i] {
			return 0, false
		}
	}
	return parameters, true
}

func (d *document) checkHeaders(response *openapi3.Response, got http.Header) error {
	var faults []error
	for name, described := range response.Headers {
		text := got.Get(name)
		if text == "" {
			if described.Value.Required {
				faults = append(faults, fmt.Errorf("the header %s is missing", name))
			}
			continue
		}
		var value any = text
		if described.Value.Schema.Value.Type.Is("integer") {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			value = float64(n)
		}
		if err := validate(described.Value.Schema.Value, value); err != nil {
			faults = append(faults, fmt.Errorf("the header %s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

func (d *document) checkBody(response *openapi3.Response, a answer, schema bool) error {
	if len(response.Content) == 0 {
		if len(a.body) > 0 {
			return errors.New("there is a body where none is described")
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return err
	}
	described := response.Content.Get(media)
	if described == nil {
		return fmt.Errorf("the content type %s is not described", media)
	}
	if !schema || media != "application/json" {
		return nil
	}
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		return err
	}
	return validate(described.Schema.Value, value)
}

func validate(schema *openapi3.Schema, value any) error {
	return schema.VisitJSON(value, openapi3.EnableJSONSchema2020())
}

// TestContractNoticesFaults breaks an answer in one place at a time: a check
// that lets everything pass would prove nothing.
func TestContractNoticesFaults(t *testing.T) {
	t.Parallel()

	good := func() (*http.Request, answer) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://usher/api/v2/users/first", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		id := uuid.NewString()
		return req, answer{
			status: http.StatusCreated,
			header: http.Header{
				"X-Coder-Build-Version": {"v0.0.0+usher.1"}, "X-Coder-Request-Id": {id}, "X-Content-Type-Options": {"nosniff"},
				"Vary": {"Cookie, User-Agent, Usher-Dialect"}, "Content-Type": {"application/json; charset=utf-8"},
			},
			body: []byte(`{"user_id":"` + id + `","organization_id":"` + id + `"}` + "\n"),
		}
	}
	if req, a := good(); contract().check(req, a, "") != nil {
		t.Fatal(contract().check(req, a, ""))
	}
	cases := map[string]func(*http.Request, *answer){
		"status":       func(_ *http.Request, a *answer) { a.status = http.StatusOK },
		"path":         func(r *http.Request, _ *answer) { r.URL.Path = "/api/v2/nowhere" },
		"method":       func(r *http.Request, _ *answer) { r.Method = http.MethodPatch },
		"version":      func(_ *http.Request, a *answer) { a.header.Del("X-Coder-Build-Version") },
		"request id":   func(_ *http.Request, a *answer) { a.header.Set("X-Coder-Request-Id", "1") },
		"vary":         func(_ *http.Request, a *answer) { a.header.Set("Vary", "Cookie") },
		"header":       func(_ *http.Request, a *answer) { a.header.Set("X-RateLimit-Limit", "many") },
		"content type": func(_ *http.Request, a *answer) { a.header.Set("Content-Type", "text/plain") },
		"newline":      func(_ *http.Request, a *answer) { a.body = bytes.TrimSpace(a.body) },
		"uuid":         func(_ *http.Request, a *answer) { a.body = bytes.Replace(a.body, []byte(`id":"`), []byte(`id":"x`), 1) },
		"member":       func(_ *http.Request, a *answer) { a.body = []byte("{}\n") },
		"html":         func(_ *http.Request, a *answer) { a.body = bytes.Replace(a.body, []byte("}"), []byte(`,"x":"<"}`), 1) },
		"time": func(_ *http.Request, a *answer) {
			a.body = bytes.Replace(a.body, []byte("}"), []byte(`,"x":"2026-01-01T00:00:00+01:00"}`), 1)
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, a := good()
			spoil(req, &a)
			if contract().check(req, a, "") == nil {
				t.Error("nothing was noticed")
			}
		})
	}
}

// TestContractFindsPaths shows that fixed segments win over parameters.
func TestContractFindsPaths(t *testing.T) {
	t.Parallel()

	for path, want := range map[string]string{
		"/api/v2/users/first": "hasFirstUser", "/api/v2/users/roles": "listSiteRoles", "/api/v2/users/x": "getUser",
		"/api/v2/users/x/organizations/y": "getUserOrganization", "/api/v2/organizations/roles": "getOrganization",
	} {
		if got := contract().item(path).Get.OperationID; got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if contract().item("/api/v2/users/x/y/z") != nil {
		t.Error("a path was found that is not described")
	}
}
