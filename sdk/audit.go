package sdk

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// AuditAction is what an audit entry says was done.
type AuditAction string

const (
	AuditActionCreate AuditAction = "create"
	AuditActionWrite  AuditAction = "write"
	AuditActionDelete AuditAction = "delete"
	AuditActionLogin  AuditAction = "login"
	AuditActionLogout AuditAction = "logout"
	AuditActionOpen   AuditAction = "open"
)

// AuditLog is one audit entry: who did, or tried to do, what to which resource.
type AuditLog struct {
	ID uuid.UUID `json:"id"`
	// RequestID is the same as in the server's log and in [RequestIDHeader].
	RequestID uuid.UUID `json:"request_id"`
	Time      time.Time `json:"time"`
	// IP is empty where the address of the client is not known.
	IP           string    `json:"ip"`
	UserAgent    string    `json:"user_agent"`
	ResourceType string    `json:"resource_type"`
	ResourceID   uuid.UUID `json:"resource_id"`
	// ResourceTarget is the name of the resource, such as a username.
	ResourceTarget string      `json:"resource_target"`
	ResourceIcon   string      `json:"resource_icon"`
	Action         AuditAction `json:"action"`
	// Diff holds the fields that changed. It is empty, never null, for logins,
	// logouts and refused attempts.
	Diff map[string]AuditDiffField `json:"diff"`
	// StatusCode is the HTTP status of the answer: 400 and above is a refusal.
	StatusCode int `json:"status_code"`
	// AdditionalFields depend on the action. Never null.
	AdditionalFields map[string]any `json:"additional_fields"`
	// Description is a sentence in which {user} and {target} stand for the names.
	Description string `json:"description"`
	// ResourceLink is a path on the server, or empty.
	ResourceLink string `json:"resource_link"`
	IsDeleted    bool   `json:"is_deleted"`
	// OrganizationID is the nil UUID for what belongs to no organization.
	OrganizationID uuid.UUID            `json:"organization_id"`
	Organization   *MinimalOrganization `json:"organization,omitempty"`
	// User is the actor, also after its deletion, and nil where there was none.
	User *User `json:"user"`
}

// AuditDiffField is the change of one field.
type AuditDiffField struct {
	Old any `json:"old,omitempty"`
	New any `json:"new,omitempty"`
	// Secret is true where the values are not shown.
	Secret bool `json:"secret"`
}

// AuditLogsRequest selects audit entries.
type AuditLogsRequest struct {
	// Search is the q parameter, such as "resource_type:user action:create".
	Search string
	// Limit is the length of a page; 0 means 100.
	Limit int
	// Offset is the number of entries to skip.
	Offset int
}

// AuditLogsResponse is one page of audit entries, the newest first.
type AuditLogsResponse struct {
	// AuditLogs is never null.
	AuditLogs []AuditLog `json:"audit_logs"`
	// Count is the number of entries that match, whatever the page.
	Count int `json:"count"`
}

// AuditLogs returns one page of the audit entries that the caller may read. 403
// where that is none at all.
func (c *Client) AuditLogs(ctx context.Context, req AuditLogsRequest) (AuditLogsResponse, error) {
	var result AuditLogsResponse
	err := c.do(ctx, call{
		method: http.MethodGet,
		path:   []string{"audit"},
		query:  pageQuery(req.Search, req.Limit, req.Offset),
		status: http.StatusOK,
		result: &result,
	})
	return result, err
}

// The formats of an export.
const (
	ExportJSONLines = "jsonl" // one AuditLog as JSON on each line
	ExportCSV       = "csv"   // RFC 4180, with a first line of names
)

// ExportAuditLogs streams every audit entry that matches the search and that the
// caller may read, the newest first. The caller closes the stream; a read error
// before its end means that the rest is missing.
func (c *Client) ExportAuditLogs(ctx context.Context, format, search string) (io.ReadCloser, error) {
	token := c.SessionToken()
	req, err := c.request(ctx, call{
		method: http.MethodGet,
		path:   []string{"audit", "export"},
		query:  url.Values{"format": {format}, "q": {search}},
	}, token)
	if err != nil {
		return nil, err
	}
	res, err := c.http().Do(req)
	if err != nil {
		return nil, noAnswer(req, err)
	}
	// A page with status 200 comes from something between client and server.
	if res.StatusCode != http.StatusOK || !isExport(res.Header) {
		defer func() { _ = res.Body.Close() }()
		return nil, readError(res, token)
	}
	return res.Body, nil
}

func isExport(header http.Header) bool {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && (media == "application/jsonl" || media == "text/csv")
}
