// Package fault builds the program, runs it as one process or several, and does
// to it what happens to servers: it is killed, stopped and paused, and its way to
// the database is cut, slowed down and black-holed, while clients work and keys
// are revoked. Each test prints its figures; make soak runs them for longer.
//
// It has tests only. They reach the server through its address, its output, its
// signals and its exit status, and never import internal/server; those about
// clocks, which a process cannot be given, use internal/service.
package fault
