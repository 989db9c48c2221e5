package weaviate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
	oauth2credentials "golang.org/x/oauth2/clientcredentials"
)

// clientCredentials are those of OpenID Connect's flow for programs. An ID that is
// not given is the one that the server names.
type clientCredentials struct{ id, secret, scopes string }

// tokens fetches tokens from the provider that a Weaviate server names, and keeps one
// until it expires.
type tokens struct {
	clientCredentials
	server string // scheme and host of Weaviate
	client *http.Client

	turn  chan struct{} // holds one while nobody uses the fields below
	found *oauth2credentials.Config
	token *oauth2.Token
}

func newTokens(credentials clientCredentials, server string, client *http.Client) *tokens {
	t := &tokens{clientCredentials: credentials, server: server, client: client, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// authorization returns the value of the header Authorization.
func (t *tokens) authorization(ctx context.Context) (string, error) {
	select {
	case <-t.turn:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { t.turn <- struct{}{} }()
	if t.token.Valid() {
		return t.token.Type() + " " + t.token.AccessToken, nil
	}
	if t.found == nil {
		found, err := t.discover(ctx)
		if err != nil {
			return "", fmt.Errorf("OIDC: %w", err)
		}
		t.found = found
	}
	token, err := t.found.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return "", fmt.Errorf("OIDC: the provider gives no token for the client credentials: %w", withoutBody(err))
	}
	t.token = token
	return token.Type() + " " + token.AccessToken, nil
}

// withoutBody leaves out what the provider answered, which may repeat what it was
// sent.
func withoutBody(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return err
	}
	status := "an answer without a token"
	if refused.Response != nil {
		status = refused.Response.Status
	}
	if refused.ErrorCode != "" {
		status += ", " + refused.ErrorCode
	}
	return errors.New(status)
}

// discover asks Weaviate for the provider and that for where tokens are given.
func (t *tokens) discover(ctx context.Context) (*oauth2credentials.Config, error) {
	var weaviate struct {
		Href     string   `json:"href"`
		ClientID string   `json:"clientId"`
		Scopes   []string `json:"scopes"`
	}
	if err := t.get(ctx, t.server+"/v1/.well-known/openid-configuration", &weaviate); err != nil {
		return nil, fmt.Errorf("the Weaviate server names no provider: %w", err)
	}
	var provider struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	if err := t.get(ctx, weaviate.Href, &provider); err != nil {
		return nil, fmt.Errorf("the provider cannot be asked: %w", err)
	}
	endpoint, err := url.Parse(provider.TokenEndpoint)
	if err != nil || endpoint.Host == "" {
		return nil, errors.New("the provider names no token endpoint")
	}
	if strings.HasPrefix(t.server, "https:") && endpoint.Scheme != "https" {
		return nil, errors.New("the provider's token endpoint is not https, and the client secret is not sent to it")
	}
	config := &oauth2credentials.Config{ClientID: t.id, ClientSecret: t.secret, TokenURL: provider.TokenEndpoint, Scopes: strings.Fields(t.scopes)}
	if config.ClientID == "" {
		config.ClientID = weaviate.ClientID
	}
	if len(config.Scopes) == 0 {
		config.Scopes = weaviate.Scopes
	}
	return config, nil
}

func (t *tokens) get(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := t.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
