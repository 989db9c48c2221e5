package enact

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

// fakeRegistry has one fake driver, under two schemes, that dials a listener
// which counts.
func fakeRegistry(t *testing.T) (*registry, *fakeDriver, *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	dialled := new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			conn.Close()
		}
	}()
	d := &fakeDriver{address: listener.Addr().String()}
	r := new(registry)
	r.add("fake", d)
	r.add("other", d)
	return r, d, dialled
}

// R3: a DSN per role; equal DSNs share one backend.
func TestR3EqualDSNsShareABackend(t *testing.T) {
	r, d, _ := fakeRegistry(t)
	rt, err := open(t.Context(), Config{Events: "fake:a", State: "fake:b", Messages: "fake:a", Vectors: "fake:b"}, r)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.noted("connect"); !slices.Equal(got, []string{"connect fake:a", "connect fake:b"}) {
		t.Errorf("connected %q; each DSN should be connected once, in the order of the roles", got)
	}
	if rt.backends[driver.RoleEvents] != rt.backends[driver.RoleMessages] || rt.backends[driver.RoleEvents] == rt.backends[driver.RoleState] {
		t.Error("roles share the wrong backends")
	}
	if err := rt.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.noted("shutdown"); !slices.Equal(got, []string{"shutdown fake:b", "shutdown fake:a"}) {
		t.Errorf("shut down %q; each backend should be, once, in reverse order", got)
	}
}

func TestOpenWithConnectors(t *testing.T) {
	r, d, _ := fakeRegistry(t)
	own := &fakeBackend{driver: d, dsn: "fake:own"}
	rt, err := open(t.Context(), Config{Events: "fake:a", Connectors: Connectors{State: own, Messages: own}}, r)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Shutdown(t.Context())
	if got := d.noted("connect"); len(got) != 2 {
		t.Errorf("connected %q; equal connectors should share one backend", got)
	}
	if _, err := open(t.Context(), Config{Events: "fake:a", Connectors: Connectors{Events: own}}, r); !errors.Is(err, ErrInvalid) {
		t.Errorf("a DSN and a connector for one role: error %v; it should be ErrInvalid", err)
	}
	own.dsn = "fake:net"
	if _, err := open(t.Context(), Config{Connectors: Connectors{State: own}, AirGapped: true}, r); !errors.Is(err, ErrAirGapped) {
		t.Errorf("a network connector in air-gapped mode: error %v; it should be ErrAirGapped", err)
	}
}

// R4: every store that fails is in one error, in one line, and nothing stays open.
func TestR4EveryFailureIsReported(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		want   []string
		opens  int // how many backends get connected before all is undone
	}{
		{"all malformed", Config{Events: "fake:malformed1", State: "fake:malformed2", Messages: "fake:ok"}, []string{"events: ", "state: ", "2 errors"}, 0},
		{"unknown scheme and malformed", Config{Events: "fake:malformed", State: "nope:x"}, []string{"events: ", "state: ", `"nope"`}, 0},
		{"two down", Config{Events: "fake:ok", State: "fake:down1", Messages: "fake:down2", Vectors: "fake:ok2"}, []string{"open state", "open messages", "2 errors"}, 2},
		{"role not offered", Config{Events: "fake:eventsonly", State: "fake:eventsonly", Vectors: "fake:ok"}, []string{"does not offer state", `"fake"`, "install them"}, 2},
		{"role not offered, no reason known", Config{Events: "fake:eventsonly", Messages: "fake:eventsonly"}, []string{"does not offer messages; name another backend for it"}, 1},
		{"nothing", Config{}, []string{"nothing to open"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, d, _ := fakeRegistry(t)
			rt, err := open(t.Context(), test.config, r)
			if err == nil || rt != nil {
				t.Fatalf("opened %v, error %v; it should have failed", rt, err)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has more than one line", err)
			}
			if got := d.noted("shutdown"); len(got) != test.opens {
				t.Errorf("shut down %q after the failure; %d backends had been opened", got, test.opens)
			}
		})
	}
}

func TestR4ErrorsMatch(t *testing.T) {
	r, _, _ := fakeRegistry(t)
	_, err := open(t.Context(), Config{Events: "fake:down", State: "fake:eventsonly"}, r)
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrUnsupported) {
		t.Errorf("error %v should match both ErrUnavailable and ErrUnsupported", err)
	}
}

// R5: all offenders are named at once and no socket is opened.
func TestR5AirGapped(t *testing.T) {
	for _, test := range []struct {
		name   string
		config Config
		want   []string
	}{
		{"network", Config{Events: "fake:ok", State: "fake:net", Vectors: "other:net2"}, []string{"open state", "open vectors", `"fake"`, "network", "2 errors"}},
		{"no network but not supported", Config{Events: "fake:nogap"}, []string{"open events", "does not support"}},
		{"upper-case scheme", Config{Events: "FAKE:net"}, []string{"open events"}},
		{"a DSN that asks for mercy", Config{Events: "fake:net?air_gapped=false"}, []string{"open events"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(EnvAirGapped, "false") // must not matter
			r, d, dialled := fakeRegistry(t)
			test.config.AirGapped = true
			_, err := open(t.Context(), test.config, r)
			if !errors.Is(err, ErrAirGapped) {
				t.Fatalf("error %v; it should be ErrAirGapped", err)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if got := d.noted("connect"); got != nil {
				t.Errorf("connected %q; nothing may be", got)
			}
			if n := dialled.Load(); n != 0 {
				t.Errorf("%d sockets were opened", n)
			}
		})
	}
}

// The check above can fail: without the mode the same driver dials.
func TestR5WithoutTheModeItDials(t *testing.T) {
	r, _, dialled := fakeRegistry(t)
	rt, err := open(t.Context(), Config{State: "fake:net"}, r)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Shutdown(t.Context())
	for begin := time.Now(); dialled.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("no socket was opened; the listener does not count")
		}
	}
}

// B2, R5: a backend that answers otherwise than its connector is refused too.
func TestR5TurncoatIsRefused(t *testing.T) {
	r, d, _ := fakeRegistry(t)
	_, err := open(t.Context(), Config{Events: "fake:turncoat", AirGapped: true}, r)
	if !errors.Is(err, ErrAirGapped) || len(d.noted("shutdown")) != 1 {
		t.Errorf("error %v, shut down %q; it should be refused and shut down", err, d.noted("shutdown"))
	}
}

// R6: all backends are asked at once, every failure is named.
func TestR6Health(t *testing.T) {
	r, d, _ := fakeRegistry(t)
	rt, err := open(t.Context(), Config{Events: "fake:rendezvous1", State: "fake:rendezvous2"}, r)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := rt.HealthCheck(ctx); err != nil {
		t.Errorf("health: %v; the backends should be asked at once", err)
	}
	if err := rt.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v; a backend that takes long should not keep the other waiting", err)
	}
	if got := d.noted("shutdown"); !slices.Equal(got, []string{"shutdown fake:rendezvous2", "shutdown fake:rendezvous1"}) {
		t.Errorf("shut down %q; it should be in reverse order", got)
	}
	d.forget()
	sick, err := open(t.Context(), Config{Events: "fake:sick1", State: "fake:ok", Messages: "fake:sick2"}, r)
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"health": sick.HealthCheck(t.Context()), "shutdown": sick.Shutdown(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "events") || !strings.Contains(err.Error(), "messages") || strings.Contains(err.Error(), "state") {
			t.Errorf("%s: error %v; it should name events and messages", what, err)
		}
	}
	if err := sick.Shutdown(t.Context()); err != nil {
		t.Errorf("second shutdown: %v; it should be nil", err)
	}
	if got := d.noted("shutdown"); !slices.Equal(got, []string{"shutdown fake:sick2", "shutdown fake:ok", "shutdown fake:sick1"}) {
		t.Errorf("shut down %q; each should be, once, in reverse order", got)
	}
}

// B10: no secret of a DSN is in an error or a printed configuration.
func TestB10NoSecretIsPrinted(t *testing.T) {
	const secret = "c4n4ry!"
	r, _, _ := fakeRegistry(t)
	for _, rest := range []string{
		"//user:c4n4ry!@host/malformed", "//user:c4n4ry!@host/down", "//user:c4n4ry%21@host/down",
		"//host/down?password=c4n4ry!", "//host/malformed?api_key=c4n4ry%21&x=y", "//c4n4ry!@host/down", "%zz:c4n4ry!@malformed",
	} {
		c := Config{Events: "fake:" + rest, State: "nope:" + rest, Messages: rest, Logger: slog.Default()}
		_, err := open(t.Context(), c, r)
		if err == nil {
			t.Fatalf("DSN %q was opened", rest)
		}
		c.State, c.Messages = "", ""
		_, alone := open(t.Context(), c, r)
		var logged strings.Builder
		slog.New(slog.NewTextHandler(&logged, nil)).Info("configured", "config", c)
		for what, text := range map[string]string{
			"error": err.Error(), "error of one": alone.Error(), "%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c),
			"String": c.String(), "log": logged.String(), "error %+v": fmt.Sprintf("%+v", err), "pointer %+v": fmt.Sprintf("%+v", &c),
		} {
			if strings.Contains(text, secret) || strings.Contains(text, "c4n4ry%21") {
				t.Errorf("DSN %q: the secret is in the %s: %s", rest, what, text)
			}
		}
	}
}

func TestConfigFromEnv(t *testing.T) {
	for name, value := range map[string]string{EnvEvents: "a:1", EnvState: "b:2", EnvMessages: "c:3", EnvVectors: "", EnvAirGapped: "1"} {
		t.Setenv(name, value)
	}
	c, err := ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if c.Events != "a:1" || c.State != "b:2" || c.Messages != "c:3" || c.Vectors != "" || !c.AirGapped {
		t.Errorf("read %+v", c)
	}
	t.Setenv(EnvAirGapped, "perhaps")
	if _, err := ConfigFromEnv(); !errors.Is(err, ErrInvalid) {
		t.Errorf("ENACT_AIR_GAPPED=perhaps: error %v; it should be ErrInvalid", err)
	}
	t.Setenv(EnvAirGapped, "")
	if c, err := ConfigFromEnv(); err != nil || c.AirGapped {
		t.Errorf("ENACT_AIR_GAPPED empty: %+v, error %v; the mode should be off", c, err)
	}
}

// B5, B11: a handle without a store, or of an impossible tenant, says so.
func TestHandlesWithoutAStore(t *testing.T) {
	r, _, _ := fakeRegistry(t)
	rt, err := open(t.Context(), Config{Events: "fake:a"}, r)
	if err != nil {
		t.Fatal(err)
	}
	calls := func(tenant *Tenant) map[string]error {
		ctx := t.Context()
		errs := map[string]error{}
		_, errs["State.Get"] = tenant.State.Get(ctx, "k")
		_, errs["State.Set"] = tenant.State.Set(ctx, "k", nil)
		_, _, errs["State.List"] = tenant.State.List(ctx, "", Page{})
		errs["State.SaveSnapshot"] = tenant.State.SaveSnapshot(ctx, NewSnapshot("a", "e"))
		_, errs["Messages.CreateThread"] = tenant.Messages.CreateThread(ctx, Thread{ID: "t", User: "u"})
		_, errs["Messages.UpdateMessage"] = tenant.Messages.UpdateMessage(ctx, Message{ID: "m", Thread: "t", Role: "user"})
		_, _, errs["Messages.ListMessages"] = tenant.Messages.ListMessages(ctx, MessageQuery{Thread: "t"})
		errs["Vectors.Upsert"] = tenant.Vectors.Upsert(ctx, "c")
		_, errs["Vectors.Search"] = tenant.Vectors.Search(ctx, "c", Query{Limit: 1})
		return errs
	}
	for call, err := range calls(rt.Tenant("acme")) {
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s without a store: error %v; it should be ErrUnsupported", call, err)
		}
	}
	for call, err := range calls(rt.Tenant("a\x00b")) {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s of a tenant with a NUL: error %v; it should be ErrInvalid", call, err)
		}
	}
	for _, err := range rt.Tenant("").Events.Load(t.Context(), "e", 0) {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("Load of an empty tenant: error %v; it should be ErrInvalid", err)
		}
	}
}
