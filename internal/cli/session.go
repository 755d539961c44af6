package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"usher/internal/buildinfo"
	"usher/sdk"
)

// requestTimeout is for one request with its answer, the longest of which is a
// page of users.
const requestTimeout = time.Minute

// The files in the configuration directory. Each holds one line.
const (
	urlFile     = "url"
	sessionFile = "session"
)

// session is where a command sends its requests, and the token that it sends along.
type session struct {
	url   string
	token string
	// tokenFrom names where the token was given; empty for the stored session.
	tokenFrom string
}

// client returns a client of the server that flags, environment or the stored
// login name, with a token.
func (a *app) client() (*sdk.Client, error) {
	client, err := a.anonymousClient()
	if err != nil {
		return nil, err
	}
	if a.target.token == "" {
		return nil, fmt.Errorf("you are not logged in to %s; log in with: usher login %s", a.target.url, a.target.url)
	}
	client.SetSessionToken(a.target.token)
	return client, nil
}

// anonymousClient is client for what needs no login.
func (a *app) anonymousClient() (*sdk.Client, error) {
	stored, err := a.stored()
	if err != nil {
		return nil, err
	}
	address, _ := a.given(a.urlFlag, "url", "USHER_URL")
	if address == "" {
		address = stored.url
	}
	if address == "" {
		return nil, errors.New("no server is known; log in with: usher login URL")
	}
	return a.connect(address, stored)
}

// connect makes a client of the address, settles which token belongs to it and
// makes it the target. The stored session is for the server that gave it:
// another one never gets to see it.
func (a *app) connect(address string, stored session) (*sdk.Client, error) {
	address, err := serverURL(address)
	if err != nil {
		return nil, err
	}
	client, err := sdk.New(address)
	if err != nil {
		return nil, err
	}
	client.Version = buildinfo.Version()
	client.HTTPClient = &http.Client{Timeout: requestTimeout}
	a.target = session{url: address}
	a.target.token, a.target.tokenFrom = a.given(a.tokenFlag, "token", "USHER_SESSION_TOKEN")
	if a.target.token == "" && address == stored.url {
		a.target.token = stored.token
	}
	return client, nil
}

// given returns the value of a global flag or of its variable, and the name of
// the one that has it.
func (a *app) given(flagValue, flag, variable string) (value, source string) {
	if flagValue != "" {
		return flagValue, "--" + flag
	}
	if value := a.Env(variable); value != "" {
		return value, variable
	}
	return "", ""
}

// serverURL completes an address that a person typed: http for this machine,
// https for any other.
func serverURL(address string) (string, error) {
	address = strings.TrimSpace(address)
	if !strings.Contains(address, "://") {
		scheme := "https://"
		if isLocal(address) {
			scheme = "http://"
		}
		address = scheme + address
	}
	client, err := sdk.New(address)
	if err != nil {
		return "", err
	}
	u := client.URL
	if u.User != nil {
		return "", errors.New("the server address must not contain a user name or password")
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/"), nil
}

func isLocal(address string) bool {
	u, err := url.Parse("http://" + address)
	if err != nil {
		return false
	}
	if strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}

func (a *app) configDir() (string, error) {
	if dir, _ := a.given(a.configDirFlag, "config-dir", "USHER_CONFIG_DIR"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no configuration directory is known; set --config-dir: %w", err)
	}
	return filepath.Join(dir, "usher"), nil
}

// stored reads the login that is remembered; there may be none.
func (a *app) stored() (session, error) {
	dir, err := a.configDir()
	if err != nil {
		return session{}, err
	}
	address, err := readLineFile(filepath.Join(dir, urlFile))
	if err != nil {
		return session{}, err
	}
	token, err := readLineFile(filepath.Join(dir, sessionFile))
	return session{url: address, token: token}, err
}

func readLineFile(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the stored login: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

// remember stores a login. The old session goes first, so that no crash leaves
// it beside the new address.
func (a *app) remember(login session) error {
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("store the login: %w", err)
	}
	if err := a.forget(); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, urlFile), login.url); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, sessionFile), login.token)
}

// forget removes the stored login, if there is one.
func (a *app) forget() error {
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	for _, name := range []string{sessionFile, urlFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget the login: %w", err)
		}
	}
	return nil
}

// writeFile writes a line to a file that only its owner can read, whole or not
// at all.
func writeFile(path, line string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("store the login: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // in vain after the rename
	_, err = file.WriteString(line + "\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("store the login: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("store the login: %w", err)
	}
	return nil
}
