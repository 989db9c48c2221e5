package airgap

import (
	"errors"
	"net/http"

	"github.com/weaviate/weaviate-go-client/v4/weaviate"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	driverofweaviate "github.com/enactdev/enact/drivers/weaviate"
)

var notInWeaviate = []string{"[fe80::1%25lo]", "%6cocalhost", "%31%32%37.0.0.1", "@abstract", "%40abstract", "%00abstract"}

var weaviateForms = []form{
	{"weaviate://HOST", notInWeaviate},
	{"weaviate://HOST:8080/namespace?grpc_port=1", notInWeaviate},
	{"WEAVIATE://HOST", notInWeaviate},
	{"weaviates://HOST", notInWeaviate},
	{"Weaviates://HOST:443?api_key=k", notInWeaviate},
	{"weaviates://HOST?oidc_client_secret=s", notInWeaviate},
}

// byWeaviate are attempts that no other driver has: it is always network.
func byWeaviate(p premises) []attempt {
	byHand := dsn("a connector by hand: a client of Weaviate", "")
	byHand.open = func() enact.Config {
		return enact.Config{Connectors: enact.Connectors{Vectors: weaviateByHand(p.server)}}
	}
	byHand.words = []string{"vectors", `"weaviate"`}
	return []attempt{
		byHand,
		dsn("a redirecting Weaviate", "weaviate://"+p.server),
		dsn("a redirecting Weaviate with an identity provider", "weaviate://"+p.server+"?oidc_client_secret=s"),
		dsn("a proxy for Weaviate", "weaviate://db.example").with("HTTP_PROXY=http://"+p.server, "ALL_PROXY=socks5://"+p.server),
		dsn("Weaviate without a host", "weaviate://").malformed(),
		dsn("Weaviate at a Unix socket", "weaviate://%2Fnowhere%2Fsocket").malformed(),
		dsn("Weaviate that asks for mercy", "weaviate://db.example?air_gapped=false").malformed(),
		dsn("Weaviate in an encoded scheme", "weaviat%65://db.example").malformed(),
	}
}

// weaviateByHand is a connector around a client of the application's own. The client
// asks for the server's version when it is made, which is not the driver's doing: here
// it is kept from that.
func weaviateByHand(host string) driver.Connector {
	client, err := weaviate.NewClient(weaviate.Config{Host: host, Scheme: "http", ConnectionClient: &http.Client{Transport: deaf{}}})
	if err != nil {
		panic(err)
	}
	return driverofweaviate.NewConnector(client)
}

// deaf reaches nobody.
type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody is reached")
}
