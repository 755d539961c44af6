package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"usher/internal/idp/idptest"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
	"usher/sdk"
)

var update = flag.Bool("update", false, "write testdata/golden anew from the answers")

// takes are the answers of one run of the scenario, by operation.
type takes map[string]string

// notJSON are operations whose answers are no JSON, or nothing at all.
var notJSON = []string{
	"openAPI", "healthz", "readyz", "metrics", "exportAuditLogs", "githubCallback", "oidcCallback", "namedOIDCCallback",
}

// TestGolden keeps the JSON of every operation in every dialect, so that a change
// of the wire is seen in the change that makes it.
func TestGolden(t *testing.T) {
	t.Parallel()

	dialects := []string{sdk.DialectReference, sdk.DialectCoder, sdk.DialectLegacy}
	byDialect := map[string]takes{}
	for _, dialect := range dialects {
		byDialect[dialect] = record(t, dialect)
	}
	var missing []string
	for _, o := range described() {
		if slices.Contains(notJSON, o.ID) {
			continue
		}
		if byDialect[sdk.DialectReference][o.ID] == "" {
			missing = append(missing, o.ID)
			continue
		}
		var text strings.Builder
		for _, dialect := range dialects {
			take := byDialect[dialect][o.ID]
			if dialect != sdk.DialectReference && take == byDialect[sdk.DialectReference][o.ID] {
				take = `"as in the reference"`
			}
			fmt.Fprintf(&text, "%q: %s,\n", dialect, take)
		}
		compare(t, o.ID, "{"+strings.TrimSuffix(text.String(), ",\n")+"}")
	}
	if len(missing) > 0 {
		t.Errorf("the scenario has no call of %v", missing)
	}
}

func compare(t *testing.T, operation, text string) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, []byte(text), "", "  "); err != nil {
		t.Fatalf("%s: %v in %s", operation, err, text)
	}
	got.WriteByte('\n')
	file := filepath.Join("testdata", "golden", operation+".json")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run the test with -update)", err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s differs from %s (-want +got); if that is meant, run with -update:\n%s", operation, file, diff)
	}
}

// record runs the scenario: a call of every operation, in an order in which all
// of them succeed.
func record(t *testing.T, dialect string) takes {
	t.Helper()
	s := servertest.Start(t, storetest.Database(t))
	c := guest(s).with(sdk.DialectHeader, dialect).with("User-Agent", "golden/1")
	got := takes{}
	take := func(operation string, a answer) answer {
		t.Helper()
		if a.status >= 300 && !slices.Contains(neverSucceed, operation) {
			t.Fatalf("%s: %s", operation, a)
		}
		got[operation] = normalise(s.URL, a)
		return a
	}
	take("createFirstUser", c.post(t, "/api/v2/users/first", first()))
	take("hasFirstUser", c.get(t, "/api/v2/users/first"))
	take("apiRoot", c.get(t, "/api/v2"))
	take("buildInfo", c.get(t, "/api/v2/buildinfo"))
	take("authMethods", c.get(t, "/api/v2/users/authmethods"))
	take("validatePassword", c.post(t, "/api/v2/users/validate-password", body{"password": "weak"}))
	session := take("login", c.post(t, loginPath, credentials("admin@example.com", servertest.Password)))
	admin := c.as(decode[sdk.LoginWithPasswordResponse](t, session).SessionToken)

	ann := take("createUser", admin.post(t, usersPath, body{
		"username": "Ann", "email": "ann@example.com", "password": servertest.Password, "roles": []string{"auditor"},
		"organization_ids": []uuid.UUID{uuid.Nil},
	}))
	take("importUsers", admin.post(t, importPath, body{"users": []any{
		body{"username": "Ida", "email": "ida@example.com", "password_hash": bcryptOf12, "roles": []string{"auditor"}},
		body{"username": "ANN", "email": "ann@example.com"},
		body{"username": "eve", "email": "eve@example.com", "password_hash": "abc", "organizations": []string{"coder"}},
	}}))
	admin.delete(t, path("ida", "")).want(t, http.StatusOK)
	take("updateUserProfile", admin.put(t, path("ann", "profile"), body{"username": "ann", "name": "Ann <&>", "avatar_url": "https://example.com/a.png"}))
	take("updateUserEmail", admin.put(t, path("ann", "email"), body{"email": "ann@example.org"}))
	take("updateUserRoles", admin.put(t, path("ann", "roles"), body{"roles": []string{"template-admin", "auditor"}}))
	take("updateUserPassword", admin.put(t, path("ann", "password"), body{"password": nextPassword}))
	take("suspendUser", admin.put(t, path("ann", "status/suspend"), nil))
	take("activateUser", admin.put(t, path("ann", "status/activate"), nil))
	take("createSessionKey", admin.post(t, path("ann", "keys"), nil))
	admin.post(t, usersPath, body{"username": "robot", "service_account": true, "organization_ids": []uuid.UUID{uuid.Nil}}).want(t, http.StatusCreated)
	take("getUser", admin.get(t, path("robot")))
	take("listUsers", admin.get(t, usersPath+"?q=r&limit=2"))
	take("listSiteRoles", admin.get(t, "/api/v2/users/roles"))
	take("getUserRoles", admin.get(t, path("ann", "roles")))
	take("getUserLoginType", admin.get(t, path("me", "login-type")))
	take("listUserOrganizations", admin.get(t, path("ann", "organizations")))
	take("getUserOrganization", admin.get(t, path("ann", "organizations", "coder")))
	take("getOrganization", admin.get(t, "/api/v2/organizations/default"))
	take("listAuditLogs", admin.get(t, auditPath+"?limit=4"))
	take("getGitSSHKey", admin.get(t, path("me", "gitsshkey")))
	take("regenerateGitSSHKey", admin.put(t, path("ann", "gitsshkey"), nil))
	take("getGitSSHPrivateKey", admin.get(t, path("me", "gitsshkey/private")))
	recordKeys(t, take, admin)
	recordSettings(t, take, admin)
	recordOrganizations(t, take, admin)
	recordSync(t, take, admin)
	recordForeign(t, take, admin)
	take("requestOneTimePasscode", c.post(t, requestPath, body{"email": "ann@example.org"}))
	code := plant(t, s, decode[sdk.User](t, ann).ID, time.Hour)
	take("changePasswordWithOneTimePasscode", c.post(t, changePath, reset("ann@example.org", servertest.Password, code)))
	take("deleteUser", admin.delete(t, path("ann")))
	take("eraseUser", admin.post(t, path(decode[sdk.User](t, ann).ID, "erase"), nil))
	take("logout", admin.post(t, "/api/v2/users/logout", nil))
	recordLogins(t, take, dialect)
	return got
}

// recordLogins is the part of the scenario that takes identity providers.
func recordLogins(t *testing.T, take func(operation string, a answer) answer, dialect string) {
	t.Helper()
	github := idptest.NewGitHub(t)
	s, provider := newWithOIDC(t, withGitHub(github, byDevice))
	in := func(c client) client { return c.with(sdk.DialectHeader, dialect).with("User-Agent", "golden/1") }
	plain := func(a answer) answer {
		text := strings.NewReplacer(provider.URL, "https://id.example.com", github.URL, "https://id.example.com", s.URL, "http://usher.example.com")
		a.body = []byte(text.Replace(string(a.body)))
		return a
	}
	take("authMethods", in(guest(s)).get(t, path("authmethods")))
	take("githubDevice", plain(in(guest(s)).get(t, githubDeviceAt)))
	kyle := browse(s).signedIn(t, provider)
	claims := decode[sdk.OIDCClaims](t, take("oidcClaims", in(kyle.client).get(t, path("oidc-claims")))).Claims
	for name := range claims {
		if !slices.Contains([]string{"sub", "email", "email_verified", "name"}, name) {
			delete(claims, name) // the library's own, of which many change each time
		}
	}
	text, err := json.Marshal(sdk.OIDCClaims{Claims: claims})
	if err != nil {
		t.Fatal(err)
	}
	take("oidcClaims", answer{status: http.StatusOK, body: text})
	take("listIdentities", plain(in(kyle.client).get(t, path("me", "identities"))))
	take("linkIdentity", plain(in(kyle.client).post(t, path("me", "identities"), body{"provider": "oidc"})))
	take("unlinkIdentity", in(owner(s)).delete(t, pathOfSecondIdentity(t, s, provider)))
	create(t, s, newUser("pat"))
	take("convertLoginType", in(login(t, s, "pat@example.com", servertest.Password)).post(t, path("me", "convert-login"), body{
		"to_type": "oidc", "password": servertest.Password,
	}))
}

// pathOfSecondIdentity links a further identity to a user and returns its path.
func pathOfSecondIdentity(t *testing.T, s *servertest.Server, provider *idptest.OIDC) string {
	t.Helper()
	name := fresh()
	create(t, s, newUser(name))
	b := browse(s)
	b.signInByPassword(t, name+"@example.com")
	provider.SetUser(name, verified(name+"@example.com"))
	b.link(t, provider, "oidc").sentTo(t)
	return path(name, "identities", identitiesOf(t, owner(s), name)[0].ID.String())
}

// recordKeys is the part of the scenario that is about tokens.
func recordKeys(t *testing.T, take func(operation string, a answer) answer, admin client) {
	t.Helper()
	made := take("createToken", admin.post(t, tokens("me"), body{
		"token_name": "ci", "scopes": []string{"user:read", "coder:workspaces.access"},
		"allow_list": []string{"user:*", "template:" + uuid.NewString()},
	}))
	id := idOf(decode[sdk.GenerateAPIKeyResponse](t, made).Key)
	take("rotateKey", admin.post(t, path("me", "keys", id, "rotate"), body{"overlap": hour}))
	take("listTokens", admin.get(t, tokens("me")))
	take("getToken", admin.get(t, tokens("me", "ci")))
	take("getKey", admin.get(t, path("me", "keys", id)))
	take("getTokenConfig", admin.get(t, tokens("me", "tokenconfig")))
	take("expireKey", admin.put(t, path("me", "keys", id, "expire"), nil))
	take("deleteKey", admin.delete(t, path("me", "keys", id)))
	take("listScopes", admin.get(t, "/api/v2/auth/scopes"))
	take("checkPermissions", admin.post(t, "/api/v2/authcheck", body{"checks": body{
		"may create users":      body{"object": body{"resource_type": "user"}, "action": "create"},
		"may fly to the moon":   body{"object": body{"resource_type": "rocket"}, "action": "launch"},
		"may read my own <key>": body{"object": body{"resource_type": "api_key", "owner_id": "me"}, "action": "read"},
	}}))
}

// recordSettings is the part of the scenario that is about a user's settings.
func recordSettings(t *testing.T, take func(operation string, a answer) answer, admin client) {
	t.Helper()
	template := uuid.New()
	take("getUserAppearance", admin.get(t, path("me", "appearance")))
	take("updateUserAppearance", admin.put(t, path("me", "appearance"), look("dark", "fira-code")))
	take("getUserPreferences", admin.get(t, path("me", "preferences")))
	take("updateUserPreferences", admin.put(t, path("me", "preferences"), body{"thinking_display_mode": "preview"}))
	take("recordAutofillParameters", admin.post(t, path("me", "autofill-parameters"), build(template, "region", "eu")))
	take("listAutofillParameters", admin.get(t, path("me", "autofill-parameters?template_id=")+template.String()))
	take("recordAISeat", admin.post(t, path("ann", "ai-seat"), body{"event": "task"}))
	take("releaseAISeat", admin.delete(t, path("ann", "ai-seat")))
}

var (
	anyID         = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	anyTime       = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	anyKey        = regexp.MustCompile(`ush[0-9A-Za-z]{7}-[0-9A-Za-z]{22}`)
	anyKeyID      = regexp.MustCompile(`"ush[0-9A-Za-z]{7}"`)
	anyPublicKey  = regexp.MustCompile(`ssh-ed25519 [A-Za-z0-9+/]{68}`)
	anyPrivateKey = regexp.MustCompile(`(-----BEGIN OPENSSH PRIVATE KEY-----)(\\n[A-Za-z0-9+/=]+)+`)
	anyState      = regexp.MustCompile(`convert-[0-9A-Za-z]{32}`)
	anyTicket     = regexp.MustCompile(`link=[^"]*`)
	anyUserCode   = regexp.MustCompile(`"[A-Z0-9]{4}-[A-Z0-9]{4}"`)
	anyDeviceCode = regexp.MustCompile(`"device_code":"[^"]*"`)
	anySeen       = regexp.MustCompile(`"last_seen_at":"[^"]*"`)
	anyVersion    = regexp.MustCompile(`v0\.0\.0\+usher\.[^"]*`)
)

// normalise replaces what differs from run to run: ids by their number in the
// order of appearance, times, keys, the version and the address.
func normalise(serverURL string, a answer) string {
	if a.status == http.StatusNoContent {
		return `"no content"`
	}
	ids := map[string]string{uuid.Nil.String(): uuid.Nil.String()}
	text := anyID.ReplaceAllStringFunc(string(a.body), func(id string) string {
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("id-%d", len(ids))
		}
		return ids[id]
	})
	text = anyTime.ReplaceAllStringFunc(text, func(at string) string {
		if strings.HasPrefix(at, "0001-") || strings.HasPrefix(at, "1970-") {
			return at // never
		}
		return "a time"
	})
	text = anySeen.ReplaceAllString(text, `"last_seen_at":"a time, or never"`) // stored a moment later
	text = anyKey.ReplaceAllString(text, "a key")
	text = anyKeyID.ReplaceAllString(text, `"a key's id"`)
	text = anyPublicKey.ReplaceAllString(text, "ssh-ed25519 base64")
	text = anyPrivateKey.ReplaceAllString(text, "$1\\nbase64")
	text = anyState.ReplaceAllString(text, "convert-a state")
	text = anyTicket.ReplaceAllString(text, "link=a ticket")
	text = anyUserCode.ReplaceAllString(text, `"a code"`)
	text = anyDeviceCode.ReplaceAllString(text, `"device_code":"a code"`)
	text = strings.Replace(text, `"database":"postgres"`, `"database":"sqlite"`, 1)
	text = anyVersion.ReplaceAllString(text, "v0.0.0+usher.version")
	return strings.TrimSpace(strings.ReplaceAll(text, serverURL, "http://usher.example.com"))
}
