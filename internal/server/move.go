package server

import (
	"context"
	"fmt"
	"path/filepath"

	"usher/internal/secret"
	"usher/internal/store"
)

// Move copies the database of a deployment to another place, of the same engine
// or of the other one. No server may be using either.
type Move struct {
	// From is a data directory, the database file in it, a file that Backup made,
	// or a postgres:// URL.
	From secret.Redacted
	// To is a data directory, which is made if it is not there, or a postgres://
	// URL. There is no database yet, or one that was never used.
	To secret.Redacted
	// Progress is told how far it is, now and then; may be nil.
	Progress func(MoveProgress)
}

// MoveProgress says how far a move is.
type MoveProgress = store.CopyProgress

// Moved says what was copied, and what has to come along.
type Moved struct {
	store.CopyReport
	// KeyID is of the encryption key that the database needs; "" for none.
	KeyID string
	// KeyFile is where the key file of the source is, and NewKeyFile where servers
	// look for it if they are told nothing else; "" where that is not known.
	KeyFile, NewKeyFile string
	// DataDir is of the target; "" if that is on a server.
	DataDir string
}

// Run copies. It compares what is there afterwards with what it read, and leaves
// the target empty unless they are equal. The source is only read.
func (m Move) Run(ctx context.Context) (Moved, error) {
	from, err := store.PlaceToRead(m.From.Reveal())
	if err != nil {
		return Moved{}, fmt.Errorf("--from: %w", err)
	}
	to, err := store.PlaceToFill(m.To.Reveal())
	if err != nil {
		return Moved{}, fmt.Errorf("--to: %w", err)
	}
	report, err := store.Copy{From: from, To: to, Progress: m.Progress}.Run(ctx)
	if err != nil {
		return Moved{}, err
	}
	moved := Moved{CopyReport: report, DataDir: to.DataDir}
	if report.EncryptionCheck != "" {
		moved.KeyID = secret.SealedWith(report.EncryptionCheck)
		moved.KeyFile, moved.NewKeyFile = keyFileBeside(from), keyFileBeside(to)
	}
	return moved, nil
}

// keyFileBeside is where the key file of a data directory is; "" of other places.
func keyFileBeside(p store.Place) string {
	if p.DataDir == "" {
		return ""
	}
	return filepath.Join(p.DataDir, EncryptionKeyFile)
}
