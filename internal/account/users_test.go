package account_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"usher/internal/account"
)

// reserved are the words that no user can have as its name (decisions D7).
func reserved() []string {
	return strings.Fields("me first authmethods login logout roles otp oauth2 oidc oidc-claims validate-password new create")
}

func TestCheckUsername(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"a", "A", "7", "alice", "Alice-Smith", "a-b-c-d", "1st-user", "2026", strings.Repeat("z", 32),
		"mee", "firsts", "login-1", "new-user", "default", "coder", "root",
		strings.Repeat("0", 31), "0123456789abcdef0123456789abcdeg",
	} {
		if err := account.CheckUsername(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	refused := []string{
		"", " ", "a b", " a", "a ", "a\n", "a\x00", "-", "-a", "a-", "a--b", "a_b", "a.b", "a@b", "a/b", "a:b", "a%20b",
		"ä", "ſ", "ａ", "\xff", strings.Repeat("a", 33), strings.Repeat("a-", 16),
		strings.Repeat("0", 32), strings.Repeat("a", 32), "0123456789abcdef0123456789ABCDEF",
	}
	for _, word := range reserved() {
		refused = append(refused, word, strings.ToUpper(word), strings.ToUpper(word[:1])+word[1:])
	}
	for _, name := range refused {
		if err := account.CheckUsername(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

// followsUsernameRule says the rule of users.md, section 2.2, and decisions D7
// again, letter by letter.
func followsUsernameRule(name string) bool {
	if len(name) < 1 || len(name) > 32 {
		return false
	}
	hex := 0
	for i := range len(name) {
		c := name[i]
		digit, lower, upper := '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z'
		joins := c == '-' && i > 0 && i < len(name)-1 && name[i-1] != '-'
		if !digit && !lower && !upper && !joins {
			return false
		}
		if digit || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' {
			hex++
		}
	}
	for _, word := range reserved() {
		if strings.EqualFold(word, name) {
			return false
		}
	}
	return hex != 32
}

func FuzzCheckUsername(f *testing.F) {
	for _, seed := range []string{
		"", "alice", "Alice-Smith-2", "-a", "a-", "a--b", "a_b", "me", "ME", "validate-password", "ä", "K", "a\n",
		"0123456789abcdef0123456789abcdef", strings.Repeat("a", 32), strings.Repeat("a", 33), "\xff", "a\x00b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := account.CheckUsername(name)
		if followsUsernameRule(name) != (err == nil) {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil {
			return
		}
		if ref := account.ParseUserRef(name); ref.Me || ref.ID != uuid.Nil || ref.Name != name {
			t.Errorf("%q can be a name and not be found by it: %+v", name, ref)
		}
	})
}

func TestCheckRealName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "Ada Lovelace", "J. R. R. Tolkien", "山田　太郎", "Ünal İnönü", "x", "O'Brien-Smith <3",
		strings.Repeat("a", 128), strings.Repeat("ä", 64), "two  spaces",
	} {
		if err := account.CheckRealName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		" Ada", "Ada ", "\tAda", "Ada\n", "\u00a0Ada", "Ada\u3000", " ", "Ada\x00", "Ada\x1b[31m", "Ada\nLovelace", "Ada\u0085L",
		"\xff", "Ada \xc3", strings.Repeat("a", 129), strings.Repeat("ä", 65),
	} {
		if err := account.CheckRealName(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

// longEmail returns an address of that many bytes.
func longEmail(size int) string {
	const domain = "@example.com"
	return strings.Repeat("a", size-len(domain)) + domain
}

func TestCheckEmail(t *testing.T) {
	t.Parallel()
	for _, email := range []string{
		"test@mail.com", "A.B@Example.COM", "user+tag@example.co.uk", "o'brien@example.com", "!#$%&'*+-/=?^_`{|}~@example.com",
		"1@2.com", "a@b.co", "a@b-c.d-e.org", "x@xn--bcher-kva.example", "Dörte@Sörensen.example.com", "θσερ@εχαμπλε.ψομ",
		"用户@例子.广告", "उपयोगकर्ता@उदाहरण.कॉम", longEmail(254),
	} {
		if err := account.CheckEmail(email); err != nil {
			t.Errorf("%q: %v", email, err)
		}
	}
	for _, email := range []string{
		"", "@", "plain", "a@", "@email.com", `"@email.com`, "two@at@example.com", "a@b", "test@email", "root@localhost",
		"test@email.", "a@example.com.", "a@.com", "a@b..com", ".a@b.co", "a.@b.co", "a..b@b.co", "a@-b.co", "a@b-.co", "a@b.-co", "a@b.co-",
		"Ada <a@b.co>", "<a@b.co>", `"Ada" <a@b.co>`, `"ada"@b.co`, `"a b"@b.co`, "a@b.co (Ada)", "(Ada) a@b.co", "a(x)@b.co", "a@b.co, c@d.co", "a@b.co;", "mailto:a@b.co",
		"a b@example.com", " a@b.co", "a@b.co ", "a@b .co", "a@b.co\n", "\ta@b.co", "a\u00a0b@c.co", "a@b.co\u3000",
		"a\x00@b.co", "a\x7f@b.co", "a\u0085@b.co", "\xff@b.co", "a@\xff.co", "a@[127.0.0.1]", "a@127.0.0.1", "a@b.c0", "a@b.9",
		"mail@domain_with_underscores.org", longEmail(255),
	} {
		if err := account.CheckEmail(email); err == nil {
			t.Errorf("%q is accepted", email)
		}
	}
}

func FuzzCheckEmail(f *testing.F) {
	for _, seed := range []string{"a@b.co", "Ada <a@b.co>", "a@b", "a@[::1]", `"a b"@c.de`, "a@b.co\n", "\xff@b.co", "θσερ@εχαμπλε.ψομ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, email string) {
		if account.CheckEmail(email) != nil {
			return
		}
		local, domain, _ := strings.Cut(email, "@")
		bad := func(r rune) bool {
			return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>()",:;\`, r)
		}
		switch {
		case len(email) > 254, !utf8.ValidString(email), strings.ContainsFunc(email, bad):
			t.Errorf("%q is too long, or not plain text", email)
		case local == "" || !strings.Contains(domain, ".") || strings.Contains(domain, "@"):
			t.Errorf("%q is not one local part at a domain name", email)
		}
	})
}

func TestCheckAvatarURL(t *testing.T) {
	t.Parallel()
	prefix := "https://example.com/"
	for _, address := range []string{
		"", "https://example.com/a.png", "http://example.com:8080/a?b=c#d", "HTTPS://EXAMPLE.COM", "https://[::1]/a",
		prefix + strings.Repeat("a", 2048-len(prefix)),
	} {
		if err := account.CheckAvatarURL(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, address := range []string{
		" ", "example.com/a.png", "/a.png", "//example.com/a.png", "https://", "https:///a.png", "https://:443/a.png", "https:example.com",
		"ftp://example.com/a", "javascript:alert(1)", "data:image/png;base64,AA==", "file:///etc/passwd", "https://exa mple.com/",
		"https://example.com/%zz", "https://example.com/\n", "https://example.com/\x00", "https://example.com/\xff",
		prefix + strings.Repeat("a", 2049-len(prefix)),
	} {
		if err := account.CheckAvatarURL(address); err == nil {
			t.Errorf("%q is accepted", address)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	same := [][]string{
		{"alice", "Alice", "ALICE"},
		{"jos\u00e9", "jose\u0301", "JOSE\u0301", "JOS\u00c9"}, // composed and decomposed
		{"straße", "STRASSE", "strasse", "STRAẞE"},
		{"ΣΊΣΥΦΟΣ", "σίσυφος", "σίσυφοσ"}, // both small sigmas
		{"İ", "i\u0307", "I\u0307"},
		{"ﬁ", "fi", "FI"},
		{"\u212a", "k", "K"},       // the sign for kelvin
		{"\u212b", "å", "a\u030a"}, // the sign for ångström
		{"a\u0323\u0307", "a\u0307\u0323", "A\u0307\u0323"},
		{"", ""},
	}
	for _, group := range same {
		for _, text := range group {
			if got, want := account.Fold(text), account.Fold(group[0]); got != want {
				t.Errorf("%q folds to %q, and %q to %q", text, got, group[0], want)
			}
		}
	}
	for _, pair := range [][2]string{{"İ", "i"}, {"ı", "i"}, {"é", "e"}, {"a", "b"}, {"a", "a "}} {
		if account.Fold(pair[0]) == account.Fold(pair[1]) {
			t.Errorf("%q and %q fold alike", pair[0], pair[1])
		}
	}
	if got := account.Fold("Alice-Smith_7@Example.com"); got != "alice-smith_7@example.com" {
		t.Errorf("ASCII folds to %q", got)
	}
}

// TestFoldOfEveryLetter is the property of FuzzFold over every letter that has
// cases or accents: those that differ in case only fold alike.
func TestFoldOfEveryLetter(t *testing.T) {
	t.Parallel()
	for r := range unicode.MaxRune + 1 {
		if !unicode.In(r, unicode.L, unicode.M) || unicode.In(r, unicode.Han, unicode.Hangul) {
			continue
		}
		checkFold(t, string(r))
		checkFold(t, "a"+string(r)+"\u0301")
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if account.Fold(string(r)) != account.Fold(string(other)) {
				t.Errorf("%+q and %+q are one letter and fold to different ones", r, other)
			}
		}
	}
}

func checkFold(t *testing.T, text string) {
	t.Helper()
	folded := account.Fold(text)
	if again := account.Fold(folded); again != folded {
		t.Errorf("%+q folds to %+q, and that to %+q", text, folded, again)
	}
	if !utf8.ValidString(text) {
		return
	}
	if decomposed := account.Fold(norm.NFD.String(text)); decomposed != folded {
		t.Errorf("%+q folds to %+q, and decomposed to %+q", text, folded, decomposed)
	}
	if !utf8.ValidString(folded) {
		t.Errorf("%+q folds to invalid text %+q", text, folded)
	}
}

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"", "Alice", "STRAẞE", "İstanbul", "ΣΊΣΥΦΟΣ", "e\u0301", "α\u0345\u0323", "\xff", "ﬃ", "\u1e9e\u0345"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { checkFold(t, text) })
}

func TestParseUserRef(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse(idA)
	cases := []struct {
		segment string
		want    account.UserRef
	}{
		{"me", account.UserRef{Me: true}},
		{idA, account.UserRef{ID: id}},
		{strings.ToUpper(idA), account.UserRef{ID: id}},
		{strings.ReplaceAll(idA, "-", ""), account.UserRef{ID: id}},
		{"{" + idA + "}", account.UserRef{ID: id}},
		{"urn:uuid:" + idA, account.UserRef{ID: id}},
		{"URN:UUID:" + idA, account.UserRef{ID: id}},
		{"alice", account.UserRef{Name: "alice"}},
		{"Alice", account.UserRef{Name: "Alice"}},
		{"ME", account.UserRef{Name: "ME"}},
		{"alice@example.com", account.UserRef{Name: "alice@example.com"}},
		{idA[:35], account.UserRef{Name: idA[:35]}},
		{"no name", account.UserRef{Name: "no name"}},
		{"", account.UserRef{}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, account.ParseUserRef(c.segment)); diff != "" {
			t.Errorf("ParseUserRef(%q) (-want +got):\n%s", c.segment, diff)
		}
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	user := account.User{ID: someID(1), Roles: []string{"auditor"}}
	if !user.HasRole("auditor") || user.HasRole("owner") || user.HasRole("member") || user.HasRole("") {
		t.Error("HasRole answers for other roles than the stored ones")
	}
	want := account.Object{Type: account.ResourceUser, ID: someID(1), Owner: someID(1)}
	if diff := cmp.Diff(want, user.Object()); diff != "" {
		t.Errorf("a user's object (-want +got):\n%s", diff)
	}
	statuses := []account.UserStatus{"active", "dormant", "suspended"}
	if diff := cmp.Diff(statuses, account.UserStatuses()); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}
