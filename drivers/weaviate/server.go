package weaviate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/weaviate/weaviate-go-client/v4/weaviate"
	"github.com/weaviate/weaviate-go-client/v4/weaviate/batch"
	"github.com/weaviate/weaviate-go-client/v4/weaviate/connection"
	"github.com/weaviate/weaviate-go-client/v4/weaviate/data"
	"github.com/weaviate/weaviate-go-client/v4/weaviate/db"
	"github.com/weaviate/weaviate-go-client/v4/weaviate/graphql"
	"github.com/weaviate/weaviate-go-client/v4/weaviate/misc"
	"github.com/weaviate/weaviate-go-client/v4/weaviate/schema"
	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
)

// server is the parts of Weaviate's client that are used.
type server struct {
	misc    *misc.API
	schema  *schema.API
	data    *data.API
	batch   *batch.API
	graphql *graphql.API

	grpc   *grpcBatches // nil: batches go by HTTP
	closes []closer
}

// borrowed is the application's client.
func borrowed(c *weaviate.Client) server {
	return server{misc: c.Misc(), schema: c.Schema(), data: c.Data(), batch: c.Batch(), graphql: c.GraphQL()}
}

// dial makes a client. The client's own constructor is not used: it asks the server
// without a context, and makes connections that cannot be closed.
func (c *connector) dial(ctx context.Context) (server, error) {
	transport := newTransport()
	closes := []closer{idleConnections{transport}}
	plain := &http.Client{Transport: transport, CheckRedirect: stayAtHost, Timeout: c.timeout}
	client, scheme := *plain, "http"
	if c.address.secure {
		scheme = "https"
	}
	var token tokenFunc
	switch {
	case c.address.apiKey != "":
		client.Transport = keyed{transport, c.address.apiKey}
		token = func(context.Context) (string, error) { return "Bearer " + c.address.apiKey, nil }
	case c.address.oidc != nil:
		token = newTokens(*c.address.oidc, scheme+"://"+c.address.host, plain).authorization
		client.Transport = tokened{transport, token}
	}
	conn := connection.NewConnection(scheme, c.address.host, &client, c.timeout, nil)
	// The client's finalizer waits for a receiver that there is not, and so no other
	// finalizer of the program would be run.
	runtime.SetFinalizer(conn, nil)
	s := server{misc: misc.New(conn, nil), schema: schema.New(conn), graphql: graphql.New(conn), closes: closes}
	version, err := s.version(ctx)
	if err != nil {
		return s, err
	}
	provider := db.NewVersionProvider(func() string { return version })
	support := db.NewDBVersionSupport(provider)
	s.misc, s.data, s.batch = misc.New(conn, provider), data.New(conn, support), batch.New(conn, nil, support)
	if c.address.grpcHost != "" {
		if s.grpc, err = dialGRPC(c.address.grpcHost, c.address.secure, token, c.timeout, provider); err != nil {
			return s, fmt.Errorf("weaviate: gRPC: %w", err)
		}
		s.closes = append(s.closes, s.grpc)
	}
	return s, nil
}

// Close closes connections; not those of a borrowed client.
func (s server) Close() error {
	var failed []error
	for _, c := range s.closes {
		failed = append(failed, c.Close())
	}
	return errors.Join(failed...)
}

// leastMinor is the least version of Weaviate, 1.33, which has the operator
// ContainsNone.
const leastMinor = 33

// version returns the server's version, if it is not too old.
func (s server) version(ctx context.Context) (string, error) {
	meta, err := s.misc.MetaGetter().Do(ctx)
	if err != nil {
		return "", err
	}
	parts := strings.SplitN(meta.Version, ".", 3)
	if len(parts) >= 2 {
		major, err1 := strconv.Atoi(parts[0])
		minor, err2 := strconv.Atoi(parts[1])
		if err1 == nil && err2 == nil && (major > 1 || major == 1 && minor >= leastMinor) {
			return meta.Version, nil
		}
	}
	return "", fmt.Errorf("%w: weaviate: the server has version %.32q; 1.%d or later is needed", driver.ErrUnsupported, meta.Version, leastMinor)
}

// put stores objects, replacing those that are there, and returns why each was
// refused: nil, or as many errors as there are objects.
func (s server) put(ctx context.Context, objects []*models.Object, consistency string) ([]error, error) {
	var answers []models.ObjectsGetResponse
	var err error
	if s.grpc != nil {
		answers, err = s.grpc.put(ctx, objects, consistency)
	} else {
		answers, err = s.batch.ObjectsBatcher().WithObjects(objects...).WithConsistencyLevel(consistency).Do(ctx)
	}
	if err != nil {
		return nil, err
	}
	if len(answers) != len(objects) {
		return nil, fmt.Errorf("weaviate: the server answered for %d of %d documents; repeat the call", len(answers), len(objects))
	}
	var refused []error
	for i, answer := range answers {
		if answer.Result == nil || answer.Result.Errors == nil || len(answer.Result.Errors.Error) == 0 {
			continue
		}
		if refused == nil {
			refused = make([]error, len(objects))
		}
		var reasons []string
		for _, reason := range answer.Result.Errors.Error {
			reasons = append(reasons, reason.Message)
		}
		refused[i] = answered{oneLine(strings.Join(reasons, "; "))}
	}
	return refused, nil
}

// query asks by GraphQL and returns what is under "data".
func (s server) query(ctx context.Context, text string) (map[string]models.JSONObject, error) {
	answer, err := s.graphql.Raw().WithQuery(text).Do(ctx)
	if err != nil {
		return nil, err
	}
	if len(answer.Errors) == 0 {
		return answer.Data, nil
	}
	var reasons []string
	for _, reason := range answer.Errors {
		reasons = append(reasons, reason.Message)
	}
	return answer.Data, answered{oneLine(strings.Join(reasons, "; "))}
}

// answered is an error in an answer with status 200.
type answered struct{ reason string }

func (e answered) Error() string { return e.reason }
