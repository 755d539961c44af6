//go:build !linux && !darwin && !freebsd

package storetest

import (
	"errors"
	"os/exec"
)

type systemUser struct{}

// serverUser refuses: the supervisor needs a Unix shell, and sessions.
func serverUser() (*systemUser, error) {
	return nil, errors.New("a throw-away PostgreSQL cannot be started on this system: set " +
		ServerVariable + " to the URL of a server whose role may CREATE DATABASE")
}

func detach(*exec.Cmd, *systemUser) {}

func handOver(string, *systemUser) error { return nil }

func freeBytes(string) uint64 { return 0 }
