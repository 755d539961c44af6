package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/sdk"
)

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Read the audit log",
		Long: "Reads the audit log: who did, or tried to do, what. Owners and auditors see all of\n" +
			"it, administrators and auditors of an organization what is about that.",
	}
	cmd.AddCommand(a.auditListCommand(), a.auditExportCommand())
	return group(cmd)
}

// auditSearch describes --search of both commands.
const auditSearch = "show only entries that match this `query`"

func (a *app) auditListCommand() *cobra.Command {
	var request sdk.AuditLogsRequest
	var output format
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List audit entries",
		Long: "Lists entries of the audit log, the newest first. A status of 400 or more is an\n" +
			"attempt that was refused.\n\n" +
			"A search has filters, such as username:alice, resource_type:user, action:delete,\n" +
			"resource_target:bob and date_from:2026-01-31.",
		Example: "  usher audit list --search \"resource_type:api_key action:create\"\n" +
			"  usher audit list --search username:me --output json",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if request.Limit < 1 {
				return misused(cmd, "--limit must be at least 1; usher audit export writes every entry")
			}
			return a.listAudit(cmd.Context(), request, output)
		},
	}
	cmd.Flags().StringVar(&request.Search, "search", "", auditSearch)
	cmd.Flags().IntVar(&request.Limit, "limit", defaultPage, "show at most `n` entries")
	output.addFlag(cmd)
	return cmd
}

func (a *app) listAudit(ctx context.Context, request sdk.AuditLogsRequest, output format) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	page, err := client.AuditLogs(ctx, request)
	if err != nil {
		return err
	}
	err = a.print(output, page, func(w io.Writer) {
		writeRow(w, "TIME", "WHO", "WHAT", "STATUS", "IP")
		for _, entry := range page.AuditLogs {
			writeRow(w, entry.Time.Local().Format(time.DateTime), who(entry), deed(entry), fmt.Sprint(entry.StatusCode), orDash(entry.IP))
		}
	})
	if err == nil && len(page.AuditLogs) < page.Count {
		a.notef("These are %d of %d entries; usher audit export writes every one.\n", len(page.AuditLogs), page.Count)
	}
	return err
}

// who names the actor of an entry: a user, or the part of the server that acted
// by itself.
func who(entry sdk.AuditLog) string {
	if entry.User != nil {
		return entry.User.Username
	}
	if subsystem, ok := entry.AdditionalFields["automatic_subsystem"].(string); ok {
		return "(" + subsystem + ")"
	}
	return "-"
}

// deed is the sentence of an entry after the actor, who has a column of its own.
func deed(entry sdk.AuditLog) string {
	sentence := strings.TrimPrefix(entry.Description, "{user} ")
	return strings.TrimSpace(strings.NewReplacer("{user}", who(entry), "{target}", entry.ResourceTarget).Replace(sentence))
}

func (a *app) auditExportCommand() *cobra.Command {
	var search, as string
	formats := []string{sdk.ExportJSONLines, sdk.ExportCSV}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the whole audit log",
		Long: "Writes every entry of the audit log that you may read to standard output, the\n" +
			"newest first: as JSON, one entry a line, or as CSV. Where it fails, what was\n" +
			"written is not all.",
		Example: "  usher audit export > audit.jsonl\n" +
			"  usher audit export --format csv --search date_from:2026-01-01 > audit.csv",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(formats, as) {
				return misused(cmd, "--format must be %s", strings.Join(formats, " or "))
			}
			return a.exportAudit(cmd.Context(), as, search)
		},
	}
	cmd.Flags().StringVar(&search, "search", "", auditSearch)
	cmd.Flags().StringVar(&as, "format", sdk.ExportJSONLines, "how to write entries: `jsonl` or csv")
	// It fails only for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) exportAudit(ctx context.Context, as, search string) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	client.HTTPClient = &http.Client{} // without a time limit: the answer may be of any length
	stream, err := client.ExportAuditLogs(ctx, as, search)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	if _, err := io.Copy(a.Out, stream); err != nil {
		return fmt.Errorf("the export broke off, and what was written is not all: %w", err)
	}
	return nil
}
