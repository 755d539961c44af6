package store_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"usher/internal/store"
	"usher/internal/store/storetest"
)

// authority signs certificates and keeps them, with its own, as files.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.sign(t, "root", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes name.pem and name.key.
func (a *authority) sign(t *testing.T, name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	text, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{a.file(name, ".pem"): {Type: "CERTIFICATE", Bytes: text}, a.file(name, ".key"): {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	signed, err := x509.ParseCertificate(text)
	if err != nil {
		t.Fatal(err)
	}
	return signed, key
}

func (a *authority) file(name, kind string) string { return filepath.Join(a.dir, name+kind) }

// guard speaks TLS in front of a PostgreSQL server, the way the server itself
// does (PostgreSQL's documentation, "SSL Session Encryption").
type guard struct {
	address string
	config  *tls.Config // nil refuses TLS
	behind  *pgx.ConnConfig
}

func startGuard(t *testing.T, databaseURL string, config *tls.Config) *guard {
	t.Helper()
	behind, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	g := &guard{address: listener.Addr().String(), config: config, behind: behind}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go g.serve(client)
		}
	}()
	return g
}

// serve refuses whoever does not begin with the request for TLS.
func (g *guard) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	request := make([]byte, 8)
	if _, err := io.ReadFull(client, request); err != nil || !slices.Equal(request[4:], []byte{4, 210, 22, 47}) {
		return
	}
	if g.config == nil {
		_, _ = client.Write([]byte{'N'})
		return
	}
	if _, err := client.Write([]byte{'S'}); err != nil {
		return
	}
	secured := tls.Server(client, g.config)
	network, address := pgconn.NetworkAddress(g.behind.Host, g.behind.Port)
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, secured)
		_ = server.Close()
	}()
	_, _ = io.Copy(secured, server)
}

// TestTLS: the options of the URL that PostgreSQL's own clients know are honoured.
func TestTLS(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	ours.sign(t, "server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	ours.sign(t, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	pair, err := tls.LoadX509KeyPair(ours.file("server", ".pem"), ours.file("server", ".key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	open := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	strict := open.Clone()
	strict.ClientAuth, strict.ClientCAs = tls.RequireAndVerifyClientCert, pool
	client := url.Values{"sslcert": {ours.file("client", ".pem")}, "sslkey": {ours.file("client", ".key")}}
	for _, test := range []struct {
		name    string
		server  *tls.Config
		mode    string
		root    string
		options url.Values
		want    bool
	}{
		{"require", open, "require", "", nil, true},
		{"require, of a server that has no TLS", nil, "require", "", nil, false},
		{"verify-full", open, "verify-full", ours.file("root", ".pem"), nil, true},
		{"verify-full, of another authority", open, "verify-full", other.file("root", ".pem"), nil, false},
		{"verify-full, of the system's authorities", open, "verify-full", "system", nil, false},
		{"disable, of a server that wants TLS", open, "disable", "", nil, false},
		{"with a client's certificate", strict, "verify-full", ours.file("root", ".pem"), client, true},
		{"without one that is needed", strict, "verify-full", ours.file("root", ".pem"), nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			databaseURL := storetest.MigratedPostgres(t)
			g := startGuard(t, databaseURL, test.server)
			query := url.Values{"sslmode": {test.mode}}
			if test.root != "" {
				query.Set("sslrootcert", test.root)
			}
			for name, values := range test.options {
				query[name] = values
			}
			at := url.URL{Scheme: "postgres", User: url.UserPassword(g.behind.User, "hunter2"), Host: g.address, Path: "/" + g.behind.Database, RawQuery: query.Encode()}
			s, err := store.Open(t.Context(), store.Config{DatabaseURL: at.String()})
			if (err == nil) != test.want {
				t.Errorf("opened: %t (%v), want %t", err == nil, err, test.want)
			}
			if err != nil {
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error repeats the password: %v", err)
				}
				return
			}
			defer func() { _ = s.Close() }()
			if err := s.Watch(t.Context(), store.Watcher{Changed: ignoreChanges, Trust: func(time.Time) {}}); err != nil {
				t.Errorf("the listener does not speak TLS: %v", err)
			}
		})
	}
}

func TestClearTextHosts(t *testing.T) {
	t.Parallel()
	for databaseURL, want := range map[string][]string{
		"postgres://usher@db.example/usher?sslmode=disable":                      {"db.example"},
		"postgres://usher@db.example/usher?sslmode=prefer":                       {"db.example"},
		"postgres://usher@db.example/usher?sslmode=allow":                        {"db.example"},
		"postgres://usher@db.example/usher":                                      {"db.example"},
		"postgres://usher@192.0.2.7:6432/usher?sslmode=disable":                  {"192.0.2.7"},
		"postgres://usher@a.example:5432,b.example:5432/usher?sslmode=disable":   {"a.example", "b.example"},
		"postgres://usher@localhost:5432,b.example:5432/usher?sslmode=disable":   {"b.example"},
		"postgres://usher@db.example/usher?sslmode=require":                      nil,
		"postgres://usher@db.example/usher?sslmode=verify-full":                  nil,
		"postgres://usher@localhost/usher?sslmode=disable":                       nil,
		"postgres://usher@127.0.0.5/usher?sslmode=disable":                       nil,
		"postgres://usher@[::1]:5432/usher?sslmode=disable":                      nil,
		"postgresql:///usher?host=/run/postgresql":                               nil,
		"postgres://usher@db.example/usher?sslmode=verify-full&sslrootcert=none": nil, // not there: refused at start
	} {
		if got := store.ClearTextHosts(databaseURL); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", databaseURL, got, want)
		}
	}
}
