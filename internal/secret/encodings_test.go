package secret

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

// The vectors are public ones: the Argon2 reference implementation's, those of
// crypt_blowfish, OpenBSD and Go for bcrypt, passlib's manual and tests, and
// RFC 7914 section 11 for PBKDF2.
func TestVerifyKnownAnswers(t *testing.T) {
	t.Parallel()
	h := cheapHasher()
	h.limits.argon2MemoryKiB = 64 * 1024
	h.limits.argon2WorkKiB = 128 * 1024
	h.limits.bcryptCost = 10
	h.limits.pbkdf2Iterations = 80_000

	tests := []struct{ name, encoded, password string }{
		{"argon2id 256 KiB", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
		{"argon2id two lanes", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
		{"argon2id 64 MiB", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
		{"bcrypt 2a", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		{"bcrypt 2b", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		{"bcrypt 2y", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		{"bcrypt cost 10", "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga", "allmine"},
		{"bcrypt of nothing", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", ""},
		{"passlib with a dotted salt", "$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44", "password"},
		{"passlib with a dotted hash", "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ", "password"},
		{"the same in standard base64", "$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg+fJPeq1h/gXXY7acBp9/6c+tmQ", "password"},
		{"RFC 7914 one iteration", "$pbkdf2-sha256$1$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw", "passwd"},
		{"RFC 7914 80000 iterations", "$pbkdf2-sha256$80000$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ", "Password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkVerdict(t, h, tt.encoded, tt.password, Verdict{OK: true, Outdated: true})
			checkVerdict(t, h, tt.encoded, tt.password+"x", Verdict{})
			checkVerdict(t, h, tt.encoded, strings.ToUpper(tt.password)+"!", Verdict{})
		})
	}
}

// bcrypt reads 72 bytes. The library refuses to hash more but must compare it,
// as the system did that the hash comes from.
func TestBcryptOfLongPasswords(t *testing.T) {
	t.Parallel()
	h := cheapHasher()
	full := strings.Repeat("abcdefgh", 9)
	encoded := mustBcrypt(t, full)
	checkVerdict(t, h, encoded, full, Verdict{OK: true, Outdated: true})
	checkVerdict(t, h, encoded, full+" and more", Verdict{OK: true, Outdated: true})
	checkVerdict(t, h, encoded, full[:71], Verdict{})
	checkVerdict(t, h, encoded, strings.Repeat("x", 1<<20), Verdict{})
}

func TestVerifyRefusesEncodings(t *testing.T) {
	t.Parallel()
	const (
		salt      = "c29tZXNhbHQ"
		sum       = "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
		blowfish  = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
		pbkdf2Sum = "VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw"
	)
	argon := func(costs string) string { return "$argon2id$v=19$" + costs + "$" + salt + "$" + sum }
	tests := map[string]string{
		"plain text":              "password",
		"dollars only":            "$$$$$",
		"no leading dollar":       argon("m=64,t=1,p=1")[1:],
		"text before":             "x" + argon("m=64,t=1,p=1"),
		"unknown scheme":          "$scrypt$ln=16,r=8,p=1$" + salt + "$" + sum,
		"argon2i":                 "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + sum,
		"md5 crypt":               "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
		"argon2 version 16":       "$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + sum,
		"argon2 no version":       "$argon2id$m=64,t=1,p=1$" + salt + "$" + sum,
		"argon2 zero passes":      argon("m=64,t=0,p=1"),
		"argon2 zero lanes":       argon("m=64,t=1,p=0"),
		"argon2 no memory":        argon("m=0,t=1,p=1"),
		"argon2 memory for lanes": argon("m=15,t=1,p=2"),
		"argon2 negative":         argon("m=-64,t=1,p=1"),
		"argon2 plus sign":        argon("m=+64,t=1,p=1"),
		"argon2 leading zero":     argon("m=064,t=1,p=1"),
		"argon2 overflow":         argon("m=64,t=18446744073709551617,p=1"),
		"argon2 lanes past uint8": argon("m=8192,t=1,p=257"),
		"argon2 other order":      argon("t=1,m=64,p=1"),
		"argon2 fourth cost":      argon("m=64,t=1,p=1,keyid=YQ"),
		"argon2 too much memory":  argon("m=513,t=1,p=1"),
		"argon2 too much work":    argon("m=512,t=5,p=1"),
		"argon2 too many lanes":   argon("m=64,t=1,p=5"),
		"argon2 missing hash":     "$argon2id$v=19$m=64,t=1,p=1$" + salt,
		"argon2 empty hash":       "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"argon2 short hash":       "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + sum[:20],
		"argon2 short salt":       "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$" + sum,
		"argon2 long hash":        "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("AAAA", 100),
		"argon2 padding":          argon("m=64,t=1,p=1") + "=",
		"argon2 stray bits":       argon("m=64,t=1,p=1")[:len(argon("m=64,t=1,p=1"))-1] + "5",
		"argon2 line break":       argon("m=64,t=1,p=1") + "\n",
		"argon2 more fields":      argon("m=64,t=1,p=1") + "$x",
		"bcrypt cost 3":           "$2a$03$" + blowfish,
		"bcrypt cost 32":          "$2a$32$" + blowfish,
		"bcrypt too costly":       "$2a$05$" + blowfish,
		"bcrypt signed cost":      "$2a$+4$" + blowfish,
		"bcrypt one digit":        "$2a$4$" + blowfish,
		"bcrypt 2x":               "$2x$04$" + blowfish,
		"bcrypt no minor":         "$2$04$" + blowfish,
		"bcrypt short":            "$2a$04$" + blowfish[:52],
		"bcrypt long":             "$2a$04$" + blowfish + "A",
		"bcrypt alphabet":         "$2a$04$" + blowfish[:30] + "+" + blowfish[31:],
		"bcrypt non-ASCII":        "$2a$04$" + blowfish[:30] + "é" + blowfish[32:],
		"pbkdf2 no iterations":    "$pbkdf2-sha256$0$c2FsdA$" + pbkdf2Sum,
		"pbkdf2 negative":         "$pbkdf2-sha256$-1$c2FsdA$" + pbkdf2Sum,
		"pbkdf2 too many":         "$pbkdf2-sha256$10001$c2FsdA$" + pbkdf2Sum,
		"pbkdf2 no salt":          "$pbkdf2-sha256$1$$" + pbkdf2Sum,
		"pbkdf2 short hash":       "$pbkdf2-sha256$1$c2FsdA$VawEbg",
		"pbkdf2 other hash":       "$pbkdf2-sha512$1$c2FsdA$" + pbkdf2Sum,
		"pbkdf2 bad base64":       "$pbkdf2-sha256$1$c2FsdA$" + pbkdf2Sum[:42] + "!",
		"pbkdf2 padding":          "$pbkdf2-sha256$1$c2FsdA==$" + pbkdf2Sum,
		"not UTF-8":               "$argon2id$\xff$\xfe$\xfd$\xfc",
	}
	for name, encoded := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict, err := cheapHasher().Verify(t.Context(), encoded, "password")
			if !errors.Is(err, ErrEncoding) || verdict != (Verdict{}) {
				t.Errorf("Verify(%q) gave %+v, %v, want nothing and ErrEncoding", encoded, verdict, err)
			}
			if err != nil && err.Error() != ErrEncoding.Error() {
				t.Errorf("the error says %q, more than %q: it may hold a part of the hash", err, ErrEncoding)
			}
		})
	}
}

// The limits must let published recommendations pass and stop what would take
// the server's memory or hold a core for minutes.
func TestDefaultLimits(t *testing.T) {
	t.Parallel()
	h := NewHasher(HasherConfig{Params: cheapParams})
	argon := func(memory, time uint32, threads uint8) encoding {
		return argon2Hash{params: PasswordParams{MemoryKiB: memory, Time: time, Threads: threads}}
	}
	tests := []struct {
		name string
		e    encoding
		want bool
	}{
		{"ours", argon(19*1024, 2, 1), true},
		{"RFC 9106 second choice", argon(64*1024, 3, 4), true},
		{"argon2-cffi before 21.2", argon(100*1024, 2, 8), true},
		{"OWASP's largest", argon(46*1024, 1, 1), true},
		{"RFC 9106 first choice, 2 GiB", argon(2*1024*1024, 1, 4), false},
		{"work that overflows 32 bits", argon(64*1024, 1<<16, 1), false},
		{"many passes", argon(64, 1<<31, 1), false},
		{"bcrypt 14", bcryptHash{cost: 14}, true},
		{"bcrypt 20", bcryptHash{cost: 20}, false},
		{"pbkdf2 600000", pbkdf2Hash{iterations: 600_000}, true},
		{"pbkdf2 a billion", pbkdf2Hash{iterations: 1_000_000_000}, false},
	}
	for _, tt := range tests {
		if got := tt.e.within(h.limits); got != tt.want {
			t.Errorf("%s: allowed %v, want %v", tt.name, got, tt.want)
		}
	}
}

func FuzzVerifyEncoded(f *testing.F) {
	h := cheapHasher()
	for _, seed := range []string{
		"",
		"$",
		"password",
		mustHash(f, h, "password"),
		mustBcrypt(f, "password"),
		"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		"$argon2id$v=19$m=4294967295,t=4294967295,p=255$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		"$argon2id$v=19$m=0,t=0,p=0$$",
		"$2y$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ",
	} {
		f.Add(seed, "password")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, encoded, password string) {
		verdict, err := h.Verify(t.Context(), encoded, password)
		if err != nil && !errors.Is(err, ErrEncoding) {
			t.Fatalf("unexpected kind of error: %v", err)
		}
		if err != nil && verdict != (Verdict{}) {
			t.Fatalf("an error with the verdict %+v", verdict)
		}
		if verdict.Outdated && !verdict.OK || verdict.OK && encoded == "" {
			t.Fatalf("impossible verdict %+v", verdict)
		}
		parsed, err := parseEncoding(encoded)
		if hash, ok := parsed.(argon2Hash); ok && err == nil {
			if diff := cmp.Diff(encoded, hash.String()); diff != "" {
				t.Fatalf("a second spelling of one hash was read, -read +canonical:\n%s", diff)
			}
		}
	})
}

func BenchmarkVerifyForeign(b *testing.B) {
	for _, cost := range []int{10, 12} {
		b.Run(fmt.Sprintf("bcrypt-%d", cost), func(b *testing.B) {
			encoded, err := bcrypt.GenerateFromPassword([]byte("pw"), cost)
			if err != nil {
				b.Fatal(err)
			}
			h := NewHasher(HasherConfig{})
			for b.Loop() {
				if _, err := h.Verify(b.Context(), string(encoded), "pw"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
