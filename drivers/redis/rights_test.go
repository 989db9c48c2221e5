package redis

import (
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestDocumentedRights: a user with the rights that the documentation lists, and no
// other, can do everything.
func TestDocumentedRights(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	testkit.Check(t, err)
	rights := regexp.MustCompile(`(?m)^//\t(~\{enact.*)$`).FindSubmatch(text)
	if rights == nil {
		t.Fatal("the documentation lists no rights")
	}
	rule := append([]any{"ACL", "SETUSER", "documented", "on", ">word"}, words(string(rights[1]))...)
	grant := func(servers ...*testserver.Redis) {
		for _, server := range servers {
			testkit.Check(t, server.Do(rule...).Err())
			t.Cleanup(func() { server.Do("ACL", "DELUSER", "documented") })
		}
	}
	single, many := durable.get(t), clustered.get(t)
	grant(single)
	grant(many.Nodes...)
	for _, dsn := range []string{single.DSN(), many.DSN("enact_replicas=1")} {
		b := open(t, strings.Replace(dsn, "://", "://documented:word@", 1))
		testkit.Check(t, b.HealthCheck(t.Context()))
		testkit.UseEverything(t, b)
		s := b.Tenant("t").State
		version := testkit.Must(s.Set(t.Context(), "expires", nil, driver.SetOptions{TTL: driver.MaxTTL}))(t)
		testkit.Check(t, s.Delete(t.Context(), "expires", driver.IfVersion(version)))
	}
}

func words(text string) (all []any) {
	for word := range strings.FieldsSeq(text) {
		all = append(all, word)
	}
	return all
}

// as is a DSN for another user of the server.
func as(server *testserver.Redis, user, password string, parameters ...string) string {
	return strings.Replace(server.DSN(parameters...), "redis://", "redis://"+url.UserPassword(user, password).String()+"@", 1)
}

// TestUserWithoutConfig: where the server does not tell its settings it is no event
// store, unless the DSN vouches for it; state is offered as ever.
func TestUserWithoutConfig(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, append([]string{"user modest on >secret ~* &* +@all -config"}, testserver.RedisDurable...)...)
	b := open(t, as(server, "modest", "secret"))
	s := b.Tenant("t")
	if s.Events != nil || s.Messages != nil || s.State == nil {
		t.Errorf("where CONFIG GET is forbidden a store offers %+v, want state only", s)
	}
	for _, role := range []driver.Role{driver.RoleEvents, driver.RoleMessages} {
		missing := b.(driver.Explainer).Missing(role)
		for _, word := range []string{"CONFIG GET", parameterDurability + "=" + serverSyncsAlways} {
			if missing == nil || !strings.Contains(missing.Error(), word) {
				t.Errorf("what is missing for %s reads %v, want it to name %s", role, missing, word)
			}
		}
	}
	testkit.Must(s.State.Set(t.Context(), "key", []byte("value"), driver.SetOptions{}))(t)
	testkit.Check(t, b.HealthCheck(t.Context()))

	vouched := open(t, as(server, "modest", "secret", parameterDurability+"="+serverSyncsAlways))
	testkit.UseEverything(t, vouched)

	_, err := connect(t.Context(), as(server, "modest", "wrong"))
	if err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("opening with a wrong password: %v, want an error without it", err)
	}
}

// TestUserWithoutRights: a user that may do less than the driver does is found when
// the store is opened, not in the middle of a write.
func TestUserWithoutRights(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, append([]string{
		"user reader on >secret ~* &* +@read +@connection +eval +evalsha +config +info",
		"user elsewhere on >secret ~other:* &* +@all",
		"user unscripted on >secret ~* &* +@all -eval -evalsha",
	}, testserver.RedisDurable...)...)
	for _, user := range []string{"reader", "elsewhere", "unscripted"} {
		b, err := connect(t.Context(), as(server, user, "secret"))
		if err == nil {
			shutdown(t, b)
			t.Errorf("user %s may not do what the driver needs, and can open a store", user)
			continue
		}
		testkit.WantError(t, "opening for user "+user, err, err, "grant")
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error of user %s shows the password: %v", user, err)
		}
	}
	if keys := testkit.Must(server.Client().Keys(t.Context(), "*").Result())(t); len(keys) > 0 {
		t.Errorf("opening in vain has left %q behind", keys)
	}
}

// TestRightsTakenAway while a store is open: calls fail and leave nothing behind, and
// succeed when the rights are back.
func TestRightsTakenAway(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, append([]string{"user modest on >secret ~* &* +@all"}, testserver.RedisDurable...)...)
	b := open(t, as(server, "modest", "secret"))
	testkit.UseEverything(t, b)
	before := contents(t, server)
	testkit.Check(t, server.Do("ACL", "SETUSER", "modest", "-evalsha", "-eval").Err())
	for _, c := range testkit.Writes(b.Tenant("t")) {
		if err := c.Do(t.Context(), b.Tenant("t"), "refused"); err == nil {
			t.Errorf("%s without the right to run scripts returned nil", c.Name)
		}
	}
	if after := contents(t, server); after != before {
		t.Errorf("what was refused has changed\n%s to\n%s", before, after)
	}
	if err := b.HealthCheck(t.Context()); err == nil {
		t.Error("HealthCheck succeeds without the right to run scripts")
	}
	testkit.Check(t, server.Do("ACL", "SETUSER", "modest", "+evalsha", "+eval").Err())
	testkit.EveryCall(t, b)
}

// TestTLSWithUser: every role works with TLS and a password, and nothing of it
// without the certificate or with another password.
func TestTLSWithUser(t *testing.T) {
	t.Parallel()
	server := testserver.RedisTLSFor(t, testserver.RedisDurable...)
	trusted := parameterCA + "=" + url.QueryEscape(server.CAFile)
	b := open(t, server.DSN(trusted))
	testkit.UseEverything(t, b)
	through := open(t, server.SocketDSN())
	testkit.EveryCall(t, through)
	for name, dsn := range map[string]string{
		"without the certificate": server.DSN(),
		"with another password":   strings.Replace(server.DSN(trusted), url.UserPassword(server.User, server.Password).String(), server.User+":wrong", 1),
		"without TLS":             strings.Replace(server.DSN(), "rediss:", "redis:", 1),
	} {
		opened, err := connect(t.Context(), dsn)
		if err == nil {
			shutdown(t, opened)
			t.Errorf("opening %s succeeds", name)
		} else if strings.Contains(err.Error(), server.Password) {
			t.Errorf("opening %s: the error shows the password: %v", name, err)
		}
	}
}
