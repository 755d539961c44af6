package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"usher/sdk"
)

// importOptions are the flags of an import.
type importOptions struct {
	format string
	report string
	dryRun bool
	atOnce int
}

func (a *app) usersImportCommand() *cobra.Command {
	var options importOptions
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import users from another system",
		Long: "Imports users from a file, - for standard input: CSV whose first line names the\n" +
			"columns, or a JSON object on each line. The names are username, email, name,\n" +
			"password_hash, login_type, status, roles, organizations, service_account,\n" +
			"created_at, last_seen_at and avatar_url; only username is needed by all. In CSV, roles and\n" +
			"organizations are separated by spaces.\n\n" +
			"A password hash is argon2id as a PHC string (at most 64 MiB and t=10), bcrypt (at\n" +
			"most cost 14) or $pbkdf2-sha256$ (at most 2000000 rounds), and takes an owner to\n" +
			"import. Who has none resets the password first, or comes through a provider.\n\n" +
			"Users who are there already, with the same username and e-mail, are passed over:\n" +
			"an import that was interrupted is resumed by running it again. Refused rows keep no\n" +
			"other out; the exit status is 1 if there were any. Each created user is audited.",
		Example: "  usher users import people.csv --dry-run\n" +
			"  usher users import people.jsonl --report refused.csv",
		Args: takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if options.atOnce < 1 || options.atOnce > 16 {
				return misused(cmd, "--at-once must be 1 to 16")
			}
			return a.importUsers(cmd, args[0], options)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&options.dryRun, "dry-run", false, "check everything and import nothing")
	flags.StringVar(&options.format, "format", "", "`csv` or jsonl [default: by the name of the file]")
	flags.StringVar(&options.report, "report", "", "write the refused rows to this `file`, as CSV")
	flags.IntVar(&options.atOnce, "at-once", 2, "send this `number` of requests at the same time")
	flags.SortFlags = false
	return cmd
}

func (a *app) importUsers(cmd *cobra.Command, name string, options importOptions) error {
	file, size, err := a.openImport(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	read := &countingReader{from: file}
	rows, err := importRows(cmd, read, name, options.format)
	if err != nil {
		return err
	}
	client, err := a.client()
	if err != nil {
		return err
	}
	report, err := newImportReport(options.report)
	if err != nil {
		return err
	}
	run := &userImport{
		app: a, client: client, rows: rows, options: options, report: report,
		bar: a.importBar(size), read: read, counts: map[sdk.ImportStatus]int{},
	}
	err = run.all(cmd.Context())
	run.endBar()
	if err := errors.Join(err, report.close()); err != nil {
		return run.interrupted(cmd.Context(), err)
	}
	return run.conclude()
}

// openImport opens the file and tells its size, -1 where it has none.
func (a *app) openImport(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(a.In), -1, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	if !info.Mode().IsRegular() {
		return file, -1, nil
	}
	return file, info.Size(), nil
}

// importRows chooses how the file is read.
func importRows(cmd *cobra.Command, from io.Reader, name, format string) (rowReader, error) {
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(name)), ".")
	}
	switch format {
	case "csv":
		return newCSVRows(from)
	case "jsonl", "ndjson", "json":
		return newJSONRows(from), nil
	}
	return nil, misused(cmd, "--format must be csv or jsonl, and the name %q does not tell", name)
}

// userImport is an import under way.
type userImport struct {
	app     *app
	client  *sdk.Client
	rows    rowReader
	options importOptions
	report  *importReport
	bar     *progressbar.ProgressBar // nil where nobody watches
	read    *countingReader

	mu     sync.Mutex
	counts map[sdk.ImportStatus]int
}

// importChunk is some rows and the lines that they are on.
type importChunk struct {
	users []sdk.ImportUser
	lines []int
	bytes int64 // of the file, that were read by then
}

// maxChunkBytes keeps a request well below what a server takes.
const maxChunkBytes = 512 << 10

// all reads the file to its end and sends what it has. The first request that
// fails ends it.
func (i *userImport) all(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	chunks := make(chan importChunk)
	var senders sync.WaitGroup
	for range i.options.atOnce {
		senders.Go(func() {
			for chunk := range chunks {
				if err := i.send(ctx, chunk); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	err := i.cut(ctx, chunks)
	close(chunks)
	senders.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// cut reads rows into chunks.
func (i *userImport) cut(ctx context.Context, chunks chan<- importChunk) error {
	var chunk importChunk
	size := 0
	pass := func() error {
		if chunk.bytes = i.read.count.Load(); len(chunk.users) == 0 {
			return nil
		}
		select {
		case chunks <- chunk:
			chunk, size = importChunk{}, 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		user, line, length, err := i.rows.next()
		if errors.Is(err, io.EOF) {
			return pass()
		}
		var bad *badRow
		if errors.As(err, &bad) {
			i.refuse(line, user.Username, bad.Error())
			continue
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		if len(chunk.users) == sdk.MaxImportUsers || size+length > maxChunkBytes {
			if err := pass(); err != nil {
				return err
			}
		}
		chunk.users, chunk.lines = append(chunk.users, user), append(chunk.lines, line)
		size += length
	}
}

// send imports a chunk. A server that asks to wait is waited for.
func (i *userImport) send(ctx context.Context, chunk importChunk) error {
	for {
		answer, err := i.client.ImportUsers(ctx, sdk.ImportUsersRequest{DryRun: i.options.dryRun, Users: chunk.users})
		var refusal *sdk.Error
		if errors.As(err, &refusal) && (refusal.StatusCode == http.StatusTooManyRequests || refusal.StatusCode == http.StatusServiceUnavailable) {
			select {
			case <-time.After(max(time.Second, refusal.RetryAfter)):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil {
			return err
		}
		if len(answer.Results) != len(chunk.users) {
			return fmt.Errorf("the server answered about %d of %d users", len(answer.Results), len(chunk.users))
		}
		i.note(chunk, answer.Results)
		return nil
	}
}

func (i *userImport) note(chunk importChunk, results []sdk.ImportResult) {
	for n := range results {
		if r := &results[n]; r.Status == sdk.ImportStatusRefused {
			i.refuse(chunk.lines[n], r.Username, whyRefused(r))
		} else {
			i.mu.Lock()
			i.counts[r.Status]++
			i.mu.Unlock()
		}
	}
	if i.bar != nil {
		_ = i.bar.Set64(chunk.bytes) // a terminal that is gone is no reason to stop
	}
}

// whyRefused puts what the server says into one line.
func whyRefused(r *sdk.ImportResult) string {
	parts := []string{}
	for _, v := range r.Validations {
		parts = append(parts, v.Field+": "+v.Detail)
	}
	if r.Detail != "" {
		parts = append(parts, r.Detail)
	}
	if len(parts) == 0 {
		return r.Message
	}
	return strings.TrimSuffix(r.Message, ".") + ": " + strings.Join(parts, "; ")
}

func (i *userImport) refuse(line int, username, why string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.counts[sdk.ImportStatusRefused]++
	i.report.add(line, username, why)
}

// interrupted says how far it came and how to go on.
func (i *userImport) interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	return fmt.Errorf("%w\n%s; run it again to resume: users who are there are passed over", err, i.sum())
}

// conclude says what was done.
func (i *userImport) conclude() error {
	slices.SortFunc(i.report.shown, func(a, b refusedRow) int { return a.line - b.line })
	for _, row := range i.report.shown {
		i.app.notef("line %d: %s: %s\n", row.line, orDash(printable(row.username)), printable(row.why))
	}
	i.app.printf("%s.\n", i.sum())
	if refused := i.counts[sdk.ImportStatusRefused]; refused > 0 {
		where := "see above"
		if i.options.report != "" {
			where = "see " + i.options.report
		} else if refused > len(i.report.shown) {
			where = "the first are above, and --report FILE writes all"
		}
		return fmt.Errorf("%s refused: %s", count(refused, "row"), where)
	}
	return nil
}

func (i *userImport) sum() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.options.dryRun {
		return fmt.Sprintf("%s could be created, %d are there already, %d would be refused; nothing was imported",
			count(i.counts[sdk.ImportStatusValid], "user"), i.counts[sdk.ImportStatusExists], i.counts[sdk.ImportStatusRefused])
	}
	return fmt.Sprintf("%s created, %d were there already, %d refused",
		count(i.counts[sdk.ImportStatusCreated], "user"), i.counts[sdk.ImportStatusExists], i.counts[sdk.ImportStatusRefused])
}

// importBar is a bar over the file, at a terminal.
func (a *app) importBar(size int64) *progressbar.ProgressBar {
	file, ok := a.Err.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(a.Err), progressbar.OptionSetWidth(barWidth),
		progressbar.OptionThrottle(barInterval), progressbar.OptionSetDescription("Importing"), progressbar.OptionShowBytes(true),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true))
}

func (i *userImport) endBar() {
	if i.bar != nil {
		_ = i.bar.Clear()
	}
}

// maxShown is how many refused rows are shown where no report was asked for.
const maxShown = 20

// importReport collects refused rows as they become known: in a file, or the
// first of them.
type importReport struct {
	file  *os.File
	out   *csv.Writer
	shown []refusedRow
}

type refusedRow struct {
	line          int
	username, why string
}

func newImportReport(name string) (*importReport, error) {
	if name == "" {
		return &importReport{}, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r := &importReport{file: file, out: csv.NewWriter(file)}
	return r, r.out.Write([]string{"line", "username", "message"})
}

func (r *importReport) add(line int, username, why string) {
	if r.out != nil {
		_ = r.out.Write([]string{strconv.Itoa(line), username, why}) // Error, in close, has it
		return
	}
	if len(r.shown) < maxShown {
		r.shown = append(r.shown, refusedRow{line, username, why})
	}
}

func (r *importReport) close() error {
	if r.out == nil {
		return nil
	}
	r.out.Flush()
	return errors.Join(r.out.Error(), r.file.Close())
}
