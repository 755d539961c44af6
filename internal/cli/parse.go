package cli

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The functions below make the set function of a setting from the place of its
// value. Their errors complete the sentence "USHER_X: …".

func text(field func(*serverOptions) *string) func(*serverOptions, string) error {
	return func(o *serverOptions, value string) error {
		*field(o) = value
		return nil
	}
}

func choice(field func(*serverOptions) *string, allowed ...string) func(*serverOptions, string) error {
	return func(o *serverOptions, value string) error {
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("%q is not one of %s", value, strings.Join(allowed, ", "))
		}
		*field(o) = value
		return nil
	}
}

func number(field func(*serverOptions) *int) func(*serverOptions, string) error {
	return func(o *serverOptions, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
		*field(o) = n
		return nil
	}
}

func duration(field func(*serverOptions) *time.Duration) func(*serverOptions, string) error {
	return func(o *serverOptions, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 24h or 90m", value)
		}
		*field(o) = d
		return nil
	}
}

// lifetime is duration where the zero value stands for the default: a 0 that
// somebody wrote would silently mean something else.
func lifetime(field func(*serverOptions) *time.Duration) func(*serverOptions, string) error {
	set := duration(field)
	return func(o *serverOptions, value string) error {
		if err := set(o, value); err != nil {
			return err
		}
		if *field(o) == 0 {
			return fmt.Errorf("%q is no time at all", value)
		}
		return nil
	}
}

func boolean(field func(*serverOptions) *bool) func(*serverOptions, string) error {
	return func(o *serverOptions, value string) error {
		b, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", value)
		}
		*field(o) = b
		return nil
	}
}

// list splits at commas; space around an element and empty elements are dropped.
func list(field func(*serverOptions) *[]string) func(*serverOptions, string) error {
	return func(o *serverOptions, value string) error {
		for _, element := range strings.Split(value, ",") {
			if element = strings.TrimSpace(element); element != "" {
				*field(o) = append(*field(o), element)
			}
		}
		return nil
	}
}

func level(field func(*serverOptions) *slog.Level) func(*serverOptions, string) error {
	return func(o *serverOptions, value string) error {
		if err := field(o).UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("%q is not one of debug, info, warn, error", value)
		}
		return nil
	}
}

// hours prints a default the way a person would write it: 24h, not 24h0m0s.
func hours(d time.Duration) string { return strconv.Itoa(int(d/time.Hour)) + "h" }
