package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
	"usher/sdk"
)

// Offline are the commands that work on the database itself, for the day when
// nobody can log in. They may run beside a server.
type Offline struct {
	// DataDir holds the embedded database; empty means DefaultDataDir.
	DataDir string
	// DatabaseURL is a postgres:// URL; empty means the embedded database.
	DatabaseURL secret.Redacted
	// PasswordParams are the costs of password hashing; zero means the
	// recommended ones. Only tests set it.
	PasswordParams secret.PasswordParams
}

// ResetPassword sets a user's password and ends all of the user's sessions.
func (o Offline) ResetPassword(ctx context.Context, username, password string) error {
	return o.use(ctx, func(cases *service.Service) error {
		return cases.ResetPassword(ctx, username, secret.Redacted(password))
	})
}

// CreateAdmin makes an owner, also where there are users already.
func (o Offline) CreateAdmin(ctx context.Context, req sdk.CreateFirstUserRequest) (sdk.User, error) {
	var created account.User
	err := o.use(ctx, func(cases *service.Service) (err error) {
		created, err = cases.CreateAdmin(ctx, service.NewUser{
			Username: req.Username, Name: req.Name, Email: req.Email, Password: secret.Redacted(req.Password),
		})
		return err
	})
	if err != nil {
		return sdk.User{}, err
	}
	return sdk.User{ID: created.ID, Username: created.Username, Email: created.Email, Name: created.Name}, nil
}

// use opens the database for one command. It never creates one: an empty
// database is a sign of a wrong --data-dir.
func (o Offline) use(ctx context.Context, command func(*service.Service) error) (err error) {
	cfg, err := Config{DataDir: o.DataDir, DatabaseURL: o.DatabaseURL, PasswordParams: o.PasswordParams}.withDefaults()
	if err != nil {
		return err
	}
	if cfg.DatabaseURL == "" {
		file := filepath.Join(cfg.DataDir, store.SQLiteFile)
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("there is no database at %s; set --data-dir or --database-url", file)
		}
	} else if err := store.CheckDatabaseURL(cfg.DatabaseURL.Reveal()); err != nil {
		return fmt.Errorf("--database-url: %w", err)
	}
	db, err := store.Open(ctx, cfg.storeConfig())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	cases := service.New(cfg.serviceConfig(db))
	defer cases.Close()
	return sentence(command(cases))
}

// sentence strips an error of its causes, which are not for a person.
func sentence(err error) error {
	e, ok := errors.AsType[*account.Error](err)
	if !ok {
		return err
	}
	text := e.Message
	for _, f := range e.Fields {
		text += fmt.Sprintf("\n%s: %s", f.Field, f.Detail)
	}
	return errors.New(text)
}
