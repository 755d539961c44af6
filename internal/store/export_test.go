package store

// Digest is what SchemaDigest does with the migrations.
var Digest = digest

// ConflictFields are the fields of the wire by the index that guards them.
var ConflictFields = conflictFields
