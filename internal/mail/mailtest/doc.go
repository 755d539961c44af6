// Package mailtest gives tests a real mail server on this machine, which takes
// messages, asks for TLS and a password where it is told to, and refuses what
// the test wants refused. Nothing but tests imports it.
package mailtest
