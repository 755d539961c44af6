package compat_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// endpoint is one endpoint of a reference page.
type endpoint struct {
	Method         string         `json:"method"`
	Path           string         `json:"path"`
	RequestExample map[string]any `json:"request_example"`
	Responses      []struct {
		Status int    `json:"status"`
		Schema string `json:"schema"`
	} `json:"responses"`
	ResponseExample *struct {
		Status int `json:"status"`
		Body   any `json:"body"`
	} `json:"response_example"`
}

func (e endpoint) key() string { return e.Method + " " + e.Path }

// readPages returns the endpoints of each reference page.
func readPages(t *testing.T) map[string][]endpoint {
	t.Helper()
	text, err := os.ReadFile("testdata/endpoints.json")
	if err != nil {
		t.Fatal(err)
	}
	var pages map[string][]endpoint
	if err := json.Unmarshal(text, &pages); err != nil {
		t.Fatal(err)
	}
	return pages
}

func findEndpoint(t *testing.T, page, key string) endpoint {
	t.Helper()
	for _, e := range readPages(t)[page] {
		if e.key() == key {
			return e
		}
	}
	t.Fatalf("the %s page has no %s", page, key)
	return endpoint{}
}

// mayBeAbsent are members that an answer of the schema may lack in every
// dialect.
var mayBeAbsent = map[string][]string{
	"codersdk.Response": {"detail", "validations"},
}

// enums are the values of members that the pages know as enumerations. Dormant
// is a status of deployed servers that the pages leave out, as "" is of settings
// that nobody chose.
var enums = map[string][]string{
	"status":     {"active", "dormant", "suspended"},
	"login_type": {"", "password", "github", "oidc", "token", "none"},
	"scope":      {"all", "application_connect", ""},

	"terminal_font":            {"", "fira-code", "geist-mono", "ibm-plex-mono", "jetbrains-mono", "source-code-pro"},
	"agent_chat_send_shortcut": {"enter", "modifier_enter"},
	"code_diff_display_mode":   {"", "auto", "always_expanded", "always_collapsed"},
	"thinking_display_mode":    {"auto", "preview", "always_expanded", "always_collapsed"},
}

// comparison collects where an answer differs from the page's example.
type comparison struct {
	optional []string // members of the example that may be missing
	empty    []string // lists that may be empty, as ".roles"
	exact    bool     // members that the example lacks are differences, too
	found    []string
}

func (c *comparison) differ(at, format string, args ...any) {
	c.found = append(c.found, at+": "+fmt.Sprintf(format, args...))
}

// value compares a value with that of the example: its JSON type, and its form
// where the example shows one.
func (c *comparison) value(at string, example, got any) {
	switch example := example.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			c.differ(at, "is %s, want an object", jsonType(got))
			return
		}
		c.members(at, example, object)
	case []any:
		list, ok := got.([]any)
		if !ok {
			c.differ(at, "is %s, want an array", jsonType(got))
			return
		}
		c.elements(at, example, list)
	case string:
		text, ok := got.(string)
		if !ok {
			c.differ(at, "is %s, want a string", jsonType(got))
			return
		}
		c.text(at, example, text)
	default:
		if jsonType(example) != jsonType(got) {
			c.differ(at, "is %s, want %s", jsonType(got), jsonType(example))
		}
	}
}

func (c *comparison) members(at string, example, got map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(example)) {
		value, present := got[name]
		switch {
		case present:
			c.value(at+"."+name, example[name], value)
		case !slices.Contains(c.optional, name):
			c.differ(at+"."+name, "is missing")
		}
	}
	if !c.exact {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, known := example[name]; !known {
			c.differ(at+"."+name, "is not on the page")
		}
	}
}

// elements compares each element with the example's only one. A list that is
// empty would prove nothing: the case must see to it that it is not.
func (c *comparison) elements(at string, example, got []any) {
	if len(example) == 0 {
		return
	}
	if len(got) == 0 && !slices.Contains(c.empty, at) {
		c.differ(at, "is empty, so that its elements cannot be compared")
	}
	for i, element := range got {
		c.value(fmt.Sprintf("%s[%d]", at, i), example[0], element)
	}
}

var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$`)

// text compares strings by what the example's looks like, and by the name of
// the member where that is an enumeration.
func (c *comparison) text(at, example, got string) {
	name := at[strings.LastIndexByte(at, '.')+1:]
	if values, ok := enums[name]; ok && !slices.Contains(values, got) {
		c.differ(at, "is %q, want one of %q", got, values)
	}
	if _, err := uuid.Parse(example); err == nil {
		if id, err := uuid.Parse(got); err != nil || id.String() != got {
			c.differ(at, "is %q, want a UUID", got)
		}
	}
	if dateTime.MatchString(example) {
		if _, err := time.Parse(time.RFC3339Nano, got); err != nil || !dateTime.MatchString(got) {
			c.differ(at, "is %q, want a time in UTC with at most microseconds", got)
		}
	}
}

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "an object"
}

// TestComparison shows that a difference is found where there is one.
func TestComparison(t *testing.T) {
	t.Parallel()
	const example = `{"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","at":"2019-08-24T14:15:22Z","status":"active",
		"count":0,"ok":true,"list":[{"name":"string"}],"detail":"string"}`
	const good = `{"id":"00000000-0000-0000-0000-000000000000","at":"2026-01-02T03:04:05.123456Z","status":"dormant",
		"count":3,"ok":false,"list":[{"name":""}]}`
	for _, test := range []struct {
		name, old, replacement string
		want                   int
	}{
		{name: "the same"},
		{name: "a UUID that is none", old: `"00000000-0000-0000-0000-000000000000"`, replacement: `""`, want: 1},
		{name: "a time with an offset", old: `.123456Z`, replacement: `+01:00`, want: 1},
		{name: "nanoseconds", old: `.123456Z`, replacement: `.123456789Z`, want: 1},
		{name: "no value of the enumeration", old: `dormant`, replacement: `asleep`, want: 1},
		{name: "a string for a number", old: `"count":3`, replacement: `"count":"3"`, want: 1},
		{name: "null for a list", old: `[{"name":""}]`, replacement: `null`, want: 1},
		{name: "an empty list", old: `[{"name":""}]`, replacement: `[]`, want: 1},
		{name: "an element without its member", old: `{"name":""}`, replacement: `{}`, want: 1},
		{name: "a member too many", old: `"ok"`, replacement: `"more":1,"ok"`, want: 1},
		{name: "another member", old: `"ok"`, replacement: `"OK"`, want: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var page, got any
			if err := json.Unmarshal([]byte(example), &page); err != nil {
				t.Fatal(err)
			}
			text := good
			if test.old != "" {
				text = strings.Replace(good, test.old, test.replacement, 1)
			}
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			c := comparison{optional: []string{"detail"}, exact: true}
			c.value("", page, got)
			if len(c.found) != test.want {
				t.Errorf("%d differences, want %d: %q", len(c.found), test.want, c.found)
			}
		})
	}
}
