package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"usher/internal/secret"
	"usher/internal/server"
)

// serverOptions is what the settings of a server fill.
type serverOptions struct {
	config    server.Config
	logFormat string
	logLevel  slog.Level
}

// setting is one thing that a server can be told: a flag, and a variable of the
// environment with its name.
type setting struct {
	name  string // of the flag, without dashes
	kind  string // what stands for the value in the help; empty for a switch
	usage string // one line
	// fallback is the value where nothing is given; empty leaves the zero value.
	fallback string
	// otherwise describes in the help what happens without a value and a fallback.
	otherwise string
	// secret settings can also come from a file, whose path is in the variable
	// with _FILE at its end.
	secret bool
	set    func(*serverOptions, string) error
}

// serverSettings returns every setting of "usher serve", in the order of its
// help.
func serverSettings() []setting {
	return slices.Concat(servingSettings(), databaseConnectionSettings(), loginSettings(), pageSettings(), githubSettings(), oidcSettings(), smtpSettings(), logSettings())
}

func servingSettings() []setting {
	return []setting{
		{
			name: "listen", kind: "ADDRESS", usage: "where to serve, as host:port; port 0 picks a free one",
			fallback: server.DefaultListen,
			set:      text(func(o *serverOptions) *string { return &o.config.Listen }),
		},
		{
			name: "data-dir", kind: "DIR", usage: "the directory of the embedded database and other files",
			otherwise: "usher in the user's data directory",
			set:       text(func(o *serverOptions) *string { return &o.config.DataDir }),
		},
		{
			name: "database-url", kind: "URL", usage: "a PostgreSQL database, as postgres://user:password@host/name",
			otherwise: "the embedded database", secret: true,
			set: func(o *serverOptions, value string) error {
				o.config.DatabaseURL = secret.Redacted(value)
				return nil
			},
		},
		{
			name: "access-url", kind: "URL", usage: "how clients reach this server; https makes cookies Secure",
			otherwise: "the listen address",
			set:       text(func(o *serverOptions) *string { return &o.config.AccessURL }),
		},
		{
			name: "dialect", kind: "NAME", usage: "the API dialect of clients that ask for none: reference, coder or legacy",
			fallback: "reference",
			set:      text(func(o *serverOptions) *string { return &o.config.Dialect }),
		},
		{
			name: "rate-limit", kind: "N", usage: "requests a minute for each user and route; 0 turns all limits off",
			fallback: strconv.Itoa(server.DefaultRateLimit),
			set:      number(func(o *serverOptions) *int { return &o.config.RateLimit }),
		},
		{
			name: "trusted-proxies", kind: "CIDR,...", usage: "networks of proxies whose X-Forwarded-For is believed",
			otherwise: "none",
			set:       list(func(o *serverOptions) *[]string { return &o.config.TrustedProxies }),
		},
		{
			name: "tls-cert-file", kind: "FILE", usage: "serve HTTPS with this PEM certificate; read again when it changes",
			otherwise: "plain HTTP",
			set:       text(func(o *serverOptions) *string { return &o.config.TLSCertFile }),
		},
		{
			name: "tls-key-file", kind: "FILE", usage: "the PEM key of the certificate",
			otherwise: "plain HTTP",
			set:       text(func(o *serverOptions) *string { return &o.config.TLSKeyFile }),
		},
		{
			name: "encryption-key-file", kind: "FILE", usage: "the keys that encrypt secrets in the database; all nodes share it",
			otherwise: server.EncryptionKeyFile + " in the data directory",
			set:       text(func(o *serverOptions) *string { return &o.config.EncryptionKeyFile }),
		},
		{
			name: "ssh-keygen-algorithm", kind: "NAME", usage: "of the SSH keys that are made: ed25519, ecdsa or rsa4096",
			fallback: "ed25519",
			set:      text(func(o *serverOptions) *string { return &o.config.SSHKeygenAlgorithm }),
		},
	}
}

func loginSettings() []setting {
	return []setting{
		{
			name: "session-duration", kind: "DURATION", usage: "how long an unused login lasts",
			fallback: hours(server.DefaultSession),
			set:      lifetime(func(o *serverOptions) *time.Duration { return &o.config.SessionDuration }),
		},
		{
			name: "disable-session-expiry-refresh", usage: "end logins after that time, however much they are used",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.DisableSessionExpiryRefresh }),
		},
		{
			name: "default-token-lifetime", kind: "DURATION", usage: "the life of a token made without one",
			fallback: hours(server.DefaultTokenLifetime),
			set:      lifetime(func(o *serverOptions) *time.Duration { return &o.config.DefaultTokenLifetime }),
		},
		{
			name: "max-token-lifetime", kind: "DURATION", usage: "the longest life that a token can be given",
			fallback: hours(server.DefaultMaxLifetime),
			set:      lifetime(func(o *serverOptions) *time.Duration { return &o.config.MaxTokenLifetime }),
		},
		{
			name: "max-admin-token-lifetime", kind: "DURATION", usage: "the same for tokens of owners, instead",
			fallback: hours(server.DefaultTokenLifetime),
			set:      lifetime(func(o *serverOptions) *time.Duration { return &o.config.MaxAdminTokenLifetime }),
		},
		{
			name: "api-keys-retention", kind: "DURATION", usage: "how long expired logins and tokens stay listed; 0 keeps them for ever",
			fallback: hours(server.DefaultKeyRetention),
			set:      duration(func(o *serverOptions) *time.Duration { return &o.config.APIKeysRetention }),
		},
		{
			name: "audit-retention", kind: "DURATION", usage: "how long the audit log is kept; 0 keeps it for ever",
			fallback: "0",
			set:      duration(func(o *serverOptions) *time.Duration { return &o.config.AuditRetention }),
		},
		{
			name: "dormancy-threshold", kind: "DURATION", usage: "people not seen for so long become dormant; 0 turns it off",
			fallback: hours(server.DefaultDormancy),
			set:      duration(func(o *serverOptions) *time.Duration { return &o.config.DormancyThreshold }),
		},
		{
			name: "disable-password-auth", usage: "turn logins with a password off, for owners too",
			fallback: "false",
			set:      boolean(func(o *serverOptions) *bool { return &o.config.DisablePasswordAuth }),
		},
		{
			name: "terms-of-service-url", kind: "URL", usage: "a page that logins link to",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.TermsOfServiceURL }),
		},
	}
}

func logSettings() []setting {
	return []setting{
		{
			name: "log-format", kind: "NAME", usage: "how the log on standard error looks: text or json",
			fallback: "text",
			set:      choice(func(o *serverOptions) *string { return &o.logFormat }, "text", "json"),
		},
		{
			name: "log-level", kind: "NAME", usage: "the least that is logged: debug, info, warn or error",
			fallback: "info",
			set:      level(func(o *serverOptions) *slog.Level { return &o.logLevel }),
		},
		{
			name: "debug-listen", kind: "ADDRESS", usage: "where on loopback to serve profiles of the process, under /debug/pprof/",
			otherwise: "nowhere",
			set:       text(func(o *serverOptions) *string { return &o.config.DebugListen }),
		},
	}
}

// databaseSettings are the settings by which an offline command finds the data.
func databaseSettings() []setting { return settingsNamed("data-dir", "database-url") }

// settingsNamed are some of the settings of a server, in the order of its help.
func settingsNamed(names ...string) []setting {
	return slices.DeleteFunc(serverSettings(), func(row setting) bool { return !slices.Contains(names, row.name) })
}

// variable returns the name of the environment's twin.
func (s setting) variable() string {
	return "USHER_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// help returns the description, and in a second line variables and default.
func (s setting) help() string {
	variables := s.variable()
	if s.secret {
		variables += " or " + s.variable() + "_FILE"
	}
	otherwise := s.otherwise
	if s.fallback != "" {
		otherwise = s.fallback
	}
	return fmt.Sprintf("%s\n[%s, default: %s]", s.usage, variables, otherwise)
}

// addSettings makes a flag of each setting. Flags take any text: what is wrong
// with it is reported together with everything else.
func addSettings(flags *pflag.FlagSet, rows []setting) {
	for _, row := range rows {
		if row.kind == "" {
			flags.VarPF(&rawValue{kind: "bool"}, row.name, "", row.help()).NoOptDefVal = "true"
			continue
		}
		flags.Var(&rawValue{kind: row.kind}, row.name, row.help())
	}
}

// rawValue is the text of a flag, and what the help calls it; "bool" makes a
// switch of it.
type rawValue struct{ kind, text string }

func (v *rawValue) String() string        { return v.text }
func (v *rawValue) Set(text string) error { v.text = text; return nil }
func (v *rawValue) Type() string          { return v.kind }

// readSettings fills the options from flags, environment and fallbacks, in this
// order, and validates them. It reports all problems at once, each under the
// name by which the value came.
func (a *app) readSettings(cmd *cobra.Command, rows []setting) (serverOptions, error) {
	var options serverOptions
	var problems []error
	sources := map[string]string{}
	for _, row := range rows {
		value, source, err := a.lookUp(cmd.Flags(), row)
		if err == nil && value != "" {
			err = row.set(&options, value)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", source, err))
		}
		sources["--"+row.name] = source
	}
	for _, problem := range flatten(options.config.Validate()) {
		problems = append(problems, rename(problem, sources))
	}
	switch len(problems) {
	case 0:
		return options, nil
	case 1:
		return options, misused(cmd, "%w", problems[0])
	}
	lines := []string{"these settings make no sense:"}
	for _, problem := range problems {
		lines = append(lines, problem.Error())
	}
	return options, misused(cmd, "%s", strings.Join(lines, "\n  "))
}

// lookUp returns the text of a setting and the name by which it came. A variable
// that is empty is absent.
func (a *app) lookUp(flags *pflag.FlagSet, row setting) (value, source string, err error) {
	variable := row.variable()
	direct, path := a.Env(variable), ""
	if row.secret {
		path = a.Env(variable + "_FILE")
	}
	flag := flags.Lookup(row.name)
	switch {
	case flag.Changed:
		return flag.Value.String(), "--" + row.name, nil
	case direct != "" && path != "":
		return "", variable, fmt.Errorf("is set, and so is %s_FILE; set one of them", variable)
	case path != "":
		content, err := os.ReadFile(path)
		return strings.TrimRight(string(content), "\r\n"), variable + "_FILE", err
	case direct != "":
		return direct, variable, nil
	}
	return row.fallback, "--" + row.name, nil
}

// flatten lists the errors that errors.Join put together.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err == nil {
			return nil
		}
		return []error{err}
	}
	var list []error
	for _, one := range joined.Unwrap() {
		list = append(list, flatten(one)...)
	}
	return list
}

// rename tells a problem that the server names by its flag by the variable, if
// that is where the value came from.
func rename(problem error, sources map[string]string) error {
	name, rest, found := strings.Cut(problem.Error(), ": ")
	source, known := sources[name]
	if !found || !known || source == name {
		return problem
	}
	return errors.New(source + ": " + rest)
}
