package compat_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/server/servertest"
)

// clientToken decodes as Coder's SDK does: an allow list of strings, of which
// one that it does not know would fail the whole list.
type clientToken struct {
	ID              string    `json:"id"`
	UserID          uuid.UUID `json:"user_id"`
	LastUsed        time.Time `json:"last_used"`
	ExpiresAt       time.Time `json:"expires_at"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
	LoginType       string    `json:"login_type"`
	Scope           string    `json:"scope"`
	Scopes          []string  `json:"scopes"`
	TokenName       string    `json:"token_name"`
	LifetimeSeconds int64     `json:"lifetime_seconds"`
	AllowList       []string  `json:"allow_list"`
	Username        string    `json:"username"`
}

type clientTokenConfig struct {
	MaxTokenLifetime time.Duration `json:"max_token_lifetime"`
}

// createToken does what `tokens create` does for a user: it asks for the longest
// life there is, and without --lifetime takes it.
func (c caller) createToken(t *testing.T, user string, fields map[string]any) string {
	t.Helper()
	config := decode[clientTokenConfig](t, c.call(t, "GET", "/users/"+user+"/keys/tokens/tokenconfig", nil).want(t, http.StatusOK))
	if config.MaxTokenLifetime <= 0 {
		t.Fatalf("the longest life is %s: the command would refuse every --lifetime", config.MaxTokenLifetime)
	}
	if _, given := fields["lifetime"]; !given {
		fields["lifetime"] = config.MaxTokenLifetime
	}
	key := decode[clientKey](t, c.call(t, "POST", "/users/"+user+"/keys/tokens", fields).want(t, http.StatusCreated, http.StatusOK)).Key
	if id, secret, _ := strings.Cut(key, "-"); len(id) != 10 || len(secret) != 22 {
		t.Errorf("the key has parts of %d and %d characters", len(id), len(secret))
	}
	return key
}

func (c caller) listTokens(t *testing.T, query string) []clientToken {
	t.Helper()
	return decode[[]clientToken](t, c.call(t, "GET", "/users/me/keys/tokens?"+query, nil).want(t, http.StatusOK))
}

func TestTokensCreateAndList(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		if list := c.listTokens(t, "include_all=false&include_expired=false"); len(list) != 0 {
			t.Errorf("a new user has the tokens %+v", list)
		}
		// C25 always sends the legacy scope; C26 sends scopes only where asked to.
		c.createToken(t, "me", map[string]any{"token_name": "ci", "scope": ""})
		c.createToken(t, "me", map[string]any{
			"token_name": "narrow", "lifetime": time.Hour, "scopes": []string{"user:read"}, "allow_list": []string{"user:*"},
		})
		ada, user := s.SignedIn(t, "ada")
		c.as(ada.SessionToken()).createToken(t, "me", map[string]any{"token_name": "hers"})

		list := c.listTokens(t, "include_all=false") // as C25 asks
		if len(list) != 2 {
			t.Fatalf("%d tokens, want the two of the caller", len(list))
		}
		for _, token := range list {
			if token.UserID != s.OwnerID || token.Username != "owner" || token.LoginType != "token" || token.CreatedAt.IsZero() {
				t.Errorf("%+v", token)
			}
		}
		wide, narrow := list[0], list[1]
		if wide.TokenName != "ci" || wide.Scope != "all" || strings.Join(wide.AllowList, " ") != "*:*" || wide.LifetimeSeconds != 7*24*60*60 {
			t.Errorf("an owner's unrestricted token is %+v", wide)
		}
		if narrow.Scope != "" || strings.Join(narrow.Scopes, " ") != "user:read" || strings.Join(narrow.AllowList, " ") != "user:*" {
			t.Errorf("a narrow token is %+v", narrow)
		}
		if all := c.listTokens(t, "include_all=true&include_expired=false"); len(all) != 3 || all[2].UserID != user.ID {
			t.Errorf("--all shows %+v", all)
		}
		refused := decode[clientMessage](t, c.call(t, "POST", "/users/me/keys/tokens", map[string]any{"token_name": "ci", "lifetime": 0}).
			want(t, http.StatusConflict))
		if refused.Message != `A token with name "ci" already exists.` || strings.Join(refused.fields(), " ") != "name" {
			t.Errorf("%+v", refused)
		}
	})
}

// TestTokensCreateForAnother: the longest life is that of the owner of the token,
// not of whoever asks.
func TestTokensCreateForAnother(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		s.CreateUser(t, "bob")
		c.createToken(t, "bob", map[string]any{"token_name": "his"})
		for user, want := range map[string]time.Duration{"me": 168 * time.Hour, "bob": 876600 * time.Hour} {
			config := decode[clientTokenConfig](t, c.call(t, "GET", "/users/"+user+"/keys/tokens/tokenconfig", nil).want(t, http.StatusOK))
			if config.MaxTokenLifetime != want {
				t.Errorf("%s: at most %s, want %s", user, config.MaxTokenLifetime, want)
			}
		}
	})
}

// lookUpToken is how `tokens view` and `tokens remove` find what they were
// given: by name, and after any error by the part before a hyphen as an id.
func (c caller) lookUpToken(t *testing.T, given string) clientToken {
	t.Helper()
	byName := c.call(t, "GET", "/users/me/keys/tokens/"+given, nil)
	if byName.status == http.StatusOK {
		return decode[clientToken](t, byName)
	}
	id, _, _ := strings.Cut(given, "-")
	return decode[clientToken](t, c.call(t, "GET", "/users/me/keys/"+id, nil).want(t, http.StatusOK))
}

func TestTokensViewAndRemove(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, _ *servertest.Server, c caller) {
		key := c.createToken(t, "me", map[string]any{"token_name": "ci"})
		named := c.lookUpToken(t, "ci")
		if whole := c.lookUpToken(t, key); whole.ID != named.ID || named.TokenName != "ci" {
			t.Errorf("by name %+v, by the whole key %+v", named, whole)
		}
		// C26 expires by default, and again without complaint.
		for range 2 {
			c.call(t, "PUT", "/users/me/keys/"+named.ID+"/expire", nil).want(t, http.StatusNoContent)
		}
		c.as(key).call(t, "GET", "/users/me", nil).want(t, http.StatusUnauthorized)
		if list := c.listTokens(t, "include_all=false&include_expired=false"); len(list) != 0 {
			t.Errorf("an expired token is listed: %+v", list)
		}
		if list := c.listTokens(t, "include_all=false&include_expired=true"); len(list) != 1 {
			t.Errorf("--include-expired shows %+v", list)
		}
		// C25, and C26 with --delete.
		c.call(t, "DELETE", "/users/me/keys/"+named.ID, nil).want(t, http.StatusNoContent)
		gone := decode[clientMessage](t, c.call(t, "GET", "/users/me/keys/"+named.ID, nil).want(t, http.StatusNotFound))
		if !strings.Contains(gone.Message, "not found") {
			t.Errorf("%+v", gone)
		}
	})
}

func TestPublicKey(t *testing.T) {
	t.Parallel()
	type sshKey struct {
		UserID    uuid.UUID `json:"user_id"`
		PublicKey string    `json:"public_key"`
	}
	eachSignedIn(t, func(t *testing.T, s *servertest.Server, c caller) {
		show := func() sshKey {
			return decode[sshKey](t, c.call(t, "GET", "/users/me/gitsshkey", nil).want(t, http.StatusOK))
		}
		first := show()
		if !strings.HasPrefix(first.PublicKey, "ssh-ed25519 ") || !strings.HasSuffix(first.PublicKey, "\n") || first.UserID != s.OwnerID {
			t.Errorf("%+v", first)
		}
		c.call(t, "PUT", "/users/me/gitsshkey", nil).want(t, http.StatusOK) // --reset
		if second := show(); second.PublicKey == first.PublicKey {
			t.Error("the key was not replaced")
		}
	})
}

// TestCommandsAboutOtherThings: commands of the larger product find nothing, and
// say so in their own words.
func TestCommandsAboutOtherThings(t *testing.T) {
	t.Parallel()
	eachSignedIn(t, func(t *testing.T, _ *servertest.Server, c caller) {
		list := decode[struct {
			Workspaces []any `json:"workspaces"`
			Count      int   `json:"count"`
		}](t, c.call(t, "GET", "/workspaces?q=owner:me", nil).want(t, http.StatusOK))
		if len(list.Workspaces) != 0 || list.Count != 0 {
			t.Errorf("%+v", list)
		}
		if templates := decode[[]any](t, c.call(t, "GET", "/templates?q=", nil).want(t, http.StatusOK)); len(templates) != 0 {
			t.Errorf("%+v", templates)
		}
		claims := decode[clientMessage](t, c.call(t, "GET", "/users/oidc-claims", nil).want(t, http.StatusBadRequest))
		if claims.Message != "User is not an OIDC user." {
			t.Errorf("%+v", claims)
		}
		c.call(t, "GET", "/deployment/ssh", nil).want(t, http.StatusOK)
	})
}
