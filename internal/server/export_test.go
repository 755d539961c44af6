package server

import "time"

// SetCertificateCheck sets how often, at most, the TLS files are looked at.
func (c *Config) SetCertificateCheck(every time.Duration) { c.certificateCheck = every }

// Filled returns the configuration with what stands for everything that was left
// out.
func (c Config) Filled() (Config, error) { return c.withDefaults() }
