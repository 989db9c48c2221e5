package drivertest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

var parsingChecks = []check{
	{
		rule: "B1", name: "parsing-does-no-io",
		why:   "a policy such as air-gapped mode is applied between parsing and connecting; what parsing does, it cannot prevent",
		alone: true, run: parsingDoesNoIO,
	},
	{
		rule: "B1", name: "parsing-connects-to-nobody",
		why: "air-gapped mode is applied after parsing: by then somebody has been called", run: parsingConnectsToNobody,
	},
	{
		rule: "B1", name: "malformed",
		why: "who mistypes a DSN gets another store than meant, or learns of it when the first call fails", run: malformed,
	},
	{
		rule: "B1", name: "parsing-keeps-dsns-apart",
		why: "DSNs are all parsed before the first one is connected, and a store ends up where another should be", run: parsingKeepsApart,
	},
}

// parse returns the connector of a DSN that is good.
func (t *trial) parse(dsn string) driver.Connector {
	c, err := t.target.Driver.OpenConnector(dsn)
	t.ok("OpenConnector", err)
	if c == nil {
		t.fatal("OpenConnector", "neither a connector nor an error", "a connector")
	}
	return c
}

// connected returns the backend of a connector, which is shut down when the check
// has ended.
func (t *trial) connected(c driver.Connector) driver.Backend {
	b, err := c.Connect(t.ctx)
	t.ok("Connect", err)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.handles = append(t.handles, b)
	return b
}

// filesStay ends the check unless the number of open files falls back to before.
func (t *trial) filesStay(did string, before int) {
	t.until(did+": open files and sockets of this process", t.patience()/5, fmt.Sprintf("%d, as before", before), func() (string, bool) {
		now, ok := openFiles()
		return fmt.Sprint(now), !ok || now <= before
	})
}

// strayless runs f and ends the check unless all goroutines that f starts end soon.
func (t *trial) strayless(did string, f func()) {
	l := newLabel()
	t.await(did, t.background(func() { l.apply(); f() }))
	if t.failed() {
		runtime.Goexit()
	}
	if left := l.goroutinesLeft(t.patience() / 5); left != "" {
		t.fatal(did, "these goroutines are left:\n"+left, "none")
	}
}

func parsingDoesNoIO(t *trial) {
	const many = 50
	dsns := []string{t.fresh(), t.dsn}
	if absent, ok := withoutPlace(t.dsn); ok {
		dsns = append(dsns, absent)
	}
	for _, dsn := range dsns {
		before, _ := openFiles()
		var parsed []driver.Connector
		t.strayless(fmt.Sprintf("OpenConnector, %d times", many), func() {
			for range many {
				c, err := t.target.Driver.OpenConnector(dsn)
				if err != nil {
					t.fatal("OpenConnector of a DSN whose file or folder may be missing", fmt.Sprintf("error %q", err), "no error: parsing does not look")
				}
				c.Name()
				c.RequiresNetwork()
				c.SupportsAirGapped()
				parsed = append(parsed, c)
			}
		})
		t.filesStay(fmt.Sprintf("OpenConnector, %d times", many), before)
		runtime.KeepAlive(parsed) // what one holds must not be collected before
	}
	t.foldersStay()
}

// foldersStay parses DSNs of new stores. Somebody else may change something in a
// folder meanwhile, though not every time.
func (t *trial) foldersStay() {
	var before, after []string
	for range 3 {
		dsn := t.fresh()
		path, isFile := fileOf(dsn)
		if !isFile {
			return
		}
		before = around(path)
		t.parse(dsn)
		if after = around(path); slices.Equal(before, after) {
			return
		}
	}
	t.fatal("OpenConnector: what is in the folder of the store", after, before)
}

func parsingConnectsToNobody(t *trial) {
	s := t.listen()
	dsns := []string{t.dsn}
	if t.target.SecretDSNs != nil {
		dsns = append(dsns, t.target.SecretDSNs("word")...)
	}
	for _, dsn := range dsns {
		for range 3 {
			// Refused or not: nobody may be called.
			if c, err := t.target.Driver.OpenConnector(withAddress(dsn, s.address())); err == nil {
				c.Name()
				c.RequiresNetwork()
				c.SupportsAirGapped()
			}
		}
	}
	t.sleep(10 * time.Millisecond)
	if n := s.visited(); n > 0 {
		t.fatal("OpenConnector of a DSN with the address of a listener", fmt.Sprintf("%d connections to it", n), "none before Connect")
	}
}

func malformed(t *trial) {
	scheme := schemeOf(t.dsn)
	dsns := append([]string{
		"", scheme, withParameter(t.dsn, "x=%zz"), withParameter(t.dsn, "%zz=1"), withParameter(t.dsn, "x=%"), withParameterFirst(t.dsn, "x=%4"),
		withParameter(t.fresh(), "%zz"), withParameter(t.dsn, "x=%0g"),
	}, t.target.Malformed...)
	for _, dsn := range dsns {
		did := fmt.Sprintf("OpenConnector(%q)", dsn)
		for range 2 {
			_, err := t.target.Driver.OpenConnector(dsn)
			t.fails(did, err, driver.ErrInvalid)
			t.saysMore(did, err, driver.ErrInvalid)
		}
	}
	t.connected(t.parse(t.fresh())) // good ones are still taken
}

// saysMore ends the check if the error says nothing besides what it matches.
func (t *trial) saysMore(did string, err, matched error) {
	rest := strings.Trim(strings.Replace(err.Error(), matched.Error(), "", 1), " :.")
	if rest == "" {
		t.fatal(did, fmt.Sprintf("error %q", err), "one that names what is wrong")
	}
}

// parsingKeepsApart parses DSNs in every order before it connects any.
func parsingKeepsApart(t *trial) {
	const stores = 4
	dsns, connectors := make([]string, stores), make([][]driver.Connector, stores)
	for i := range dsns {
		dsns[i] = t.fresh()
		connectors[i] = make([]driver.Connector, 2)
	}
	t.together(2*stores, func(i int) {
		connectors[i/2][i%2] = t.parse(dsns[i/2])
		for range 20 {
			t.parse(dsns[(i/2+1)%stores])
			t.target.Driver.OpenConnector("")
		}
	})
	first, second := make([]driver.Stores, stores), make([]driver.Stores, stores)
	for i := range stores {
		first[i] = t.connected(connectors[i][0]).Tenant(tenantID)
	}
	for i := range stores {
		second[i] = t.connected(connectors[i][1]).Tenant(tenantID)
	}
	for i, s := range first {
		t.leaveMark(s, fmt.Sprint("store ", i))
	}
	for i, s := range second {
		equal(t, "the marks in a store, seen by another connector of its DSN", t.marks(s), []string{fmt.Sprint("store ", i)})
	}
}

// leaveMark writes something that marks can read.
func (t *trial) leaveMark(s driver.Stores, mark string) {
	switch {
	case s.Events != nil:
		t.append(s.Events, "marks", event(mark))
	case s.State != nil:
		t.set(s.State, mark, mark)
	case s.Messages != nil:
		t.thread(s.Messages, driver.ThreadID(mark))
	case s.Vectors != nil:
		t.collection(s.Vectors, mark, 1, driver.Dot)
	}
}

// marks lists the marks in a store, in byte order.
func (t *trial) marks(s driver.Stores) []string {
	var marks []string
	switch {
	case s.Events != nil:
		marks = eventIDs(t.load(s.Events, "marks", 0))
	case s.State != nil:
		marks = idsOf(walk(t, "List", 100, keysOf(s.State, "")), keyOf)
	case s.Messages != nil:
		threads := walk(t, "ListThreads", 100, threadsOf(s.Messages, driver.ThreadQuery{User: "ann"}))
		marks = idsOf(threads, func(th driver.Thread) string { return string(th.ID) })
	case s.Vectors != nil:
		marks = idsOf(walk(t, "ListCollections", 100, s.Vectors.ListCollections), collectionName)
	}
	return slices.Sorted(slices.Values(marks))
}
