package server

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often, at most, the files are looked at for a change,
// unless the configuration says otherwise.
const certificateCheck = 10 * time.Second

// certificate is a key pair that is read again when its files change, so that a
// renewed certificate needs no restart.
type certificate struct {
	certFile, keyFile string
	every             time.Duration // between two looks at the files
	log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time // the newer modification time of the two files
	checked time.Time
}

func loadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	return &pair, err
}

func (c Config) watchCertificate() (*certificate, error) {
	watched := &certificate{certFile: c.TLSCertFile, keyFile: c.TLSKeyFile, every: c.certificateCheck, log: c.Log}
	watched.changed = watched.modified()
	var err error
	watched.pair, err = loadCertificate(c.TLSCertFile, c.TLSKeyFile)
	return watched, err
}

// get implements tls.Config.GetCertificate. A pair that cannot be read (it may
// be half written) leaves the old one in place.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < c.every {
		return c.pair, nil
	}
	c.checked = time.Now()
	modified := c.modified()
	if modified.Equal(c.changed) {
		return c.pair, nil
	}
	pair, err := loadCertificate(c.certFile, c.keyFile)
	if err != nil {
		c.log.Warn("the changed TLS certificate cannot be read; the old one stays", "error", err)
		return c.pair, nil
	}
	c.pair, c.changed = pair, modified
	return c.pair, nil
}

func (c *certificate) modified() time.Time {
	var newest time.Time
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}
