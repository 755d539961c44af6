package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"usher/internal/account"
	"usher/internal/secret"
	"usher/internal/service"
	"usher/internal/store"
)

// openKeys opens the key file, which is made where neither it nor anything that
// it could have sealed is there.
func (c Config) openKeys(ctx context.Context, db *store.Store) (*secret.Sealer, error) {
	file := c.encryptionKeyFile()
	if err := c.makeKeys(ctx, db, file); err != nil {
		return nil, err
	}
	if file.readableByOthers() {
		c.Log.Warn("everybody on this machine can read the encryption key file; give it mode 0600", "file", string(file))
	}
	return file.open()
}

// makeKeys makes the key file, unless it is there, or is missing.
func (c Config) makeKeys(ctx context.Context, db *store.Store, file keyFile) error {
	if exists, err := file.exists(); err != nil || exists {
		return err
	}
	check, err := db.Direct().EncryptionCheck(ctx)
	if account.KindOf(err) == account.KindNotFound {
		if err := file.create(); err != nil {
			return err
		}
		c.Log.Info("made an encryption key file; back it up, apart from the database", "file", string(file))
		return nil
	}
	if err != nil {
		return err
	}
	// Another node that starts at this moment makes the file first, and then puts
	// the check into the database: where the check is, the file is by now.
	if exists, err := file.exists(); err != nil || exists {
		return err
	}
	return lostKeys(file, secret.SealedWith(check), "the file is not there")
}

// claimEncryption refuses to go on with a key file that is not the database's.
func (c Config) claimEncryption(ctx context.Context, cases *service.Service) error {
	return c.wordUnsealable(cases.ClaimEncryption(ctx))
}

// wordUnsealable says what can be done about keys that do not open the database.
func (c Config) wordUnsealable(err error) error {
	failure, ok := errors.AsType[*service.UnsealableError](err)
	if !ok {
		return err
	}
	reason := "that key is not in it"
	if errors.Is(err, secret.ErrSealed) {
		reason = "the key of this id in it is another one"
	}
	return lostKeys(c.encryptionKeyFile(), failure.KeyID, reason)
}

func lostKeys(file keyFile, keyID, reason string) error {
	return fmt.Errorf("the database is sealed with the encryption key %q, and %s cannot open it: %s.\n"+
		"Put the right key file there, from a backup or from another node, or name it with --encryption-key-file.\n"+
		"If the key is lost for good, what it sealed is lost too, and can be thrown away: run\n"+
		"\"usher keys new-encryption-key\" if there is no key file, then\n"+
		"\"usher keys rotate-encryption --discard-unreadable\"", keyID, file, reason)
}

// reloadOnHangup reads the key file again at each SIGHUP, until stop is called.
func (c Config) reloadOnHangup(ctx context.Context, cases *service.Service) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			if err := cases.ReloadEncryptionKeys(ctx); err != nil {
				c.Log.Error("the encryption key file was not read again; the old keys stay", "error", err)
				continue
			}
			c.Log.Info("read the encryption key file again", "key", cases.Sealer.Keyring().Current())
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

// EncryptionRotation is what RotateEncryption did.
type EncryptionRotation = service.EncryptionRotation

// NewEncryptionKey adds a key to the key file, which from then on seals wherever
// the file has been read. It returns the file and the id of the key, and whether
// the file was made for it.
func (o Offline) NewEncryptionKey(ctx context.Context) (file, id string, made bool, err error) {
	cfg, err := o.keyConfig()
	if err != nil {
		return "", "", false, err
	}
	keys := cfg.encryptionKeyFile()
	id, made, err = keys.add(ctx)
	return string(keys), id, made, err
}

// RotateEncryption seals everything in the database with the first key of the
// key file, and returns the file too. What no key of the file opens is left as it
// is and counted, or thrown away.
func (o Offline) RotateEncryption(ctx context.Context, discardUnreadable bool) (file string, r EncryptionRotation, err error) {
	cfg, err := o.keyConfig()
	if err != nil {
		return "", r, err
	}
	keys := cfg.encryptionKeyFile()
	sealer, err := keys.open()
	if err != nil {
		return "", r, err
	}
	err = o.use(ctx, func(cases *service.Service) (err error) {
		cases.Sealer = sealer
		r, err = cases.RotateEncryption(ctx, discardUnreadable)
		return cfg.wordUnsealable(err)
	})
	return string(keys), r, err
}

// keyConfig is the part of a configuration that tells where the key file is.
func (o Offline) keyConfig() (Config, error) {
	return Config{DataDir: o.DataDir, EncryptionKeyFile: o.EncryptionKeyFile}.withDefaults()
}
