package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/jackc/pgx/v5"
)

// machine is what the run depends on.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	System string `json:"system"`
	Go     string `json:"go"`
	// Load is the system's load average when the run began; empty: unknown.
	Load string `json:"load,omitempty"`
	// Versions are of the modules that are compared and of the servers.
	Versions []version `json:"versions"`
}

type version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// comparedModules are the modules whose versions matter.
var comparedModules = []string{
	"modernc.org/sqlite",
	"github.com/jackc/pgx/v5",
	"github.com/redis/go-redis/v9",
	"github.com/dbos-inc/dbos-transact-golang",
	"github.com/philippgille/chromem-go",
}

func thisMachine() machine {
	m := machine{CPU: fieldOf("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if m.CPU == "" {
		m.CPU = "unknown"
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, name := range comparedModules {
			for _, dependency := range info.Deps {
				if dependency.Path == name {
					m.Versions = append(m.Versions, version{name, dependency.Version})
				}
			}
		}
	}
	return m
}

// busy reports whether others kept the machine's cores busy when the run began.
func (m machine) busy() bool {
	var lastMinute float64
	n, _ := fmt.Sscan(m.Load, &lastMinute) // nothing is read when it is unknown
	return n == 1 && lastMinute > float64(m.Cores)
}

// fieldOf returns the first value of a name in lines of "name : value".
func fieldOf(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if key, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// serverVersions asks the servers that were started.
func (b *bench) serverVersions(ctx context.Context) (versions []version, err error) {
	if b.postgres != nil {
		conn, err := pgx.Connect(ctx, b.postgres.LoopbackDSN())
		if err != nil {
			return nil, err
		}
		defer conn.Close(ctx)
		var v string
		if err := conn.QueryRow(ctx, "SHOW server_version").Scan(&v); err != nil {
			return nil, err
		}
		versions = append(versions, version{"PostgreSQL server", v})
	}
	if b.redis != nil {
		fields, err := b.redis.Client().InfoMap(ctx, "server").Result()
		if err != nil {
			return nil, err
		}
		versions = append(versions, version{"Redis server", fields["Server"]["redis_version"]})
	}
	return versions, nil
}
