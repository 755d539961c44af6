package service

import (
	"errors"
	"fmt"
	"slices"

	"usher/internal/account"
	"usher/internal/secret"
)

// validation collects what is wrong with the fields of a request.
type validation struct{ fields []account.FieldError }

// check adds a fault of the field, if there is one.
func (v *validation) check(field string, fault error) {
	if fault != nil {
		v.fields = append(v.fields, account.FieldError{Field: field, Detail: fault.Error()})
	}
}

func (v *validation) failure() error {
	if len(v.fields) == 0 {
		return nil
	}
	return account.ValidationFailed(v.fields...)
}

// orElse returns the first error. A use case is handed what was malformed about
// its request, because the contract says where in the order of its checks that
// is reported.
func orElse(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func checkStatus(status account.UserStatus) error {
	if slices.Contains(account.UserStatuses(), status) {
		return nil
	}
	return fmt.Errorf("must be one of active, dormant and suspended")
}

// checkPassword refuses a password that is too easily guessed.
func checkPassword(password secret.Redacted) error {
	err := secret.CheckPasswordStrength(password.Reveal())
	if err == nil {
		return nil
	}
	return account.Invalid("Invalid password. Password is invalid: choose a stronger one.",
		account.FieldError{Field: "password", Detail: err.Error()})
}

// ValidatePassword says whether a password would be accepted, and why not.
func (s *Service) ValidatePassword(password secret.Redacted) (valid bool, details string, err error) {
	if password == "" {
		return false, "", account.ValidationFailed(account.FieldError{Field: "password", Detail: "must not be empty"})
	}
	fault := secret.CheckPasswordStrength(password.Reveal())
	if fault == nil {
		return true, "", nil
	}
	if weak, ok := errors.AsType[*secret.WeakPasswordError](fault); ok {
		return false, weak.Error(), nil
	}
	return false, "", fault
}
