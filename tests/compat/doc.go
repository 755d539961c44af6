// Package compat holds Usher to the API that others already speak: each
// endpoint of the two reference pages (testdata/endpoints.json is the pages as
// data) is called on a live server and its answer compared with the page, and
// what deployed clients were seen to send is sent again, byte for byte where it
// matters.
//
// It has tests only. They speak plain HTTP and decode into types of their own:
// through the SDK they would prove that Usher agrees with itself.
package compat
