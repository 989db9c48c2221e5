package weaviate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/weaviate/weaviate-go-client/v4/weaviate/fault"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/enactdev/enact/driver"
)

// PartialError says which documents of an upsert or a deletion the server has
// refused. All others were applied. Repeating the call repairs it, once the reasons
// are gone.
type PartialError struct {
	// Collection is the collection's name.
	Collection string
	// Failed holds why, by document ID.
	Failed map[string]error
	// IDs lists the documents that failed, in the order of the call.
	IDs []string
}

// listed bounds how many documents an error names in its text.
const listed = 10

// Error implements error.
func (e *PartialError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "weaviate: collection %q: the server has refused %d of the documents; repeat the call: ", e.Collection, len(e.IDs))
	for i, id := range e.IDs {
		if i == listed {
			text.WriteString("; …")
			break
		}
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%q: %v", id, e.Failed[id])
	}
	return text.String()
}

// errGone: the server knows no such tenant of a class.
var errGone = errors.New("weaviate: the tenant has gone")

// notSent: the request was not sent.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }

// status returns the status of HTTP that the server answered with, or 0.
func status(err error) int {
	if refused, ok := errors.AsType[*fault.WeaviateClientError](cause(err)); ok && refused.IsUnexpectedStatusCode {
		return refused.StatusCode
	}
	return 0
}

// cause returns the error under those of Weaviate's client, which do not unwrap.
func cause(err error) error {
	for {
		wrapped, ok := errors.AsType[*fault.WeaviateClientError](err)
		if !ok || wrapped.DerivedFromError == nil {
			return err
		}
		err = wrapped.DerivedFromError
	}
}

// reason is what the server, or the way to it, has to say, in one line.
func reason(err error) string {
	err = cause(err)
	if refused, ok := errors.AsType[*fault.WeaviateClientError](err); ok && refused.IsUnexpectedStatusCode {
		text := refused.Msg
		var answer struct {
			Error   []struct{ Message string }
			Message string
		}
		if json.Unmarshal([]byte(text), &answer) == nil {
			text = answer.Message
			for _, e := range answer.Error {
				text += " " + e.Message
			}
		}
		return oneLine(fmt.Sprintf("status %d %s: %s", refused.StatusCode, http.StatusText(refused.StatusCode), text))
	}
	return oneLine(err.Error())
}

// longestReason bounds what is kept of a page that something else than Weaviate has
// answered with.
const longestReason = 1000

func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\ufffd")), " ")
	if len(text) > longestReason {
		text = strings.ToValidUTF8(text[:longestReason], "") + "…"
	}
	return text
}

// says: the server has answered, and with one of these words.
func says(err error, words ...string) bool {
	_, inside := errors.AsType[answered](err)
	if err == nil || !inside && status(err) == 0 {
		return false
	}
	text := reason(err)
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// gone makes errGone of the server's answer that there is no such tenant.
func gone(err error) error {
	if says(err, "tenant not found", "no tenant found") {
		return errGone
	}
	return err
}

// missing: the server has answered that there is no such thing.
func missing(err error) bool { return status(err) == http.StatusNotFound }

// dialing: no connection was had, so that nothing was sent.
func dialing(err error) bool {
	if operation, ok := errors.AsType[*net.OpError](cause(err)); ok && operation.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[notSent](cause(err)); ok {
		return true
	}
	s, ok := grpcstatus.FromError(err)
	return ok && err != nil && s.Code() == codes.Unavailable && strings.Contains(s.Message(), "while dialing")
}

// notApplied: the request certainly had no effect.
func notApplied(err error) bool {
	if err == nil {
		return false
	}
	code := status(err)
	return dialing(err) || (code >= 400 && code < 500 && code != http.StatusRequestTimeout) || errors.Is(cause(err), errRedirected)
}

// lost: the connection was the matter, and another may be had.
func lost(err error) bool {
	err = cause(err)
	if timedOut(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if s, ok := grpcstatus.FromError(err); ok && err != nil {
		return s.Code() == codes.Unavailable
	}
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op != "dial" || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNREFUSED)
}

// transient: the server has answered that its nodes do not agree yet. One may not know
// at once a class or a tenant that was just made, a copy may have been changed while it
// was repaired, and a leader may be being elected.
func transient(err error) bool {
	if _, ok := errors.AsType[behind](err); ok {
		return true
	}
	return says(err, "cannot reach enough replicas", "read repair error", "leader not found")
}

func timedOut(err error) bool {
	network, ok := errors.AsType[net.Error](cause(err))
	return ok && network.Timeout() || grpcstatus.Code(err) == codes.DeadlineExceeded
}

// ofContract: the error has its place in the contract already.
func ofContract(err error) bool {
	for _, known := range []error{driver.ErrNotFound, driver.ErrConflict, driver.ErrInvalid, driver.ErrTooLarge, driver.ErrUnsupported, driver.ErrUnavailable, driver.ErrClosed} {
		if errors.Is(err, known) {
			return true
		}
	}
	_, partial := errors.AsType[*PartialError](err)
	return partial
}

// explain gives an error of the server, or of the way to it, its place in the
// contract. w is nil for calls that change nothing.
func (b *backend) explain(ctx context.Context, err error, w *write) error {
	unavailable := func(why string) error {
		return fmt.Errorf("%w: weaviate: %s: %s", driver.ErrUnavailable, why, reason(err))
	}
	code := status(err)
	switch {
	case err == nil || ofContract(err):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case b.ended.Err() != nil:
		return driver.ErrClosed
	case w != nil && w.sent:
		return fmt.Errorf("weaviate: it is not known whether the server has done all of it; repeat the call: %s", reason(err))
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("weaviate: the server refuses what the DSN identifies itself with, or its rights: %s", reason(err))
	case w == nil && transient(err):
		return unavailable("the nodes of the server do not agree; repeat the call")
	case code == http.StatusTooManyRequests:
		return unavailable("the server has too much to do; repeat the call later")
	case code >= 500:
		return unavailable("the server cannot do it now")
	case timedOut(err):
		return unavailable(fmt.Sprintf("the server has not answered within %v", b.timeout))
	case dialing(err) || lost(err):
		return unavailable("the server cannot be reached or has closed the connection")
	}
	return fmt.Errorf("weaviate: %s", strings.TrimPrefix(reason(err), "weaviate: "))
}
