// Package cli is the command line. It owns the commands, their flags and
// environment variables, the questions asked at a terminal, the tables and JSON
// that are printed, the files that remember a login, and the sentence and exit
// status of every failure.
//
// It may import sdk, which every client command goes through; server, which
// "usher serve" and the commands on the database start; buildinfo, and secret for
// types that do not print, for generated passwords and for the form of keys. It
// never imports store, service, api or account, never decides what a user may
// do, and reaches the process only through [IO], so that tests run it without
// globals.
package cli
