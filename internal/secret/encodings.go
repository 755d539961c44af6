package secret

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// encoding is a parsed password hash. There are three: argon2Hash, bcryptHash
// and pbkdf2Hash.
type encoding interface {
	// matches computes the hash of password and compares in constant time.
	matches(password string) (bool, error)
	// within reports whether computing it stays inside the limits.
	within(limits) bool
	// memoryKiB is the memory of one computation, 0 where it is negligible.
	memoryKiB() uint32
}

// limits bound the work that a stored hash may ask for. Whoever can write one
// row of an import must not be able to exhaust the server's memory or hold a
// core for minutes.
type limits struct {
	argon2MemoryKiB  uint32 // memory of one computation
	argon2WorkKiB    uint64 // memory times passes
	argon2Threads    uint8
	bcryptCost       int
	pbkdf2Iterations int
}

// defaultLimits let every published recommendation pass (RFC 9106's second
// choice is 64 MiB and 3 passes) and keep one computation to a few seconds.
func defaultLimits() limits {
	return limits{
		argon2MemoryKiB:  128 * 1024,
		argon2WorkKiB:    1024 * 1024,
		argon2Threads:    16,
		bcryptCost:       16,
		pbkdf2Iterations: 5_000_000,
	}
}

// Salts and hashes outside these sizes are refused: a hash of a few bytes would
// match many passwords. RFC 9106 asks for 8 bytes of salt; PBKDF2 asks for none,
// and old systems used few.
const (
	minArgon2SaltBytes = 8
	minPBKDF2SaltBytes = 1
	maxSaltBytes       = 128
	minSumBytes        = 16
	maxSumBytes        = 64
)

// parseEncoding tells the forms apart by their prefix. Its only error is
// ErrEncoding, so that nothing of a stored hash can reach a log.
func parseEncoding(encoded string) (encoding, error) {
	switch fields := strings.Split(encoded, "$"); {
	case len(fields) < 2 || fields[0] != "":
		return nil, ErrEncoding
	case fields[1] == "argon2id":
		return parseArgon2(fields)
	case fields[1] == "pbkdf2-sha256":
		return parsePBKDF2(fields)
	case fields[1] == "2a" || fields[1] == "2b" || fields[1] == "2y":
		return parseBcrypt(encoded, fields)
	default:
		return nil, ErrEncoding
	}
}

// argon2Hash is argon2id of version 19, as RFC 9106 describes it.
type argon2Hash struct {
	params PasswordParams
	salt   []byte
	sum    []byte
}

// parseArgon2 reads $argon2id$v=19$m=..,t=..,p=..$salt$hash, with the
// parameters in that order, as the PHC string format demands.
func parseArgon2(fields []string) (encoding, error) {
	if len(fields) != 6 || fields[2] != "v="+strconv.Itoa(argon2.Version) {
		return nil, ErrEncoding
	}
	costs := strings.Split(fields[3], ",")
	if len(costs) != 3 {
		return nil, ErrEncoding
	}
	memory, okMemory := parseCost(costs[0], "m=", math.MaxUint32)
	time, okTime := parseCost(costs[1], "t=", math.MaxUint32)
	threads, okThreads := parseCost(costs[2], "p=", math.MaxUint8)
	salt, okSalt := decodeBase64(fields[4], minArgon2SaltBytes, maxSaltBytes)
	sum, okSum := decodeBase64(fields[5], minSumBytes, maxSumBytes)
	if !okMemory || !okTime || !okThreads || !okSalt || !okSum || memory < 8*threads {
		return nil, ErrEncoding
	}
	params := PasswordParams{MemoryKiB: uint32(memory), Time: uint32(time), Threads: uint8(threads)}
	return argon2Hash{params: params, salt: salt, sum: sum}, nil
}

// String returns the PHC string of the hash.
func (a argon2Hash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, a.params.MemoryKiB, a.params.Time, a.params.Threads,
		base64.RawStdEncoding.EncodeToString(a.salt), base64.RawStdEncoding.EncodeToString(a.sum))
}

func (a argon2Hash) derive(password string) []byte {
	return argon2.IDKey([]byte(password), a.salt, a.params.Time, a.params.MemoryKiB, a.params.Threads, uint32(len(a.sum)))
}

func (a argon2Hash) matches(password string) (bool, error) {
	return subtle.ConstantTimeCompare(a.derive(password), a.sum) == 1, nil
}

func (a argon2Hash) within(l limits) bool {
	work := uint64(a.params.MemoryKiB) * uint64(a.params.Time)
	return a.params.MemoryKiB <= l.argon2MemoryKiB && work <= l.argon2WorkKiB && a.params.Threads <= l.argon2Threads
}

func (a argon2Hash) memoryKiB() uint32 { return a.params.MemoryKiB }

// bcryptHash is the crypt form of bcrypt, 60 bytes.
type bcryptHash struct {
	encoded string
	cost    int
}

// parseBcrypt checks the whole form itself because the library reads it
// loosely: it takes any minor version and ignores what it does not understand.
func parseBcrypt(encoded string, fields []string) (encoding, error) {
	if len(fields) != 4 || len(fields[2]) != 2 || len(fields[3]) != 53 {
		return nil, ErrEncoding
	}
	cost, ok := parseDecimal(strings.TrimPrefix(fields[2], "0"), uint64(bcrypt.MaxCost))
	foreign := strings.Trim(fields[3], base62+"./") != ""
	if !ok || int(cost) < bcrypt.MinCost || foreign {
		return nil, ErrEncoding
	}
	return bcryptHash{encoded: encoded, cost: int(cost)}, nil
}

// matches compares the first 72 bytes of password only, as every bcrypt does:
// the account's owner typed the rest before the import too.
func (b bcryptHash) matches(password string) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(b.encoded), []byte(password))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, ErrEncoding
	}
	return true, nil
}

func (b bcryptHash) within(l limits) bool { return b.cost <= l.bcryptCost }

func (bcryptHash) memoryKiB() uint32 { return 0 }

// pbkdf2Hash is PBKDF2 with HMAC-SHA-256 (RFC 8018 section 5.2).
type pbkdf2Hash struct {
	iterations int
	salt       []byte
	sum        []byte
}

// parsePBKDF2 reads $pbkdf2-sha256$iterations$salt$hash. passlib writes "." for
// the "+" of base64; the two alphabets share all other characters, so both are
// read alike.
func parsePBKDF2(fields []string) (encoding, error) {
	if len(fields) != 5 {
		return nil, ErrEncoding
	}
	iterations, okIterations := parseDecimal(fields[2], math.MaxInt32)
	salt, okSalt := decodeBase64(strings.ReplaceAll(fields[3], ".", "+"), minPBKDF2SaltBytes, maxSaltBytes)
	sum, okSum := decodeBase64(strings.ReplaceAll(fields[4], ".", "+"), minSumBytes, maxSumBytes)
	if !okIterations || !okSalt || !okSum {
		return nil, ErrEncoding
	}
	return pbkdf2Hash{iterations: int(iterations), salt: salt, sum: sum}, nil
}

func (p pbkdf2Hash) matches(password string) (bool, error) {
	sum, err := pbkdf2.Key(sha256.New, password, p.salt, p.iterations, len(p.sum))
	if err != nil {
		return false, fmt.Errorf("compute PBKDF2: %w", err)
	}
	return subtle.ConstantTimeCompare(sum, p.sum) == 1, nil
}

func (p pbkdf2Hash) within(l limits) bool { return p.iterations <= l.pbkdf2Iterations }

func (pbkdf2Hash) memoryKiB() uint32 { return 0 }

func parseCost(field, name string, limit uint64) (uint64, bool) {
	digits, ok := strings.CutPrefix(field, name)
	if !ok {
		return 0, false
	}
	return parseDecimal(digits, limit)
}

// parseDecimal reads a number from 1 to limit without sign or leading zero, so
// that each hash has one spelling.
func parseDecimal(s string, limit uint64) (uint64, bool) {
	if s == "" || s[0] < '1' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n <= limit
}

// decodeBase64 reads standard base64 without padding, of least to most bytes.
// The decoder skips line breaks, which have no place in a stored hash.
func decodeBase64(s string, least, most int) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") || len(s) > base64.RawStdEncoding.EncodedLen(most) {
		return nil, false
	}
	decoded, err := base64.RawStdEncoding.Strict().DecodeString(s)
	return decoded, err == nil && len(decoded) >= least
}
