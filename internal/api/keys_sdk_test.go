package api_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"usher/internal/account"
	"usher/internal/server/servertest"
	"usher/sdk"
)

// TestKeysBySDK goes through the life of a token as a program does.
func TestKeysBySDK(t *testing.T) {
	t.Parallel()

	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		ctx := t.Context()
		ann, user := s.SignedIn(t, "ann")
		good := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		scopes, err := ann.Scopes(ctx)
		good(err)
		if len(scopes) != len(account.PublicScopes()) || !slices.Contains(scopes, sdk.APIKeyScopeAll) {
			t.Errorf("scopes %q", scopes)
		}
		config, err := ann.TokenConfig(ctx, sdk.Me)
		good(err)
		if time.Duration(config.MaxTokenLifetime) != 876600*hour {
			t.Errorf("%+v", config)
		}
		list := []sdk.AllowListEntry{{Type: "user", ID: user.ID.String()}}
		made, err := ann.CreateToken(ctx, sdk.Me, sdk.CreateTokenRequest{
			TokenName: "c/i", Lifetime: ns(day), Scopes: []sdk.APIKeyScope{"user:read", "api_key:*"}, AllowList: list,
		})
		good(err)
		byName, err := ann.Token(ctx, sdk.Me, "c/i")
		good(err)
		byID, err := ann.APIKey(ctx, sdk.Me, idOf(made.Key))
		good(err)
		if byName.ID != byID.ID || byName.LifetimeSeconds != 86400 || !slices.Equal(byName.AllowList, list) || len(byName.Scopes) != 2 || byName.Scope != "" {
			t.Errorf("%+v", byName)
		}
		token := s.Client(t)
		token.SetSessionToken(made.Key)
		if me, err := token.User(ctx, "ann"); err != nil || me.ID != user.ID {
			t.Errorf("%+v, %v", me, err)
		}
		answers, err := token.CheckAuthorization(ctx, sdk.AuthorizationRequest{Checks: map[string]sdk.AuthorizationCheck{
			"me":      {Object: sdk.AuthorizationObject{ResourceType: "user", ResourceID: user.ID.String()}, Action: "read"},
			"another": {Object: sdk.AuthorizationObject{ResourceType: "user", ResourceID: s.OwnerID.String()}, Action: "read"},
			"any":     {Object: sdk.AuthorizationObject{ResourceType: "workspace", AnyOrg: true, OwnerID: sdk.Me}, Action: "read"},
		}})
		good(err)
		if len(answers) != 3 || !answers["me"] || answers["another"] || answers["any"] {
			t.Errorf("%v", answers)
		}

		overlap := ns(2 * hour)
		rotated, err := ann.RotateAPIKey(ctx, sdk.Me, byID.ID, sdk.RotateKeyRequest{Overlap: &overlap})
		good(err)
		keys, err := ann.Tokens(ctx, sdk.Me, sdk.TokensRequest{})
		good(err)
		if len(keys) != 2 || keys[0].ReplacedBy != rotated.ID || keys[1].TokenName != "c/i" || keys[1].Username != "ann" ||
			!keys[0].ExpiresAt.Equal(rotated.Previous.ExpiresAt) {
			t.Errorf("%+v", keys)
		}
		if _, err := ann.RotateAPIKey(ctx, sdk.Me, byID.ID, sdk.RotateKeyRequest{}); !sdk.IsConflict(err) {
			t.Errorf("rotated again: %v", err)
		}
		good(ann.ExpireAPIKey(ctx, sdk.Me, rotated.ID))
		good(ann.DeleteAPIKey(ctx, sdk.Me, byID.ID))
		keys, err = ann.Tokens(ctx, sdk.Me, sdk.TokensRequest{IncludeAll: true, IncludeExpired: true})
		good(err)
		if len(keys) != 1 || keys[0].ID != rotated.ID {
			t.Errorf("%+v", keys)
		}
		if keys, err = ann.Tokens(ctx, sdk.Me, sdk.TokensRequest{IncludeAll: true}); err != nil || keys == nil || len(keys) != 0 {
			t.Errorf("%v, %v", keys, err)
		}
		session, err := ann.CreateSessionKey(ctx, sdk.Me)
		good(err)
		token.SetSessionToken(session.Key)
		_, err = token.User(ctx, sdk.Me)
		good(err)
		for _, err := range []error{
			ann.DeleteAPIKey(ctx, sdk.Me, "ush0000000"), ann.ExpireAPIKey(ctx, "owner", rotated.ID), failing(ann.Token(ctx, sdk.Me, "none")),
			failing(ann.CreateToken(ctx, uuid.NewString(), sdk.CreateTokenRequest{})), failing(ann.TokenConfig(ctx, "owner")),
		} {
			if !sdk.IsNotFound(err) {
				t.Errorf("%v, want %d", err, http.StatusNotFound)
			}
		}
	})
}

// failing is the error of a call with two results.
func failing[T any](_ T, err error) error { return err }
