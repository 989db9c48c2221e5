package enact

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/enactdev/enact/driver"
)

// Config says what to open. A role with neither DSN nor connector is not opened,
// and its handle answers [ErrUnsupported].
type Config struct {
	// Events, State, Messages and Vectors are DSNs, for example
	// "sqlite:///var/lib/app/enact.db". Equal DSNs share one backend.
	Events, State, Messages, Vectors string
	// Connectors are for applications that bring their own, for example around
	// a connection pool. A role takes a DSN or a connector, not both.
	Connectors Connectors
	// AirGapped refuses every backend that does not support air-gapped mode,
	// before anything is resolved or dialled. Nothing else can switch it off. In a
	// program built with the tag enact_airgapped it is on whatever it says here.
	AirGapped bool
	// Logger gets warnings, such as a snapshot that does not fit its log. Nil:
	// nothing is logged.
	Logger *slog.Logger
}

// Connectors are parsed configurations, a role each. Connectors that are equal by
// == share one backend. A program built with the tag enact_airgapped refuses one whose
// type is not of a package that the tag takes.
type Connectors struct {
	Events, State, Messages, Vectors driver.Connector
}

// The environment variables that [ConfigFromEnv] reads.
const (
	EnvEvents    = "ENACT_EVENTS"
	EnvState     = "ENACT_STATE"
	EnvMessages  = "ENACT_MESSAGES"
	EnvVectors   = "ENACT_VECTORS"
	EnvAirGapped = "ENACT_AIR_GAPPED"
)

// ConfigFromEnv reads DSNs from ENACT_EVENTS, ENACT_STATE, ENACT_MESSAGES and
// ENACT_VECTORS, and the mode from ENACT_AIR_GAPPED, which is 1, true, 0 or false,
// in any case that strconv.ParseBool takes. An unset or empty variable leaves its
// field zero; any other value of ENACT_AIR_GAPPED is [ErrInvalid]. Nothing in
// this package reads the environment but this function.
func ConfigFromEnv() (Config, error) {
	c := Config{
		Events:   os.Getenv(EnvEvents),
		State:    os.Getenv(EnvState),
		Messages: os.Getenv(EnvMessages),
		Vectors:  os.Getenv(EnvVectors),
	}
	if mode := os.Getenv(EnvAirGapped); mode != "" {
		on, err := strconv.ParseBool(mode)
		if err != nil {
			return Config{}, driver.Invalidf("%s is neither true nor false; set it to 1 or 0", EnvAirGapped)
		}
		c.AirGapped = on
	}
	return c, nil
}

// String describes c without the contents of its DSNs, which may hold secrets.
func (c Config) String() string {
	var parts []string
	for _, s := range c.sources() {
		if s.connector != nil {
			parts = append(parts, fmt.Sprintf("%s: connector %q", s.role, s.connector.Name()))
		} else if s.dsn != "" {
			parts = append(parts, fmt.Sprintf("%s: %s", s.role, redacted(s.dsn)))
		}
	}
	return fmt.Sprintf("enact.Config{%s, air-gapped: %t}", strings.Join(parts, ", "), c.airGapped())
}

// airGapped: the mode is on.
func (c Config) airGapped() bool { return c.AirGapped || builtAirGapped }

// GoString is String, so that %#v prints no secret either.
func (c Config) GoString() string { return c.String() }

// LogValue is String, so that log/slog prints no secret either.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// source is where a role's backend comes from.
type source struct {
	role      driver.Role
	dsn       string
	connector driver.Connector
}

// sources returns the four roles in the order in which they are opened.
func (c Config) sources() []source {
	return []source{
		{driver.RoleEvents, c.Events, c.Connectors.Events},
		{driver.RoleState, c.State, c.Connectors.State},
		{driver.RoleMessages, c.Messages, c.Connectors.Messages},
		{driver.RoleVectors, c.Vectors, c.Connectors.Vectors},
	}
}
