package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const sample = "hunter2-Zq8Kw4Tn0Vb5"

// secretsUnderTest returns each printing type and the words that must not show.
func secretsUnderTest(t *testing.T) map[string]struct {
	value  any
	hidden []string
} {
	t.Helper()
	key := mustMint(t)
	presented, err := ParseKey(key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	hash := presented.Hash()
	hidden := []string{key.ID, key.Reveal()[11:], key.Reveal()[11:27], fmt.Sprintf("%x", hash), fmt.Sprint(hash), fmt.Sprintf("%X", key.Reveal()[11:])}
	redacted := Redacted(sample)
	word := []string{sample, fmt.Sprintf("%x", sample), fmt.Sprintf("%X", sample), fmt.Sprint([]byte(sample))}
	return map[string]struct {
		value  any
		hidden []string
	}{
		"Key":                  {key, hidden},
		"pointer to Key":       {&key, hidden},
		"PresentedKey":         {presented, hidden},
		"pointer to Presented": {&presented, hidden},
		"Redacted":             {redacted, word},
		"pointer to Redacted":  {&redacted, word},
	}
}

func TestNoVerbPrintsASecret(t *testing.T) {
	t.Parallel()
	for name, tt := range secretsUnderTest(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// fmt answers %T and %p itself and gives %w to errors only. %T shows
			// the type alone; the doc comment of Redacted tells of the other two.
			for verb := range strings.SplitSeq("vdsqxXbcoOUeEfFgGtyzkn", "") {
				for _, flags := range []string{"", "+", "#", "-", " ", "0", "40", ".3", "-40.3"} {
					format := "%" + flags + verb
					got := fmt.Sprintf(format, tt.value)
					if got != "[redacted]" {
						t.Errorf("%s printed something else than [redacted]", format)
					}
				}
			}
			checkHidden(t, "%T", fmt.Sprintf("%T", tt.value), tt.hidden)
			checkHidden(t, "Sprint", fmt.Sprint(tt.value), tt.hidden)
			wordless := "no verb"
			checkHidden(t, "an extra argument", fmt.Sprintf(wordless, tt.value), tt.hidden) //nolint:staticcheck // the mistake is what is tested
			checkHidden(t, "a slice", fmt.Sprintf("%v %+v %#v", []any{tt.value}, []any{tt.value}, []any{tt.value}), tt.hidden)
			held := holder{tt.value}
			checkHidden(t, "a struct", fmt.Sprintf("%v %+v %#v", held, held, held), tt.hidden)
		})
	}
}

// A Key must survive what no method can prevent: printing by reflection.
func TestKeyBehindReflection(t *testing.T) {
	t.Parallel()
	key := mustMint(t)
	outer := struct{ key Key }{key}
	secret := []string{key.Reveal()[11:], key.Reveal()[11:27]}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%p", "%w"} {
		checkHidden(t, "unexported field with "+format, fmt.Sprintf(format, outer), secret)
		checkHidden(t, format, fmt.Sprintf(format, []any{key}...), secret)
	}
}

type holder struct{ Value any }

func TestNoEncoderWritesASecret(t *testing.T) {
	t.Parallel()
	for name, tt := range secretsUnderTest(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			encoded, err := json.Marshal(map[string]any{"value": tt.value, "list": []any{tt.value}})
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"list":["[redacted]"],"value":"[redacted]"}`; string(encoded) != want {
				t.Errorf("JSON is not %s", want)
			}
			encoded, err = xml.Marshal(holder{tt.value})
			if err != nil {
				t.Fatal(err)
			}
			checkShows(t, "XML", string(encoded), tt.hidden)
		})
	}
}

func TestNoLogHoldsASecret(t *testing.T) {
	t.Parallel()
	for name, tt := range secretsUnderTest(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := slog.AnyValue(tt.value).Resolve(); got.Kind() != slog.KindString || got.String() != "[redacted]" {
				t.Error("a handler of another kind than slog's own would get the secret")
			}
			var out bytes.Buffer
			for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
				out.Reset()
				log := slog.New(handler)
				log.Info("attribute", "value", tt.value)
				checkShows(t, "attribute", out.String(), tt.hidden)
				out.Reset()
				log.With("value", tt.value).WithGroup("group").Info("nested", slog.Group("inner", "value", tt.value))
				checkShows(t, "group", out.String(), tt.hidden)
				out.Reset()
				log.Info("struct", "value", holder{tt.value})
				checkShows(t, "struct", out.String(), tt.hidden)
			}
		})
	}
}

func TestJSONMapKeysAreRedacted(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(map[PresentedKey]int{{ID: "ush0000000"}: 1})
	if err != nil {
		t.Fatal(err)
	}
	if string(encoded) != `{"[redacted]":1}` {
		t.Errorf("JSON is %s", encoded)
	}
}

func TestRedactedRevealsAndDecodes(t *testing.T) {
	t.Parallel()
	var body struct {
		Password Redacted `json:"password"`
	}
	if err := json.Unmarshal([]byte(`{"password":"`+sample+`"}`), &body); err != nil {
		t.Fatal(err)
	}
	if body.Password.Reveal() != sample {
		t.Error("the decoded secret is not what was sent")
	}
	if body.Password.String() != "[redacted]" || body.Password.GoString() != "[redacted]" {
		t.Error("String or GoString shows something else than [redacted]")
	}
}

func checkHidden(t *testing.T, where, got string, hidden []string) {
	t.Helper()
	for _, word := range hidden {
		if strings.Contains(got, word) {
			t.Errorf("%s shows a secret", where)
		}
	}
}

// checkShows also wants the mark, so that a value that was dropped altogether
// does not pass.
func checkShows(t *testing.T, where, got string, hidden []string) {
	t.Helper()
	checkHidden(t, where, got, hidden)
	if !strings.Contains(got, "[redacted]") {
		t.Errorf("%s does not show [redacted]", where)
	}
}
