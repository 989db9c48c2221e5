package weaviate

import (
	"context"
	"time"

	"github.com/weaviate/weaviate-go-client/v4/weaviate/db"
	grpcbatch "github.com/weaviate/weaviate-go-client/v4/weaviate/grpc/batch"
	"github.com/weaviate/weaviate/entities/models"
	protocol "github.com/weaviate/weaviate/grpc/generated/protocol/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// grpcBatches sends batches by gRPC. The client's own connection for that verifies no
// certificate and cannot be closed.
type grpcBatches struct {
	connection *grpc.ClientConn
	client     protocol.WeaviateClient
	token      tokenFunc // nil: none is sent
	timeout    time.Duration
	convert    grpcbatch.Batch
}

// maxMessage bounds an answer. It repeats nothing of the documents but why they were
// refused.
const maxMessage = 64 << 20

func dialGRPC(host string, secure bool, token tokenFunc, timeout time.Duration, version *db.VersionProvider) (*grpcBatches, error) {
	security := insecure.NewCredentials()
	if secure {
		security = credentials.NewTLS(nil)
	}
	conn, err := grpc.NewClient("passthrough:///"+host, grpc.WithTransportCredentials(security), grpc.WithNoProxy(), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, err
	}
	return &grpcBatches{conn, protocol.NewWeaviateClient(conn), token, timeout, grpcbatch.New(db.NewGRPCVersionSupport(version))}, nil
}

func (g *grpcBatches) Close() error { return g.connection.Close() }

func (g *grpcBatches) put(ctx context.Context, objects []*models.Object, consistency string) ([]models.ObjectsGetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	if g.token != nil {
		token, err := g.token(ctx)
		if err != nil {
			return nil, notSent{err}
		}
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", token)
	}
	converted, err := g.convert.GetBatchObjects(objects)
	if err != nil {
		return nil, notSent{err}
	}
	reply, err := g.client.BatchObjects(ctx, &protocol.BatchObjectsRequest{Objects: converted, ConsistencyLevel: g.convert.GetConsistencyLevel(consistency)})
	if err != nil {
		return nil, err
	}
	return g.convert.ParseReply(reply, objects), nil
}
