package sdk

import (
	"fmt"
	"log/slog"
)

// The methods below keep passwords and tokens out of logs and test output: fmt
// and log/slog show [redacted] in their place. JSON is not affected, because
// that is what goes over the wire.

// Format implements [fmt.Formatter] without the password.
func (r CreateFirstUserRequest) Format(f fmt.State, verb rune) {
	type plain CreateFirstUserRequest // without this method
	r.Password = redact(r.Password)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(r))
}

// LogValue implements [slog.LogValuer] without the password.
func (r CreateFirstUserRequest) LogValue() slog.Value { return logValue(r) }

// Format implements [fmt.Formatter] without the password.
func (r CreateUserRequest) Format(f fmt.State, verb rune) {
	type plain CreateUserRequest
	r.Password = redact(r.Password)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(r))
}

// LogValue implements [slog.LogValuer] without the password.
func (r CreateUserRequest) LogValue() slog.Value { return logValue(r) }

// Format implements [fmt.Formatter] without the passwords.
func (r UpdateUserPasswordRequest) Format(f fmt.State, verb rune) {
	type plain UpdateUserPasswordRequest
	r.OldPassword, r.Password = redact(r.OldPassword), redact(r.Password)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(r))
}

// LogValue implements [slog.LogValuer] without the passwords.
func (r UpdateUserPasswordRequest) LogValue() slog.Value { return logValue(r) }

// Format implements [fmt.Formatter] without the password.
func (r ValidateUserPasswordRequest) Format(f fmt.State, verb rune) {
	type plain ValidateUserPasswordRequest
	r.Password = redact(r.Password)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(r))
}

// LogValue implements [slog.LogValuer] without the password.
func (r ValidateUserPasswordRequest) LogValue() slog.Value { return logValue(r) }

// Format implements [fmt.Formatter] without the password.
func (r LoginWithPasswordRequest) Format(f fmt.State, verb rune) {
	type plain LoginWithPasswordRequest
	r.Password = redact(r.Password)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(r))
}

// LogValue implements [slog.LogValuer] without the password.
func (r LoginWithPasswordRequest) LogValue() slog.Value { return logValue(r) }

// Format implements [fmt.Formatter] without the password and the passcode.
func (r ChangePasswordWithOneTimePasscodeRequest) Format(f fmt.State, verb rune) {
	type plain ChangePasswordWithOneTimePasscodeRequest
	r.Password, r.OneTimePasscode = redact(r.Password), redact(r.OneTimePasscode)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(r))
}

// LogValue implements [slog.LogValuer] without the password and the passcode.
func (r ChangePasswordWithOneTimePasscodeRequest) LogValue() slog.Value { return logValue(r) }

// Format implements [fmt.Formatter] without the token.
func (r LoginWithPasswordResponse) Format(f fmt.State, verb rune) {
	type plain LoginWithPasswordResponse
	r.SessionToken = redact(r.SessionToken)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(r))
}

// LogValue implements [slog.LogValuer] without the token.
func (r LoginWithPasswordResponse) LogValue() slog.Value { return logValue(r) }

// Format implements [fmt.Formatter] without the key.
func (r GenerateAPIKeyResponse) Format(f fmt.State, verb rune) {
	type plain GenerateAPIKeyResponse
	r.Key = redact(r.Key)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(r))
}

// LogValue implements [slog.LogValuer] without the key.
func (r GenerateAPIKeyResponse) LogValue() slog.Value { return logValue(r) }

// Format implements [fmt.Formatter] without the key.
func (k GitSSHPrivateKey) Format(f fmt.State, verb rune) {
	type plain GitSSHPrivateKey
	k.PrivateKey = redact(k.PrivateKey)
	fmt.Fprintf(f, fmt.FormatString(f, verb), plain(k))
}

// LogValue implements [slog.LogValuer] without the key.
func (k GitSSHPrivateKey) LogValue() slog.Value { return logValue(k) }

// redact keeps an absent secret recognisable as absent.
func redact(secret string) string {
	if secret == "" {
		return ""
	}
	return redacted
}

func logValue(formatter fmt.Formatter) slog.Value {
	return slog.StringValue(fmt.Sprintf("%+v", formatter))
}
