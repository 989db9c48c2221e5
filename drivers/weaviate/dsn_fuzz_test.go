package weaviate

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
)

// FuzzDSN: any text is a connector or an ErrInvalid in one line, each time the same
// (B1, B11), and it always needs the network (B2).
func FuzzDSN(f *testing.F) {
	for _, dsn := range []string{
		"weaviate://h", "weaviates://h:443/space?api_key=k", "WEAVIATE://[::1]:8080/a?grpc_port=50051", "weaviate://h?oidc_client_secret=s&oidc_client_id=i",
		"", "weaviate", "weaviate:h", "weaviate://", "weaviate://h:0", "weaviate://h:99999", "weaviate://[::1", "weaviate://u:p@h", "weaviate://h/a/b", "weaviate://h/}{", "weaviate://h?x=1",
		"weaviate://h?api_key", "weaviate://h?api_key=a=b", "weaviate://h?api_key=a&api_key=b", "weaviate://h?%zz=1", "weaviate://h?api_key=%0a", "weaviate://h?a@b", "weaviate://h?timeout=-1s", "weaviate://h?api_key=k&oidc_client_secret=s",
	} {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		first, err := parseDSN(dsn)
		second, again := parseDSN(dsn)
		if err != nil {
			if first != nil || !errors.Is(err, driver.ErrInvalid) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("connector %v, error %q; it should be ErrInvalid in one line, and no connector", first, err)
			}
			if again == nil || again.Error() != err.Error() {
				t.Errorf("parsed again the error is %v; it was %v", again, err)
			}
			return
		}
		one, two := first.address, second.address
		one.oidc, two.oidc = nil, nil
		if again != nil || one != two || fmt.Sprint(first.settings) != fmt.Sprint(second.settings) {
			t.Errorf("parsed again it differs, error %v", again)
		}
		if !first.RequiresNetwork() || first.address.host == "" {
			t.Errorf("network %t, host %q", first.RequiresNetwork(), first.address.host)
		}
	})
}

// FuzzDSNKeepsSecrets: no piece of a secret is printed, and one that is
// percent-encoded arrives (B10).
func FuzzDSNKeepsSecrets(f *testing.F) {
	const canary = "c4n4ry"
	for _, between := range []string{"", "/", "@", ":", "?", "#", "&", "=", "%", "%zz", "\x00", " ", ";", "&x=", "\xff", "\n"} {
		f.Add(between, "")
		f.Add(between, "&timeout=soon")
		f.Add(between, "&%zz")
	}
	f.Fuzz(func(t *testing.T, between, end string) {
		if strings.Contains(between+end, canary) {
			return // the canary is elsewhere, too
		}
		secret := canary + between + canary
		for _, dsn := range []string{"weaviate://u:" + secret + "@127.0.0.1:1/a?x=1" + end, "weaviate://127.0.0.1:1?api_key=" + secret + end, "weaviates://h/a?oidc_client_secret=" + secret + end} {
			c, err := parseDSN(dsn)
			if text := fmt.Sprintf("%v %+v %v %#v", err, c, c, c); strings.Contains(text, canary) {
				t.Errorf("%q prints %s", dsn, text)
			}
		}
		c, err := parseDSN("weaviate://127.0.0.1:1?api_key=" + url.QueryEscape(secret))
		if refused := strings.ContainsAny(secret, "\x00\r\n"); refused != (err != nil) || (err == nil && c.address.apiKey != secret) {
			t.Errorf("the secret %q, percent-encoded: error %v, or another secret", secret, err)
		}
	})
}
