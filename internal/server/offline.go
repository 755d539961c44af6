package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/uuid"

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
	// EncryptionKeyFile is the key file of the servers; empty means the one in
	// the data directory.
	EncryptionKeyFile string
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
	return wireUser(created), nil
}

// wireUser is what the API would answer about a user that was just made. There
// is no API here: offline commands start no handler.
func wireUser(u account.User) sdk.User {
	user := sdk.User{
		ID: u.ID, Username: u.Username, Name: u.Name, AvatarURL: u.AvatarURL, Email: u.Email,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, LastSeenAt: u.LastSeenAt,
		Status: sdk.UserStatus(u.Status), LoginType: sdk.LoginType(u.LoginType),
		IsServiceAccount: u.IsServiceAccount, HasAISeat: u.HasAISeat(), ThemePreference: u.ThemePreference,
		OrganizationIDs: append([]uuid.UUID{}, u.OrganizationIDs...),
		Roles:           []sdk.SlimRole{},
	}
	for _, name := range u.Roles {
		user.Roles = append(user.Roles, sdk.SlimRole{Name: name, DisplayName: account.SiteRoleDisplayName(name)})
	}
	return user
}

// Backup writes a consistent copy of the embedded database to file while a
// server may be using it. It returns the directory that it copied from.
func (o Offline) Backup(ctx context.Context, file string) (dataDir string, err error) {
	cfg, err := o.embedded("back up a PostgreSQL database with its own tools, such as pg_dump")
	if err != nil {
		return "", err
	}
	return cfg.DataDir, store.Backup(ctx, cfg.DataDir, file)
}

// Restore puts a copy that Backup made into an empty data directory, which no
// server may be using.
func (o Offline) Restore(ctx context.Context, file string) (dataDir string, err error) {
	cfg, err := o.embedded("restore a PostgreSQL database with its own tools, such as pg_restore")
	if err != nil {
		return "", err
	}
	if err := store.CheckBackup(ctx, file); err != nil {
		return "", err // before there is a directory
	}
	release, err := cfg.prepareDataDir()
	if err != nil {
		return "", err
	}
	defer release()
	return cfg.DataDir, store.Restore(ctx, file, cfg.DataDir)
}

// embedded returns the configuration of the embedded database; advice is for
// those who have another.
func (o Offline) embedded(advice string) (Config, error) {
	if o.DatabaseURL != "" {
		return Config{}, errors.New(advice)
	}
	return Config{DataDir: o.DataDir}.withDefaults()
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
