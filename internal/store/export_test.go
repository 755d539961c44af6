package store

// Digest is what SchemaDigest does with the migrations.
var Digest = digest
