//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// outlive keeps an interrupt at the terminal, which is for this program, from a
// browser that it starts.
func outlive(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
