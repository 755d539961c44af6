package sdk

// Names on the wire that clients of the Coder API already know, and the one
// header of our own. They are part of the compatibility promise: renaming one
// of them logs every client out.
const (
	// SessionTokenHeader carries a session or API token in a request. An empty
	// value means that it is absent.
	SessionTokenHeader = "Coder-Session-Token"

	// SessionTokenCookie is the cookie that browsers get at login. The query
	// parameter of the same name is accepted as well.
	SessionTokenCookie = "coder_session_token"

	// DialectHeader chooses how a response is encoded: [DialectReference],
	// [DialectCoder] or [DialectLegacy]. Any other value is refused with 400.
	DialectHeader = "Usher-Dialect"

	// BuildVersionHeader is on every response, errors included. A 404 without it
	// does not come from an Usher server.
	BuildVersionHeader = "X-Coder-Build-Version"

	// BypassRateLimitHeader with the value "true" lifts the rate limit for
	// owners. Anyone else who sends it is refused with 428.
	BypassRateLimitHeader = "X-Coder-Bypass-Ratelimit"

	// RequestIDHeader is on every response. The server logs and audits the
	// request under the same id.
	RequestIDHeader = "X-Coder-Request-Id"
)

// The dialects of the API. The types of this package are the reference dialect.
const (
	DialectReference = "reference"
	DialectCoder     = "coder"
	DialectLegacy    = "legacy"
)

// Me stands for the caller wherever a user is named in a path.
const Me = "me"

// DefaultOrganization stands for the default organization wherever an
// organization is named in a path.
const DefaultOrganization = "default"
