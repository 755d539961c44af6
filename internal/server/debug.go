package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"
)

// checkDebugListen allows addresses of this machine alone: profiles tell what is
// in memory, and anybody who reaches them can slow the server down.
func checkDebugListen(address string) error {
	if address == "" {
		return nil
	}
	bound, err := netip.ParseAddrPort(address)
	if err != nil || !bound.Addr().IsLoopback() {
		return errors.New("must be a loopback address and a port, such as 127.0.0.1:6060: profiles are for this machine alone")
	}
	return nil
}

// serveDebug serves the profiles of Go's net/http/pprof, if that was asked for,
// until the returned function is called. A profile of half a minute may be longer
// under way than that.
func (c Config) serveDebug(ctx context.Context) (stop func(), err error) {
	if c.DebugListen == "" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.DebugListen)
	if err != nil {
		return nil, fmt.Errorf("serve profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{
		Handler: http.NewCrossOriginProtection().Handler(mux), ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	c.Log.Warn("serving profiles of this process", "address", listener.Addr().String())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // it ends with the server's
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
		<-done
	}, nil
}
