package server

import (
	"context"
	"net/url"
	"strings"
	"time"

	"usher/internal/mail"
	"usher/internal/service"
)

// mailCloseTime is how long a stopping server waits for mail that is on its way.
const mailCloseTime = 10 * time.Second

// validateSMTP hands every problem to check, under the name of its flag.
func (c Config) validateSMTP(check func(flag string, err error)) {
	if !c.SMTP.IsSet() {
		return
	}
	for _, fault := range c.SMTP.Validate() {
		check("smtp-"+strings.ToLower(fault.Field), fault.Err)
	}
}

// addMail lets the use cases send messages, which refer to the access URL. The
// returned function gives what is still waiting at the end a last chance.
func (c Config) addMail(ctx context.Context, settings *service.Config, access *url.URL) (closeSender func(), err error) {
	settings.AccessURL = access.String()
	if !c.SMTP.IsSet() {
		return func() {}, nil
	}
	cfg := c.SMTP
	cfg.Log = c.Log
	if cfg.Roots, err = c.roots(); err != nil {
		return nil, err
	}
	sender, err := mail.New(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Exposed() {
		c.Log.Warn("mail goes to its server without TLS: one-time passcodes can be read on the way; set --smtp-tls")
	}
	settings.Mail = sender
	return func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), mailCloseTime)
		defer cancel()
		sender.Close(ending)
	}, nil
}

// publicSMTP are the settings about mail that an administrator may see.
func (c Config) publicSMTP() map[string]any {
	protection := c.SMTP.TLS
	if protection == "" && c.SMTP.IsSet() {
		protection = mail.TLSStart
	}
	return map[string]any{"address": c.SMTP.Address, "from": c.SMTP.From, "hello": c.SMTP.Hello, "tls": protection}
}
