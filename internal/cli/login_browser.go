package cli

import (
	"context"
	"os/exec"
	"runtime"
	"strings"

	"usher/sdk"
)

// cliAuthPath is the page that makes a key for a command line.
const cliAuthPath = "/cli-auth"

// loginWithBrowser lets somebody sign in with a browser, in whatever way the
// server knows, and takes the key that its page shows. An answer that is an
// e-mail address is returned: they would rather type a password, as they would
// after an empty answer, for which done is false too.
func (a *app) loginWithBrowser(ctx context.Context, client *sdk.Client, options loginOptions, passwords bool) (email string, done bool, err error) {
	page := a.target.url + cliAuthPath
	a.notef("Sign in with a browser and make a session key at\n\n    %s\n\n", page)
	if !options.noBrowser {
		a.openBrowser(page)
	}
	question := "Session key (not shown)"
	if passwords {
		question = "Session key (not shown), or nothing to log in with e-mail and password"
	}
	for {
		answer, err := a.secret(ctx, question)
		if err != nil {
			return "", false, err
		}
		answer = strings.TrimSpace(answer)
		switch {
		case passwords && (answer == "" || strings.Contains(answer, "@")): // no key has one
			return answer, false, nil
		case answer == "":
			continue
		}
		valid, err := a.tryKey(ctx, client, answer)
		if err != nil || valid {
			return "", valid, err
		}
		a.notef("That is no valid key. Copy the whole key from the page.\n")
	}
}

// tryKey gives the client a key if the server knows it.
func (a *app) tryKey(ctx context.Context, client *sdk.Client, key string) (valid bool, err error) {
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return false, nil // it cannot be sent
	}
	client.SetSessionToken(key)
	_, err = client.User(ctx, sdk.Me)
	if err == nil {
		return true, nil
	}
	client.SetSessionToken("")
	if sdk.IsUnauthenticated(err) {
		return false, nil
	}
	return false, err
}

// openBrowser shows a page if there is a display and a program that can. It is
// a convenience: the address has been printed.
func (a *app) openBrowser(page string) {
	argv := browserCommand(runtime.GOOS, a.Env)
	if argv == nil {
		return
	}
	opener := exec.Command(argv[0], append(argv[1:], page)...) //nolint:noctx // the system's own opener, which lives longer than this command
	outlive(opener)
	if err := opener.Start(); err != nil {
		return
	}
	go func() { _ = opener.Wait() }()
}

// browserCommand is what opens a page, without the address; nil where nobody
// would see it.
func browserCommand(system string, env func(string) string) []string {
	switch system {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	if env("DISPLAY") == "" && env("WAYLAND_DISPLAY") == "" {
		return nil
	}
	return []string{"xdg-open"}
}
