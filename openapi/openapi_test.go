package openapi_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"usher/openapi"
)

// TestMain registers the formats that the validator does not know by itself:
// without it an identifier that is no UUID would pass unnoticed.
func TestMain(m *testing.M) {
	openapi3.DefineStringFormatValidator("uuid", openapi3.NewCallbackValidator(uuid.Validate))
	openapi3.DefineStringFormatValidator("email",
		openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForEmail))
	os.Exit(m.Run())
}

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()

	doc := load(t)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi is %q, want 3.1.0", doc.OpenAPI)
	}
	if err := check(t.Context(), doc); err != nil {
		t.Error(err)
	}
}

// TestExamplesAreChecked breaks the document in one place at a time, so that
// an example can never be skipped in silence.
func TestExamplesAreChecked(t *testing.T) {
	t.Parallel()

	cases := map[string]struct{ old, new string }{
		"schema, enum":       {old: "status: dormant\n", new: "status: deleted\n"},
		"schema, uuid":       {old: "user_id: a169451c-", new: "user_id: x169451c-"},
		"schema, date-time":  {old: `last_seen_at: "0001-01-01T00:00:00Z"`, new: "last_seen_at: never"},
		"schema, missing":    {old: "          theme_preference: \"\"\n", new: ""},
		"schema, pattern":    {old: "examples: [new-user]", new: "examples: [-new-user]"},
		"schema, email":      {old: "- { email: other.address@example.com }", new: "- { email: nobody }"},
		"request":            {old: "                  username: build-robot\n", new: ""},
		"response":           {old: "example: { message: Logged out! }", new: "example: { message: 1 }"},
		"response, error":    {old: "                  - field: limit\n                    detail:", new: "                  - detail:"},
		"parameter":          {old: "example: reference", new: "example: klingon"},
		"parameter, named":   {old: "{ summary: The caller, value: me }", new: "{ summary: The caller, value: 7 }"},
		"header":             {old: "example: v0.0.0+usher.0.1.0", new: "example: v2.33.1"},
		"default":            {old: "maximum: 2147483647, default: 100 }", new: "maximum: 2147483647, default: -1 }"},
		"unresolved":         {old: "schemas/MinimalOrganization\"", new: "schemas/Nowhere\""},
		"schema, either":     {old: "- { type: organization, id: \"*\" }", new: "- { type: organization, id: all }"},
		"schema, optional":   {old: "replaced_by: ush1Hd5NcE", new: "replaced_by: \"\""},
		"schema, map":        {old: "{ listsEveryone: false,", new: "{ listsEveryone: 0,"},
		"request, either":    {old: "- \"user:5b6a7f3c-", new: "- \"user 5b6a7f3c-"},
		"request, optional":  {old: "value: { overlap: 0 }", new: "value: { overlap: -1 }"},
		"nested, wrong type": {old: "hashed_password: { old: \"\", new: \"\", secret: true }", new: "hashed_password: { secret: 1 }"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := string(openapi.YAML())
			if n := strings.Count(text, c.old); n != 1 {
				t.Fatalf("the document has %q %d times, want once", c.old, n)
			}
			doc, err := openapi3.NewLoader().LoadFromData([]byte(strings.Replace(text, c.old, c.new, 1)))
			if err == nil {
				err = check(t.Context(), doc)
			}
			if err == nil {
				t.Errorf("%q instead of %q passes", c.new, c.old)
			}
		})
	}
}

func TestYAMLReturnsACopy(t *testing.T) {
	t.Parallel()

	first := openapi.YAML()
	clear(first)
	if second := openapi.YAML(); !strings.HasPrefix(string(second), "openapi: 3.1.0\n") {
		t.Error("a caller can change the document for others")
	}
}

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// check validates the document with all its examples. The library leaves out
// those of headers and the lists of examples in schemas.
func check(ctx context.Context, doc *openapi3.T) error {
	errs := []error{doc.Validate(ctx, openapi3.EnableSchemaFormatValidation())}
	for name, header := range doc.Components.Headers {
		if header.Value.Example != nil {
			errs = append(errs, checkExample("header "+name, header.Value.Schema.Value, header.Value.Example))
		}
	}
	err := doc.WalkSchemas(func(pointer string, schema *openapi3.SchemaRef) error {
		for _, example := range schema.Value.Examples {
			errs = append(errs, checkExample(pointer, schema.Value, example))
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func checkExample(where string, schema *openapi3.Schema, example any) error {
	if err := schema.VisitJSON(example, openapi3.EnableJSONSchema2020()); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}
