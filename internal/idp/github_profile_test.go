package idp_test

import (
	"strings"
	"testing"

	"usher/internal/account"
	"usher/internal/idp/idptest"
)

// TestGitHubProfiles: whatever an account is called, what is proposed of it obeys
// the rules of our own fields.
func TestGitHubProfiles(t *testing.T) {
	t.Parallel()
	const byID = "github-583231"
	for _, test := range []struct{ login, want string }{
		{"kyle", "kyle"},
		{"Kyle-2", "Kyle-2"},
		{"hello_world", "hello-world"},
		{"_hello__world_", "hello-world"},
		{"hello-_-world", "hello-world"},
		{"somebody_acme", "somebody-acme"},
		{strings.Repeat("x", 39), strings.Repeat("x", 32)},
		{strings.Repeat("x", 31) + "-yz", strings.Repeat("x", 31)},
		{"somebody.else", "somebody-else"},
		{"grüße", "gr-e"},
		{"me", byID},
		{"OIDC_claims", byID},
		{"new", byID},
		{"___", byID},
		{"", byID},
		{"日本", byID},
		{"0123456789abcdef0123456789abcdef", byID}, // a UUID without hyphens
		{"0123456789abcdef0123456789abcdef01", byID},
	} {
		t.Run(test.login, func(t *testing.T) {
			t.Parallel()
			user := someone()
			user.Login = test.login
			got := profileOf(t, user).Username
			if got != test.want || account.CheckUsername(got) != nil {
				t.Errorf("%q becomes %q, want %q", test.login, got, test.want)
			}
		})
	}
}

func TestGitHubRealNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, want string }{
		{"", ""},
		{"  Kylium  Carbonate\n", "Kylium  Carbonate"},
		{strings.Repeat("a", 129), strings.Repeat("a", 128)},
		{strings.Repeat("a", 127) + "é", strings.Repeat("a", 127)},
		{strings.Repeat("a", 127) + " b", strings.Repeat("a", 127)},
		{"with\x00control\x7f", "withcontrol"},
	} {
		user := someone()
		user.Name = test.name
		if got := profileOf(t, user).Name; got != test.want || account.CheckRealName(got) != nil {
			t.Errorf("%q becomes %q, want %q", test.name, got, test.want)
		}
	}
}

func TestGitHubAvatars(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "https://example.com/a.png": "https://example.com/a.png", "javascript:alert(1)": "",
		"/hello-world": "/hello-world", "//evil.example.com/a.png": "", "hello-world": "",
		"/" + strings.Repeat("x", 2048): "",
	} {
		user := someone()
		user.AvatarURL = given
		if got := profileOf(t, user).AvatarURL; got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

// profileOf logs an account in.
func profileOf(t *testing.T, user idptest.GitHubUser) account.ExternalLogin {
	t.Helper()
	g := idptest.NewGitHub(t)
	if user.Login == "" {
		g.Override("/user", nobody)
		g.SetUser(someone())
	} else {
		g.SetUser(user)
	}
	p := newGitHubProvider(t, g, nil)
	login, err := p.Finish(t.Context(), visitGitHub(t, p))
	if err != nil {
		t.Fatal(err)
	}
	return login.ExternalLogin
}
