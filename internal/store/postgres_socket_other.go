//go:build !linux

package store

import "syscall"

// limitUnacknowledged does nothing where the system has no such limit;
// keepalives find most of what it would.
func limitUnacknowledged(string, string, syscall.RawConn) error { return nil }
