package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"usher/internal/secret"
)

// EncryptionKeyFile is the name of the key file in the data directory.
const EncryptionKeyFile = "encryption.keys"

// keyFile is the file of the keys that seal what the database must not show.
type keyFile string

// encryptionKeyFile returns where it is; the data directory must be known.
func (c Config) encryptionKeyFile() keyFile {
	if c.EncryptionKeyFile != "" {
		return keyFile(c.EncryptionKeyFile)
	}
	return keyFile(filepath.Join(c.DataDir, EncryptionKeyFile))
}

func (f keyFile) exists() (bool, error) {
	_, err := os.Stat(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the encryption key file: %w", err)
	}
	return true, nil
}

func (f keyFile) read() ([]byte, error) { return os.ReadFile(string(f)) }

// open reads the keys. An error names the file.
func (f keyFile) open() (*secret.Sealer, error) {
	sealer, err := secret.NewSealer(f.read)
	if err != nil {
		return nil, fmt.Errorf("the encryption key file %s: %w", f, err)
	}
	return sealer, nil
}

// readableByOthers reports whether everybody on this machine can read the keys.
func (f keyFile) readableByOthers() bool {
	const others = 0o004
	info, err := os.Stat(string(f))
	return err == nil && info.Mode().Perm()&others != 0
}

// create makes the file with one key, unless another process was first. It is
// there whole or not at all.
func (f keyFile) create() error {
	_, line := secret.NewSealingKey()
	temporary, err := f.write(line)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	if err := os.Link(temporary, string(f)); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the encryption key file: %w", err)
	}
	return f.syncDir()
}

// add puts a new key before the others, and returns its id and whether the file
// was made for it.
func (f keyFile) add(ctx context.Context) (id string, made bool, err error) {
	release, err := f.lock(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.create(); err != nil {
			return "", false, err
		}
		sealer, err := f.open()
		if err != nil {
			return "", false, err
		}
		return sealer.Keyring().Current(), true, nil
	}
	if err != nil {
		return "", false, err
	}
	defer release()
	text, err := f.read()
	if err != nil {
		return "", false, err
	}
	if _, err := secret.ParseKeyring(text); err != nil {
		return "", false, fmt.Errorf("the encryption key file %s: %w", f, err)
	}
	id, line := secret.NewSealingKey()
	return id, false, f.replace(line + secret.Redacted(text))
}

// lock keeps out other processes that add a key. The file is replaced under the
// lock, so that who waited may hold the lock of a file that is gone.
func (f keyFile) lock(ctx context.Context) (release func(), err error) {
	for ctx.Err() == nil {
		file, err := os.OpenFile(string(f), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", f, err), file.Close())
		}
		held, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if present, err := os.Stat(string(f)); err == nil && os.SameFile(held, present) {
			return func() { _ = file.Close() }, nil
		}
		_ = file.Close()
	}
	return nil, ctx.Err()
}

// replace gives the file another content, whole or not at all. Owner and mode
// stay, so that a server that runs as another user can still read it.
func (f keyFile) replace(text secret.Redacted) error {
	path, err := filepath.EvalSymlinks(string(f))
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	temporary, err := keyFile(path).write(text)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }() // in vain after the rename
	if owner, known := info.Sys().(*syscall.Stat_t); known {
		if err := os.Chown(temporary, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("keep the owner of the encryption key file: %w", err)
		}
	}
	if err := os.Chmod(temporary, info.Mode().Perm()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("replace the encryption key file: %w", err)
	}
	return keyFile(path).syncDir()
}

// write writes a text beside the file, for its owner only, and returns where.
func (f keyFile) write(text secret.Redacted) (path string, err error) {
	file, err := os.CreateTemp(filepath.Dir(string(f)), "."+filepath.Base(string(f))+"-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("write the encryption key file: %w", err)
	}
	_, err = file.WriteString(text.Reveal())
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write the encryption key file: %w", err), os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// syncDir makes the name durable: a database that outlives a power failure must
// not outlive its key.
func (f keyFile) syncDir() error {
	dir, err := os.Open(filepath.Dir(string(f)))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
