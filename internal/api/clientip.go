package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientIP returns the address of the client: the peer, or, where the peer is a
// trusted proxy, the right-most address in X-Forwarded-For that is not one.
// Everything further left could have been written by the client itself. It is
// "" where there is no address, as on a Unix socket.
func clientIP(r *http.Request, trusted []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	address := peer.Addr().Unmap().WithZone("")
	if !contains(trusted, address) {
		return address.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // nothing left of it can be believed
		}
		address = next.Unmap().WithZone("")
		if !contains(trusted, address) {
			break
		}
	}
	return address.String()
}

func contains(networks []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address) })
}
