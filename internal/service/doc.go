// Package service holds the use cases: each authorises the actor, loads what it
// is about, applies account's rules, and writes the change together with its
// audit entry in one transaction. Authentication is here too.
//
// It imports account, secret, store and idp. It never speaks SQL or HTTP, and
// it never writes but through Service.change, so that nothing can change
// without an entry in the audit log.
package service
