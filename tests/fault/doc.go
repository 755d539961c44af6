// Package fault builds the program, runs it as a process, and ends that process
// in the ways in which processes end: killed in the middle of its work, told to
// stop while a client waits, or started where another one runs.
//
// It has tests only. They reach the server through its address, its output, its
// signals and its exit status, and never import internal/server.
package fault
