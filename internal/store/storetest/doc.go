// Package storetest gives tests real databases: a SQLite file of their own, and
// a database of their own on a throw-away PostgreSQL server that it starts from
// the installed programs. Nothing but tests imports it.
//
// A package that uses PostgreSQL needs a TestMain that calls Main, which ends
// the server. Without the programs, and without USHER_TEST_POSTGRES_URL, tests
// fail and say what to install; they never skip.
package storetest
