package weaviate

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// maxConnections bounds those to one server.
const maxConnections = 64

// newTransport returns one of a backend's own. A proxy that the environment names is
// not used: it would be another host than the DSN says.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		MaxConnsPerHost:     maxConnections,
		MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}

// errRedirected: the server sent the request elsewhere.
var errRedirected = errors.New("the server redirects to another host, which is not followed; name that host in the DSN if it is the right one")

// stayAtHost follows redirects to the same scheme and host only: what is sent, the
// key included, is meant for nobody else.
func stayAtHost(request *http.Request, via []*http.Request) error {
	first := via[0].URL
	if request.URL.Host != first.Host || request.URL.Scheme != first.Scheme {
		return errRedirected
	}
	if len(via) >= 5 {
		return errors.New("the server redirects again and again")
	}
	return nil
}

// keyed adds an API key to each request.
type keyed struct {
	next http.RoundTripper
	key  string
}

func (k keyed) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+k.key)
	return k.next.RoundTrip(request)
}

// tokenFunc returns a value for the header Authorization, or nothing.
type tokenFunc func(ctx context.Context) (string, error)

// tokened adds a token to each request, which is fetched when it is needed.
type tokened struct {
	next  http.RoundTripper
	token tokenFunc
}

func (t tokened) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := t.token(request.Context())
	if err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, notSent{err}
	}
	request = request.Clone(request.Context())
	if token != "" {
		request.Header.Set("Authorization", token)
	}
	return t.next.RoundTrip(request)
}
