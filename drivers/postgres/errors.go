package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/enactdev/enact/driver"
)

// errReadOnly: the server takes no writes.
var errReadOnly = fmt.Errorf("%w: postgres: the server is a read-only standby, or default_transaction_read_only is on; name the primary, add target_session_attrs=read-write, or turn the setting off", driver.ErrUnavailable)

// noConnection: the pool gave no connection, so that nothing was sent.
type noConnection struct{ error }

func (e noConnection) Unwrap() error { return e.error }

// codeOf returns the SQLSTATE of an error of the server, empty for any other.
func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func noRow(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

func isNotFound(err error) bool { return errors.Is(err, driver.ErrNotFound) }

// ofContract: the error has its place in the contract already.
func ofContract(err error) bool {
	for _, known := range []error{driver.ErrNotFound, driver.ErrConflict, driver.ErrExists, driver.ErrInvalid, driver.ErrTooLarge, driver.ErrUnsupported, driver.ErrUnavailable, driver.ErrClosed} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// Classes and codes of SQLSTATE, from the appendix "PostgreSQL Error Codes" of its
// manual.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
	readOnlyTransaction  = "25006"
	idleInTransaction    = "25P03"
	queryCanceled        = "57014"
	lockNotAvailable     = "55P03"
	undefinedTable       = "42P01"
	undefinedFunction    = "42883"
	undefinedSchema      = "3F000"
	insufficientRight    = "42501"
	classResources       = "53" // disk full, out of memory, too many connections
	classConnection      = "08"
	classIntervention    = "57P" // shut down by an administrator, or crashed
)

// rejected: the server has answered with an error that ends the statement and its
// transaction, and not the connection. Nothing of it was done. What ends the
// connection or the server may come when it is done, and a pooler says so, too.
func rejected(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && cmp.Or(e.SeverityUnlocalized, e.Severity) == "ERROR"
}

// lostConnection: the connection, not the statement, was the matter, and another
// may be had.
func lostConnection(err error) bool {
	if code := codeOf(err); code != "" {
		return strings.HasPrefix(code, classIntervention) || strings.HasPrefix(code, classConnection) || code == idleInTransaction
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// inTheWay: somebody else was, and may be no more when it is tried again.
func inTheWay(err error) bool {
	switch codeOf(err) {
	case serializationFailure, deadlockDetected:
		return true
	case uniqueViolation:
		return true // somebody has stored the same ID meanwhile, and is found next time
	}
	return false
}

// undone: the call had certainly no effect, and may have one when it is tried
// again.
func undone(err error, at stage) bool {
	return at == working && (inTheWay(err) || lostConnection(err))
}

// explain gives an error of the engine its place in the contract.
func (b *backend) explain(ctx context.Context, err error, at stage) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !ofContract(err):
		return ctx.Err()
	case ofContract(err):
		return err
	case b.ended.Err() != nil:
		return driver.ErrClosed
	case at == committing:
		return fmt.Errorf("postgres: it is not known whether the server has done it; repeat the call: %s", message(err))
	}
	unavailable := func(why string) error {
		return fmt.Errorf("%w: postgres: %s: %s", driver.ErrUnavailable, why, message(err))
	}
	switch code := codeOf(err); {
	case code == readOnlyTransaction:
		return errReadOnly
	case strings.HasPrefix(code, classResources):
		return unavailable("the server is short of something; see to its disk, memory or connections")
	case code == queryCanceled || code == lockNotAvailable:
		return unavailable("the server has cancelled the statement, by a timeout or on request; raise statement_timeout or lock_timeout")
	case code == undefinedTable || code == undefinedFunction || code == undefinedSchema:
		return unavailable(fmt.Sprintf("the tables in schema %q have gone; open the store again to make them", b.schema))
	case code == insufficientRight:
		return fmt.Errorf("postgres: the user of the DSN may not do that in schema %q; grant it the rights on the schema and its tables: %s", b.schema, message(err))
	case inTheWay(err):
		return unavailable("others were in the way again and again; repeat the call")
	case isNoConnection(err):
		return unavailable("no connection to the server can be had")
	case lostConnection(err):
		return unavailable("the server cannot be reached or has closed the connection")
	}
	return fmt.Errorf("postgres: %s", message(err))
}

func isNoConnection(err error) bool {
	_, ok := errors.AsType[noConnection](err)
	return ok
}

// message is an error in one line. What pgx says of a failed connection names
// user, database and host, and no password.
func message(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
