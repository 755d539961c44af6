package api

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"usher/internal/account"
	"usher/sdk"
)

func (a *API) listAuditLogs(c *call) error {
	page, malformed := c.window()
	listing, err := a.Service.ListAudit(c.ctx(), c.actor, c.query("q"), page, malformed)
	if err != nil {
		return err
	}
	return c.ok(sdk.AuditLogsResponse{
		AuditLogs: encodeEach(listing.Entries, toAuditLog),
		Count:     listing.Count,
	})
}

// exportAuditLogs streams every entry that matches, one a line.
func (a *API) exportAuditLogs(c *call) error {
	writer, malformed := c.exportFormat()
	entries, err := a.Service.ExportAudit(c.ctx(), c.actor, c.query("q"), malformed)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", writer.contentType)
	out := bufio.NewWriterSize(c.w, streamBuffer)
	if err := writer.write(out, encodeEntries(entries, c.dialect)); err != nil {
		return c.breakOff(err)
	}
	_ = out.Flush() // the client left: nobody to tell
	return nil
}

// exportedEntry is an entry with its JSON in the client's dialect.
type exportedEntry struct {
	sdk.AuditLog
	json []byte
}

func encodeEntries(entries iter.Seq2[account.AuditRecord, error], d Dialect) iter.Seq2[exportedEntry, error] {
	return func(yield func(exportedEntry, error) bool) {
		for record, err := range entries {
			entry := exportedEntry{}
			if err == nil {
				entry.AuditLog = toAuditLog(record)
				entry.json, err = json.Marshal(d.encode(entry.AuditLog))
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

type exportWriter struct {
	contentType string
	write       func(out io.Writer, entries iter.Seq2[exportedEntry, error]) error
}

// exportFormat reads the format of an export; without one it is JSON lines.
func (c *call) exportFormat() (exportWriter, error) {
	p := parameters{call: c}
	name := p.single("format")
	writer, known := exportWriters[name]
	if !known {
		p.fault("format", fmt.Sprintf("%q is neither jsonl nor csv", name))
	}
	return writer, p.failure()
}

var exportWriters = map[string]exportWriter{
	"jsonl": {"application/jsonl; charset=utf-8", writeJSONLines},
	"":      {"application/jsonl; charset=utf-8", writeJSONLines},
	"csv":   {"text/csv; charset=utf-8", writeCSV},
}

func writeJSONLines(out io.Writer, entries iter.Seq2[exportedEntry, error]) error {
	for entry, err := range entries {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", entry.json); err != nil {
			return err
		}
	}
	return nil
}

// exportColumns is the first line of a CSV export.
var exportColumns = []string{
	"time", "id", "request_id", "user_id", "username", "action", "resource_type", "resource_id", "resource_target",
	"organization_id", "status_code", "ip", "user_agent", "diff", "additional_fields",
}

func writeCSV(out io.Writer, entries iter.Seq2[exportedEntry, error]) error {
	lines := csv.NewWriter(out)
	if err := lines.Write(exportColumns); err != nil {
		return err
	}
	for entry, err := range entries {
		if err != nil {
			return err
		}
		line, err := csvLine(entry.AuditLog)
		if err != nil {
			return err
		}
		if err := lines.Write(line); err != nil {
			return err
		}
	}
	lines.Flush()
	return lines.Error()
}

func csvLine(e sdk.AuditLog) ([]string, error) {
	diff, err := json.Marshal(e.Diff)
	if err != nil {
		return nil, err
	}
	additional, err := json.Marshal(e.AdditionalFields)
	if err != nil {
		return nil, err
	}
	userID, username := "", ""
	if e.User != nil {
		userID, username = e.User.ID.String(), e.User.Username
	}
	line := []string{
		e.Time.Format(time.RFC3339Nano), e.ID.String(), e.RequestID.String(), userID, username, string(e.Action),
		e.ResourceType, e.ResourceID.String(), e.ResourceTarget, e.OrganizationID.String(),
		strconv.Itoa(e.StatusCode), e.IP, e.UserAgent, string(diff), string(additional),
	}
	for i := range line {
		line[i] = harmless(line[i])
	}
	return line, nil
}

// harmless keeps a spreadsheet from taking a cell that a stranger wrote, such as
// a User-Agent, for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// breakOff ends a stream that failed. Before the first byte the error is the
// answer; later the connection is cut, so that no client takes a part for the
// whole.
func (c *call) breakOff(err error) error {
	if c.w.status == 0 {
		return err
	}
	c.failure = err
	panic(http.ErrAbortHandler)
}
