// Package driver is what a backend of enact implements: small interfaces, plain
// data types and errors. It imports the standard library only.
//
// An application does not use this package; it imports
// [github.com/enactdev/enact], blank-imports the drivers that it needs, and
// opens stores by DSN.
//
// # Opening
//
// A [Driver] turns a DSN into a [Connector] without any I/O. The connector
// already knows its [Descriptor], so a policy (air-gapped mode) is applied
// before anything is resolved or dialled. Only [Connector.Connect] talks to the
// engine.
//
// # What a driver may rely on
//
// Package enact validates every argument before a driver sees it, once for all
// drivers: identifiers ([ValidateID]), limits, page sizes, filters. A driver
// checks only what needs its stored state: whether a thread exists, whether a
// vector has the collection's dimension ([Collection.Validate]), whether a
// version is still the expected one ([Precondition.Check], [Expectation.Check]).
//
// # What a driver must do
//
//   - It keeps none of its arguments after a call returns and changes none of
//     them; what it returns belongs to the caller.
//   - All its methods are safe for concurrent use.
//   - A context that is done ends a call promptly with the context's error and
//     leaves nothing half-applied. What was already being committed may be
//     there, whole; the caller repeats the call to find out.
//   - Errors are one line, without secrets, and match the values of this package
//     with [errors.Is]. An error that matches [ErrUnavailable] from a write says
//     that the write was certainly not applied; any other error leaves that open,
//     and the same write can be repeated.
//   - After Shutdown every method returns [ErrClosed]. [Gate] does the counting.
package driver

import "context"

// Driver makes connectors from DSNs. It is registered under one or more DSN
// schemes. OpenConnector may be called concurrently.
type Driver interface {
	// OpenConnector parses dsn, which is whole, scheme included, in the case
	// that the user wrote. It does no I/O to the engine or the network. A
	// malformed DSN, an unknown or a repeated parameter is an [ErrInvalid] that
	// names what is wrong and prints no secret.
	OpenConnector(dsn string) (Connector, error)
}

// Descriptor says what is known about a backend before connecting. The answers
// never change, and a backend gives the same ones as the connector that made it.
type Descriptor interface {
	// Name names the kind of backend, for example "sqlite". It holds no secret.
	Name() string
	// RequiresNetwork reports whether this very backend, with its DSN and
	// whatever the environment adds to it, may open a network socket.
	// Loopback is network; a file and a Unix socket are not.
	RequiresNetwork() bool
	// SupportsAirGapped reports whether the backend may be used in air-gapped
	// mode. A backend that requires no network always may.
	SupportsAirGapped() bool
}

// Connector is a parsed DSN: a backend that is not connected yet. It may be
// connected several times, concurrently. A connector must be comparable with
// ==, because stores given the same connector share one backend.
type Connector interface {
	Descriptor
	// Connect opens the backend and makes sure that it is usable: schema,
	// permissions, settings. It ends with the context's error when that is
	// done, and leaves nothing open when it fails.
	Connect(ctx context.Context) (Backend, error)
}

// Backend is a connected engine that offers one or more roles.
type Backend interface {
	Descriptor
	// Tenant returns a view of one tenant's data. It is cheap, does no I/O and
	// cannot fail; nothing reached through the view belongs to another tenant.
	// Which fields are nil is the same for every tenant.
	Tenant(id TenantID) Stores
	// HealthCheck asks the engine itself. It wraps [ErrUnavailable] when the
	// engine is gone and succeeds again, without reopening, when it is back.
	HealthCheck(ctx context.Context) error
	// Shutdown refuses new calls with [ErrClosed], waits for those in flight
	// until ctx is done, flushes and releases everything. When ctx ends first
	// the remaining calls are ended and the context's error is returned.
	// The second call returns nil.
	Shutdown(ctx context.Context) error
}

// Explainer is a [Backend] that can say why it does not offer a role.
type Explainer interface {
	// Missing returns why the backend does not offer role and what to do about
	// it, or nil when there is nothing to say. It prints no secret.
	Missing(role Role) error
}

// Stores holds one tenant's stores. A nil field is a role that the backend does
// not offer. A struct rather than one large interface, so that a wrapper copies
// four fields.
type Stores struct {
	Events   EventStore
	State    StateStore
	Messages MessageStore
	Vectors  VectorStore
}

// Role is one of the four stores.
type Role string

// The four roles.
const (
	RoleEvents   Role = "events"
	RoleState    Role = "state"
	RoleMessages Role = "messages"
	RoleVectors  Role = "vectors"
)

// Offers reports whether the store for role is there.
func (s Stores) Offers(role Role) bool {
	switch role {
	case RoleEvents:
		return s.Events != nil
	case RoleState:
		return s.State != nil
	case RoleMessages:
		return s.Messages != nil
	case RoleVectors:
		return s.Vectors != nil
	}
	return false
}
