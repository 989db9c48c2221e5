package drivertest

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var secretChecks = []check{
	{
		rule: "B10", name: "secret-in-what-is-printed",
		why:   "a password ends up in logs, traces and bug reports",
		needs: needsSecrets, alone: true, run: secretsArePrintedNowhere,
	},
	{
		rule: "B10", name: "secret-in-refusal",
		why: "who mistypes a DSN finds the password in the log of the failed start", run: secretsInRefusals,
	},
	{
		rule: "B10", name: "secret-in-failure",
		why:   "a server that is away has every program print the password to it",
		needs: needsSecrets, run: secretsInFailures,
	},
}

func needsSecrets(target *Target) string {
	if target.SecretDSNs == nil {
		return "Target.SecretDSNs is not set"
	}
	return ""
}

// awkward is what secrets are joined with: what must be escaped in a DSN, and
// nothing.
var awkward = []string{"-", "p@ss:w/rd %?#&=+\"'\\;é"}

func secretsArePrintedNowhere(t *trial) {
	for _, separator := range awkward {
		c := t.newCanary(separator)
		var failed bool
		logged := loggedMeanwhile(func() {
			done := t.background(func() {
				for _, dsn := range t.target.SecretDSNs(c.secret) {
					t.printsNoSecret(c, dsn)
				}
			})
			t.await("opening and using a store whose DSN holds a secret", done)
			failed = t.failed()
		})
		if failed {
			runtime.Goexit()
		}
		t.hidden(c, "opening and using a store whose DSN holds a secret: the log", logged)
	}
}

// printsNoSecret looks at everything that can be printed on the way from a DSN to
// a backend that is shut down.
func (t *trial) printsNoSecret(c *canary, dsn string) {
	connector, err := t.target.Driver.OpenConnector(dsn)
	t.hiddenError(c, "OpenConnector", err)
	t.ok("OpenConnector of a DSN that holds a secret", err)
	t.hiddenValue(c, "a connector", connector)
	t.hidden(c, "Name", connector.Name())
	cancelled, cancel := context.WithCancel(t.ctx)
	cancel()
	if b, err := connector.Connect(cancelled); err == nil {
		t.shutDown(b)
	} else {
		t.hiddenError(c, "Connect with a cancelled context", err)
	}
	soon, cancel := context.WithTimeout(t.ctx, 200*time.Millisecond)
	defer cancel()
	b, err := connector.Connect(soon)
	t.hiddenError(c, "Connect", err)
	t.hiddenValue(c, "a connector that was connected", connector)
	if err == nil {
		t.usedPrintsNoSecret(c, b)
	}
}

func (t *trial) usedPrintsNoSecret(c *canary, b driver.Backend) {
	cancelled, cancel := context.WithCancel(t.ctx)
	cancel()
	t.hidden(c, "Name of a backend", b.Name())
	if s, ok := b.(fmt.Stringer); ok {
		t.hidden(c, "String of a backend", s.String())
	}
	s := b.Tenant(tenantID)
	for _, ctx := range []context.Context{t.ctx, cancelled} {
		t.hiddenError(c, "HealthCheck", b.HealthCheck(ctx))
		t.errorsHide(c, ctx, s)
	}
	t.hiddenError(c, "Shutdown", b.Shutdown(t.ctx))
	t.hiddenError(c, "HealthCheck after Shutdown", b.HealthCheck(t.ctx))
	t.errorsHide(c, t.ctx, s)
	t.hiddenError(c, "the second Shutdown", b.Shutdown(t.ctx))
	// Before, printing it could meet a change of it.
	t.hiddenValue(c, "a backend that is shut down", b)
}

// errorsHide provokes errors in every role.
func (t *trial) errorsHide(c *canary, ctx context.Context, s driver.Stores) {
	hide := func(did string, err error) { t.hiddenError(c, did, err) }
	if s.Events != nil {
		_, err := s.Events.Append(ctx, "x", driver.ExpectLast(7), []driver.Event{event("x")})
		hide("Append", err)
		for _, err := range s.Events.Load(ctx, "x", 0) {
			hide("Load", err)
		}
		_, _, err = s.Events.ListExecutions(ctx, driver.Page{Limit: 1, Cursor: "x"})
		hide("ListExecutions", err)
	}
	if s.State != nil {
		_, err := s.State.Get(ctx, "x")
		hide("Get", err)
		_, err = s.State.Set(ctx, "x", []byte("x"), driver.SetOptions{When: driver.IfVersion(7)})
		hide("Set", err)
		_, _, err = s.State.List(ctx, "", driver.Page{Limit: 1, Cursor: "x"})
		hide("List", err)
	}
	if s.Messages != nil {
		_, err := s.Messages.CreateMessage(ctx, said("x", "x"))
		hide("CreateMessage", err)
		_, err = s.Messages.GetThread(ctx, "x", false)
		hide("GetThread", err)
	}
	if s.Vectors != nil {
		_, err := s.Vectors.Search(ctx, "x", nearest(1, 1))
		hide("Search", err)
		hide("Upsert", s.Vectors.Upsert(ctx, "x", []driver.Document{doc("x", 1)}))
	}
}

// secretsInRefusals makes DSNs that hold a secret into ones that do not parse.
func secretsInRefusals(t *trial) {
	for _, separator := range awkward {
		c := t.newCanary(separator)
		refuse := func(did, dsn string) {
			_, err := t.target.Driver.OpenConnector(dsn)
			t.hiddenError(c, did, err)
		}
		// Values that a driver does not know the meaning of may be secret, too.
		for _, name := range []string{"password", "token", "api_key", "auth", "secret", "drivertest-unknown", "authToken"} {
			refuse("OpenConnector of a DSN with an unknown parameter and a secret in it", withParameter(t.dsn, name+"="+escapes[0](c.secret)))
			refuse("OpenConnector of a DSN with a parameter that ends in half an escape", withParameter(t.dsn, name+"="+escapes[0](c.secret)+"%z"))
		}
		host := withAddress(t.dsn, "user:"+escapes[1](c.secret)+"@127.0.0.1:1")
		if t.target.SecretDSNs == nil {
			_, err := t.target.Driver.OpenConnector(host) // it may well be part of a file's name
			t.hiddenError(c, "OpenConnector of a DSN with a user and a password", err)
			continue
		}
		for _, dsn := range t.target.SecretDSNs(c.secret) {
			for did, broken := range brokenDSNs(dsn, c.secret) {
				refuse("OpenConnector of a DSN "+did, broken)
			}
		}
	}
	if t.target.SecretDSNs != nil {
		t.unescapedSecrets()
	}
}

var port = regexp.MustCompile(`:[0-9]+`)

// brokenDSNs changes a DSN in ways that people and templates do.
func brokenDSNs(dsn, secret string) map[string]string {
	broken := map[string]string{
		"with an unknown parameter":             withParameter(dsn, "drivertest-unknown=1"),
		"with an unknown parameter first":       withParameterFirst(dsn, "drivertest-unknown=1"),
		"with half an escape":                   dsn + "%",
		"with a bad escape in a parameter":      withParameter(dsn, "x=%zz"),
		"with a bad escape in its first half":   strings.Replace(dsn, ":", ":%zz", 1),
		"with another scheme":                   "x" + dsn,
		"without a scheme":                      strings.TrimPrefix(dsn, schemeOf(dsn)+":"),
		"without a scheme but a colon":          strings.TrimPrefix(dsn, schemeOf(dsn)),
		"with a scheme that is none":            "1" + dsn,
		"with a space before it":                " " + dsn,
		"with a line break behind it":           dsn + "\n",
		"with a NUL behind it":                  dsn + "\x00",
		"with a control character in its start": strings.Replace(dsn, ":", ":\x7f", 1),
		"in quotes":                             `"` + dsn + `"`,
		"with a port that is no number":         port.ReplaceAllString(dsn, ":port"),
		"with a port that is too large":         port.ReplaceAllString(dsn, ":65536000"),
		"with half an IPv6 address":             loopback.ReplaceAllString(dsn, "[::1"),
		"with a semicolon behind it":            dsn + ";",
	}
	for _, parameter := range parametersOf(dsn) {
		broken["with parameter "+parameter[:strings.IndexByte(parameter+"=", '=')]+" twice"] = withParameter(dsn, parameter)
	}
	for i := range len(dsn) {
		// Cut at its end, a parameter's name is no secret, and inside the secret
		// what is left of it may be too short to tell.
		broken[fmt.Sprintf("cut after %d bytes", i)] = dsn[:i]
	}
	for _, escape := range escapes {
		written := escape(secret)
		if half := written[:len(written)/2]; strings.Contains(dsn, written) {
			broken["with half an escape in the secret"] = strings.Replace(dsn, written, half+"%zz"+written[len(half):], 1)
			broken["with half an escape behind the secret"] = strings.Replace(dsn, written, written+"%4", 1)
			broken["with a control character in the secret"] = strings.Replace(dsn, written, half+"\x01"+written[len(half):], 1)
		}
	}
	return broken
}

// unescapedSecrets writes secrets into DSNs as they are, as people do who do not
// know better. What would end a parameter or begin the parameters is left out: what
// follows it is then rightly reported as an unknown one.
func (t *trial) unescapedSecrets() {
	for _, separator := range []string{"/", ":", "@", "%", " ", "[", "]", `"`, "\\", "%zz", "\n", "^", "+"} {
		c := t.newCanary(separator)
		for _, dsn := range t.target.SecretDSNs(c.secret) {
			for _, escape := range escapes {
				dsn = strings.ReplaceAll(dsn, escape(c.secret), c.secret)
			}
			_, err := t.target.Driver.OpenConnector(dsn)
			t.hiddenError(c, fmt.Sprintf("OpenConnector of a DSN with a secret that has %q in it, unescaped", separator), err)
		}
	}
}

// secretsInFailures connects to servers that are away, hang up, or talk nonsense,
// and closes what could be opened all the same.
func secretsInFailures(t *trial) {
	servers := map[string]string{"nobody": t.nobody(), "a server that hangs up": t.serve(""), "a server that talks nonsense": t.serve("\x00?\r\n-ERR \xff nonsense\r\n\r\n")}
	for _, separator := range awkward {
		c := t.newCanary(separator)
		for _, dsn := range t.target.SecretDSNs(c.secret) {
			for what, address := range servers {
				connector, err := t.target.Driver.OpenConnector(withAddress(dsn, address))
				did := "OpenConnector of a DSN with the address of " + what
				t.hiddenError(c, did, err)
				if err != nil {
					continue
				}
				t.hiddenValue(c, did+": the connector", connector)
				ctx, cancel := context.WithTimeout(t.ctx, 100*time.Millisecond)
				b, err := connector.Connect(ctx)
				t.hiddenError(c, "Connect to "+what, err)
				if err == nil {
					t.hiddenError(c, "HealthCheck of "+what, b.HealthCheck(ctx))
					t.errorsHide(c, ctx, b.Tenant(tenantID))
					t.hiddenError(c, "Shutdown", b.Shutdown(t.ctx))
				}
				cancel()
			}
		}
	}
}

// nobody returns an address where nobody listens.
func (t *trial) nobody() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	t.ok("listening on the loopback", err)
	listener.Close()
	return listener.Addr().String()
}

// serve says something to everybody who connects, and hangs up.
func (t *trial) serve(words string) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	t.ok("listening on the loopback", err)
	t.cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte(words))
			conn.Close()
		}
	}()
	return listener.Addr().String()
}
