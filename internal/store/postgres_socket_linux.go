package store

import (
	"strings"
	"syscall"
)

// userTimeout is TCP_USER_TIMEOUT of tcp(7), in milliseconds, which package
// syscall has no name for.
const userTimeout = 0x12

// limitUnacknowledged makes the system give up a connection whose other end has
// acknowledged nothing for so long, also while something is being sent, when
// keepalives rest.
func limitUnacknowledged(network, _ string, socket syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var failed error
	err := socket.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(unacknowledged.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
