package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"usher/internal/secret"
	"usher/internal/server"
)

// moveSettings are the two places of a move. They are secret, because a URL may
// hold a password.
func moveSettings() []setting {
	return []setting{
		{
			name: "from", kind: "PLACE", usage: "the database that is there: a data directory, a backup or a postgres:// URL",
			otherwise: "none", secret: true,
		},
		{
			name: "to", kind: "PLACE", usage: "where it goes: a data directory or a postgres:// URL, empty",
			otherwise: "none", secret: true,
		},
	}
}

func (a *app) migrateDatabaseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate-database --from PLACE --to PLACE",
		Short: "Copy everything into another database, SQLite or PostgreSQL",
		Long: "Copies everything from one database into another, empty one: from SQLite to\n" +
			"PostgreSQL, back, or between two of a kind. Users, logins, tokens and the audit log\n" +
			"are the same afterwards. The old database is only read. The new one is compared with\n" +
			"it, row by row; where anything fails, nothing of the copy is kept.\n\n" +
			"Stop every server first, on both sides: what it changed during the copy would be\n" +
			"lost. A server that still uses one of the databases is noticed, and refused. The new\n" +
			"database must have been used by nobody, and the old one must have the schema of this\n" +
			"version: start its server once, after an upgrade.\n\n" +
			"The encryption key file is no part of the database; it has to come along. Settings\n" +
			"of the server are none either.",
		Example: "  usher migrate-database --from /var/lib/usher --to postgres://usher@db.example.com/usher\n" +
			"  usher migrate-database --from postgres://usher@db.example.com/usher --to /var/lib/usher-new",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			move, err := a.readMove(cmd)
			if err != nil {
				return err
			}
			start := a.now()
			progress := a.newProgress()
			move.Progress = progress.tell
			moved, err := move.Run(cmd.Context())
			progress.end()
			if errors.Is(err, context.Canceled) {
				return errors.New("interrupted; nothing was copied")
			}
			if err != nil {
				return err
			}
			return a.explainMove(moved, a.now().Sub(start))
		},
	}
	addSettings(cmd.Flags(), moveSettings())
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) readMove(cmd *cobra.Command) (server.Move, error) {
	var places []secret.Redacted
	for _, row := range moveSettings() {
		place, source, err := a.lookUp(cmd.Flags(), row)
		if err != nil {
			return server.Move{}, misused(cmd, "%s: %w", source, err)
		}
		if place == "" {
			return server.Move{}, misused(cmd, "--%s is missing", row.name)
		}
		places = append(places, secret.Redacted(place))
	}
	return server.Move{From: places[0], To: places[1]}, nil
}

// explainMove says what was copied and what is left to do.
func (a *app) explainMove(moved server.Moved, took time.Duration) error {
	var rows int64
	for _, table := range moved.Tables {
		rows += table.Rows
	}
	a.printf("Copied %d rows of %s in %s\n  from %s\n  to   %s\nand read them all again there: each table is the same on both sides.\n\n",
		rows, count(len(moved.Tables), "table"), took.Round(100*time.Millisecond), moved.From, moved.To)
	err := a.print(format{}, nil, func(w io.Writer) {
		writeRow(w, "TABLE", "ROWS", "SHA-256")
		for _, table := range moved.Tables {
			writeRow(w, table.Name, strconv.FormatInt(table.Rows, 10), table.SHA256)
		}
	})
	if err != nil {
		return err
	}
	a.printf("\n%s%s", keyAdvice(moved), startAdvice(moved))
	return nil
}

// keyAdvice says which key file has to come along, and where to.
func keyAdvice(moved server.Moved) string {
	if moved.KeyID == "" {
		return ""
	}
	file, place := "the key file of the old server", "each new server's data directory"
	if moved.KeyFile != "" {
		file = moved.KeyFile + " (or what --encryption-key-file said)"
	}
	if moved.NewKeyFile != "" {
		place = moved.NewKeyFile
	} else {
		place += " as " + server.EncryptionKeyFile
	}
	return "The encryption key " + moved.KeyID + " is not in the database. Copy " + file + "\nto " + place +
		", or name it with --encryption-key-file.\nWithout it a server refuses to start.\n\n"
}

func startAdvice(moved server.Moved) string {
	how := "--database-url"
	if moved.DataDir != "" {
		how = "--data-dir " + moved.DataDir
	}
	return "Then start the server with " + how + ". See that none is started on the old database,\n" +
		"which is as it was; keep it for as long as you keep backups.\n"
}

// progress shows how far a move is: a bar at a terminal, and lines elsewhere.
type progress struct {
	app      *app
	terminal bool
	bar      *progressbar.ProgressBar
	last     server.MoveProgress
}

func (a *app) newProgress() *progress {
	file, ok := a.Err.(*os.File)
	return &progress{app: a, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (p *progress) tell(now server.MoveProgress) {
	if p.terminal {
		p.show(now)
		return
	}
	if (now.Table != p.last.Table || now.Checking != p.last.Checking) && now.Rows > 0 {
		p.app.notef("%s: %s\n", what(now), count(int(now.Rows), "row"))
	}
	p.last = now
}

func (p *progress) show(now server.MoveProgress) {
	if now.Total == 0 {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(now.Total, progressbar.OptionSetWriter(p.app.Err), progressbar.OptionSetWidth(barWidth),
			progressbar.OptionThrottle(barInterval), progressbar.OptionSetDescription(what(now)),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true))
	}
	p.bar.Describe(what(now))
	_ = p.bar.Set64(now.Done) // a terminal that is gone is no reason to stop
}

const (
	barWidth    = 30
	barInterval = 100 * time.Millisecond
)

func what(now server.MoveProgress) string {
	if now.Checking {
		return "Checking " + now.Table
	}
	return "Copying " + now.Table
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
