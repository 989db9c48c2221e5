package zoo

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/enactdev/enact/driver"
)

// parser is the reference's way to parse a DSN.
type parser = func(string) (driver.Connector, error)

// pathIn is the path of a journal in a DSN.
func pathIn(dsn string) string {
	_, rest, _ := strings.Cut(dsn, ":")
	path, _, _ := strings.Cut(rest, "?")
	return path
}

// hostIn is the address in a DSN of the form zoo://ADDRESS/…, "" in others.
func hostIn(dsn string) string {
	rest, found := strings.CutPrefix(dsn, "zoo://")
	host, _, _ := strings.Cut(rest, "/")
	if !found {
		return ""
	}
	return host
}

// holding keeps a file open for as long as there is the connector.
type holding struct {
	driver.Connector
	file *os.File
}

var parsings = []*Broken{
	{
		Name: "dials-while-parsing", Rule: "B1", Fault: "finds out while it parses a DSN whether its host answers",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			if host := hostIn(dsn); host != "" {
				if conn, err := net.DialTimeout("tcp", host, time.Second); err == nil {
					conn.Close()
				}
			}
			return parse(dsn)
		},
	},
	{
		Name: "dials-when-described", Rule: "B1", Fault: "asks the host in a DSN when it is asked whether it requires the network",
		Connector: func(c driver.Connector, dsn string) driver.Connector {
			host := hostIn(dsn)
			return &aConnector{Connector: c, requiresNetwork: func() bool {
				if host == "" {
					return false
				}
				conn, err := net.DialTimeout("tcp", host, time.Second)
				if err == nil {
					conn.Close()
				}
				return true
			}}
		},
	},
	{
		Name: "makes-the-file-while-parsing", Rule: "B1", Fault: "makes an empty file while it parses a DSN", Durable: true,
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			if file, err := os.OpenFile(pathIn(dsn), os.O_CREATE|os.O_RDWR, 0o600); err == nil {
				file.Close()
			}
			return parse(dsn)
		},
	},
	{
		Name: "wants-the-folder-while-parsing", Rule: "B1", Fault: "refuses a DSN whose folder is missing when it parses it, not when it connects", Durable: true,
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			if path := pathIn(dsn); filepath.IsAbs(path) && !strings.HasPrefix(path, "/dev/") {
				if _, err := os.Stat(filepath.Dir(path)); err != nil {
					return nil, driver.Invalidf("zoo: the folder of %q is missing", path)
				}
			}
			return parse(dsn)
		},
	},
	{
		Name: "opens-while-parsing", Rule: "B1", Fault: "opens the file when it parses a DSN and keeps it open", Durable: true,
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			c, err := parse(dsn)
			if err != nil {
				return nil, err
			}
			file, _ := os.Open(filepath.Dir(pathIn(dsn)))
			return &holding{c, file}, nil
		},
	},
	{
		Name: "works-from-parsing-on", Rule: "B1", Fault: "starts a goroutine that keeps a DSN which is parsed often from being parsed again",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			parsedOften.Lock()
			defer parsedOften.Unlock()
			if parsedOften.times == nil {
				parsedOften.times = map[string]int{}
			}
			if parsedOften.times[dsn]++; parsedOften.times[dsn] == 30 {
				go time.Sleep(5 * time.Second)
			}
			return parse(dsn)
		},
	},
	{
		Name: "parses-when-connecting", Rule: "B1", Fault: "notices that a DSN is malformed when it connects",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			c, err := parse(dsn)
			if err == nil {
				return c, nil
			}
			good, parsing := parse("zoo:malformed")
			if parsing != nil {
				return nil, parsing
			}
			return &aConnector{Connector: good, connect: func(context.Context) (driver.Backend, error) { return nil, err }}, nil
		},
	},
	{
		Name: "malformed-is-unavailable", Rule: "B1", Fault: "reports a malformed DSN with an error of its own",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			c, err := parse(dsn)
			if err != nil {
				return nil, fmt.Errorf("zoo: cannot parse the DSN: %v", err)
			}
			return c, nil
		},
	},
	{
		Name: "malformed-without-a-word", Rule: "B1", Fault: "does not say what is wrong with a DSN",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			c, err := parse(dsn)
			if err != nil {
				return nil, driver.ErrInvalid
			}
			return c, nil
		},
	},
	{
		Name: "scheme-is-enough", Rule: "B1", Fault: "takes its scheme without a colon for a DSN",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			if dsn == "zoo" {
				dsn = "zoo:default"
			}
			return parse(dsn)
		},
	},
	{
		Name: "drops-bad-escapes", Rule: "B1", Fault: "ignores parameters that are not percent-encoded correctly, as url.URL.Query does",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			before, query, _ := strings.Cut(dsn, "?")
			good, _ := url.ParseQuery(query)
			return parse(before + "?" + good.Encode())
		},
	},
	{
		Name: "parses-into-one-place", Rule: "B1", Fault: "connects to the DSN that was parsed last",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			c, err := parse(dsn)
			if err != nil {
				return nil, err
			}
			lastParsed.Lock()
			defer lastParsed.Unlock()
			lastParsed.connector = c
			return &aConnector{Connector: c, connect: func(ctx context.Context) (driver.Backend, error) {
				lastParsed.Lock()
				defer lastParsed.Unlock()
				return lastParsed.connector.Connect(ctx)
			}}, nil
		},
	},
}

// What faults of parsing keep, for all DSNs.
var (
	keptOpen struct {
		sync.Mutex
		files []*os.File
	}
	lastParsed struct {
		sync.Mutex
		connector driver.Connector
	}
	parsedOften struct {
		sync.Mutex
		times map[string]int
	}
)

var parameters = []*Broken{
	{
		Name: "ignores-unknown-parameters", Rule: "B11", Fault: "ignores parameters that it does not know",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			before, query, found := strings.Cut(dsn, "?")
			all, err := url.ParseQuery(query)
			if !found || err != nil {
				return parse(dsn)
			}
			for name := range all {
				if name != "token" {
					all.Del(name)
				}
			}
			return parse(before + "?" + all.Encode())
		},
	},
	{
		Name: "ignores-parameters-without-a-token", Rule: "B11", Fault: "looks at the parameters only if the token is among them",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			before, query, _ := strings.Cut(dsn, "?")
			all, err := url.ParseQuery(query)
			if err != nil || len(all) == 0 || len(all["token"]) > 0 {
				return parse(dsn)
			}
			return parse(before)
		},
	},
	{
		Name: "ignores-flags", Rule: "B11", Fault: "ignores an unknown parameter without a value",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			before, query, found := strings.Cut(dsn, "?")
			var kept []string
			for parameter := range strings.SplitSeq(query, "&") {
				if strings.Contains(parameter, "=") || strings.Contains(parameter, "%") || strings.Contains(parameter, "token") {
					kept = append(kept, parameter)
				}
			}
			if !found {
				return parse(dsn)
			}
			return parse(before + "?" + strings.Join(kept, "&"))
		},
	},
	{
		Name: "knows-parameters-by-prefix", Rule: "B11", Fault: "takes every parameter that begins like one that it knows",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			before, query, found := strings.Cut(dsn, "?")
			all, err := url.ParseQuery(query)
			if !found || err != nil || len(all) != 1 {
				return parse(dsn)
			}
			for name, values := range all {
				if strings.HasPrefix(name, "token") && len(values) == 1 {
					return parse(before)
				}
			}
			return parse(dsn)
		},
	},
	{
		Name: "does-not-name-the-unknown", Rule: "B11", Fault: "does not say which parameter it does not know",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			c, err := parse(dsn)
			if err != nil {
				return nil, driver.Invalidf("zoo: the DSN has a mistake")
			}
			return c, nil
		},
	},
	{
		Name: "names-parameters-as-they-are", Rule: "B11", Fault: "puts a line break from a parameter's name into its error",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			_, query, _ := strings.Cut(dsn, "?")
			all, err := url.ParseQuery(query)
			if err == nil {
				for name := range all {
					if name != "token" {
						return nil, driver.Invalidf("zoo: unknown parameter %s", name)
					}
				}
			}
			return parse(dsn)
		},
	},
	{
		Name: "first-parameter-wins", Rule: "B11", Fault: "ignores all but the first of repeated parameters, as url.Values.Get does",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			before, query, found := strings.Cut(dsn, "?")
			all, err := url.ParseQuery(query)
			if !found || err != nil {
				return parse(dsn)
			}
			for name := range all {
				all.Set(name, all.Get(name))
			}
			return parse(before + "?" + all.Encode())
		},
	},
	{
		Name: "notices-equal-names-only", Rule: "B11", Fault: "compares parameters before it decodes their names, so that one can be given twice",
		Parse: func(dsn string, parse parser) (driver.Connector, error) {
			before, query, found := strings.Cut(dsn, "?")
			written, values := map[string]bool{}, url.Values{}
			for parameter := range strings.SplitSeq(query, "&") {
				name, value, _ := strings.Cut(parameter, "=")
				plain, err := url.QueryUnescape(name)
				if !found || err != nil || written[name] {
					return parse(dsn)
				}
				if _, err := url.QueryUnescape(value); err != nil {
					return parse(dsn)
				}
				written[name] = true
				values.Set(plain, value)
			}
			return parse(before + "?" + values.Encode())
		},
	},
}
