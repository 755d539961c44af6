package cli

import "usher/internal/secret"

// smtpSettings are about the mail server through which people get one-time
// passcodes.
func smtpSettings() []setting {
	return []setting{
		{
			name: "smtp-address", kind: "ADDRESS", usage: "the mail server that sends one-time passcodes, as host:port",
			otherwise: "no mail is sent",
			set:       text(func(o *serverOptions) *string { return &o.config.SMTP.Address }),
		},
		{
			name: "smtp-from", kind: "SENDER", usage: "who the mail is from, as an e-mail address or Name <address>",
			otherwise: "none, which --smtp-address needs",
			set:       text(func(o *serverOptions) *string { return &o.config.SMTP.From }),
		},
		{
			name: "smtp-username", kind: "NAME", usage: "the account at the mail server",
			otherwise: "none",
			set:       text(func(o *serverOptions) *string { return &o.config.SMTP.Username }),
		},
		{
			name: "smtp-password", kind: "PASSWORD", usage: "its password; never sent over a network without TLS",
			otherwise: "none", secret: true,
			set: func(o *serverOptions, value string) error {
				o.config.SMTP.Password = secret.Redacted(value)
				return nil
			},
		},
		{
			name: "smtp-tls", kind: "NAME", usage: "how the connection is protected: starttls, tls (from the first byte) or none",
			otherwise: "starttls",
			set:       text(func(o *serverOptions) *string { return &o.config.SMTP.TLS }),
		},
		{
			name: "smtp-hello", kind: "NAME", usage: "the name by which this machine introduces itself to the mail server",
			otherwise: "its host name",
			set:       text(func(o *serverOptions) *string { return &o.config.SMTP.Hello }),
		},
	}
}
