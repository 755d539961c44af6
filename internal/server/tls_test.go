package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/internal/server"
	"usher/internal/server/servertest"
	"usher/internal/store/storetest"
)

// pair is the two files of a certificate for 127.0.0.1.
type pair struct {
	cert, key string
	writes    int
}

func newPair(t *testing.T) *pair {
	t.Helper()
	dir := t.TempDir()
	return &pair{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
}

func (p *pair) configure(cfg *server.Config) {
	cfg.TLSCertFile, cfg.TLSKeyFile = p.cert, p.key
	cfg.SetCertificateCheck(time.Nanosecond)
}

// issue writes a new certificate with this serial number and returns it.
func (p *pair) issue(t *testing.T, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: "usher"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	text, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	p.write(t, p.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: text}))
	certificate, err := x509.ParseCertificate(text)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// write replaces a file and makes it newer than every one before, however coarse
// the clock of the file system is.
func (p *pair) write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	p.writes++
	changed := time.Now().Add(time.Duration(p.writes) * time.Hour)
	if err := os.Chtimes(file, changed, changed); err != nil {
		t.Fatal(err)
	}
}

// trusting returns a client that trusts these certificates and keeps no
// connection.
func trusting(certificates ...*x509.Certificate) *http.Client {
	roots := x509.NewCertPool()
	for _, certificate := range certificates {
		roots.AddCert(certificate)
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true,
	}}
}

// served returns the serial number of the certificate that a server shows now.
func served(t *testing.T, s *servertest.Server, client *http.Client) int64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
	return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
}

// TestServesHTTPS and reads the certificate again when its files change; one
// that cannot be read leaves the old one in place.
func TestServesHTTPS(t *testing.T) {
	t.Parallel()
	files := newPair(t)
	first := files.issue(t, 1)
	s := servertest.Start(t, storetest.Database(t), files.configure)
	if !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Errorf("the server says that it is at %s", s.URL)
	}
	if got := served(t, s, trusting(first)); got != 1 {
		t.Errorf("certificate %d, want 1", got)
	}

	second := files.issue(t, 2)
	client := trusting(first, second)
	if got := served(t, s, client); got != 2 {
		t.Errorf("after the change: certificate %d, want 2", got)
	}

	files.write(t, files.cert, []byte("half a certif"))
	for range 2 {
		if got := served(t, s, client); got != 2 {
			t.Errorf("while the file is unreadable: certificate %d, want 2", got)
		}
	}
	if !strings.Contains(s.Log.String(), "certificate cannot be read") {
		t.Errorf("the log does not say so:\n%s", s.Log)
	}

	third := files.issue(t, 3)
	if got := served(t, s, trusting(third)); got != 3 {
		t.Errorf("after the repair: certificate %d, want 3", got)
	}
}

// TestCertificateIsNotReadForEachConnection unless it is time to look.
func TestCertificateIsNotReadForEachConnection(t *testing.T) {
	t.Parallel()
	files := newPair(t)
	first := files.issue(t, 1)
	s := servertest.Start(t, storetest.Database(t), files.configure, func(cfg *server.Config) { cfg.SetCertificateCheck(time.Hour) })
	served(t, s, trusting(first))
	if got := served(t, s, trusting(first, files.issue(t, 2))); got != 1 {
		t.Errorf("certificate %d, want 1 until it is time to look", got)
	}
}

// TestOldTLSIsRefused: nothing before 1.2 (RFC 8996).
func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	files := newPair(t)
	certificate := files.issue(t, 1)
	s := servertest.Start(t, storetest.Database(t), files.configure)
	client := trusting(certificate)
	transport, ok := client.Transport.(*http.Transport)
	if !ok {
		t.Fatal("the client has another transport")
	}
	transport.TLSClientConfig.MinVersion = tls.VersionTLS10
	transport.TLSClientConfig.MaxVersion = tls.VersionTLS11
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Error("the server speaks TLS 1.1")
	}
}
