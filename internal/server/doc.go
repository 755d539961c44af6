// Package server makes a running server out of a Config: it opens the store,
// builds the rooms as literals, listens, serves, and drains on the way out. It
// also has the commands that work on the database itself: for the day when
// nobody can log in, for backups, and for the encryption key.
//
// It is the one package that may import every room; nothing but the command
// line and tests imports it.
package server
