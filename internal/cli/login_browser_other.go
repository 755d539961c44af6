//go:build !unix

package cli

import "os/exec"

// outlive has nothing to do: other systems do not interrupt what a program has
// started.
func outlive(*exec.Cmd) {}
