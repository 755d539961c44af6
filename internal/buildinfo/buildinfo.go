// Package buildinfo knows which build of Usher this is. It imports nothing of
// Usher.
package buildinfo

import (
	"runtime/debug"
	"sync"
)

// version is set by the linker for a release.
var version string

// Version returns the version without a leading "v", such as "1.2.0"; a build
// from a checkout is "0.0.0-dev" followed by the commit, if it is known.
func Version() string { return currentVersion() }

var currentVersion = sync.OnceValue(func() string {
	if version != "" {
		return version
	}
	const dev = "0.0.0-dev"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return dev
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return dev + "." + setting.Value[:12]
		}
	}
	return dev
})

// WireVersion is what the API calls itself. Clients of that API compare it with
// their own version and warn about a difference; no version of theirs warns
// about one that contains v0.0.0, as long as it contains neither "-devel" nor
// "-rc.".
func WireVersion() string { return currentWireVersion() }

var currentWireVersion = sync.OnceValue(func() string { return "v0.0.0+usher." + Version() })
