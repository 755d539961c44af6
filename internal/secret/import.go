package secret

import "errors"

// ErrCostly says that a hash is of a known form, and asks for more work than one
// of an import may.
var ErrCostly = errors.New("the password hash asks for too much work")

// importLimits are what a hash of an import may ask for: each login of its user
// costs that much, and whoever brings a file has none of the server's cores.
func importLimits() limits {
	return limits{
		argon2MemoryKiB:  64 * 1024,
		argon2WorkKiB:    64 * 1024 * importPasses,
		argon2Threads:    16,
		bcryptCost:       14,
		pbkdf2Iterations: 2_000_000,
	}
}

// importPasses are the most of argon2id, however little memory it fills.
const importPasses = 10

// CheckImport says what is wrong with a password hash that another system made:
// ErrEncoding for a form that this one does not verify (argon2id as a PHC string,
// bcrypt, PBKDF2-SHA256 in the modular form), ErrCostly for one beyond bcrypt cost
// 14, 2,000,000 rounds of PBKDF2, or argon2id with 64 MiB and 10 passes. Neither
// repeats the hash.
func CheckImport(encoded string) error {
	parsed, err := parseEncoding(encoded)
	if err != nil {
		return err
	}
	argon, isArgon := parsed.(argon2Hash)
	if !parsed.within(importLimits()) || isArgon && argon.params.Time > importPasses {
		return ErrCostly
	}
	return nil
}
