package postgres

import (
	"net/url"
	"os"
	"strconv"
	"strings"
)

// withUser adds to the parameters of a DSN who runs the process, as libpq does, if
// neither the DSN nor the environment says who connects. pgx would ask the C library,
// where there is one, and that may ask a server: parsing does no such thing (B1). With
// a service it is still pgx that decides, since the service may name a user.
func withUser(authority, query string) string {
	if os.Getenv("PGUSER") != "" || os.Getenv("PGSERVICE") != "" {
		return query
	}
	if userinfo, _, found := strings.Cut(authority, "@"); found && userinfo != "" && userinfo[0] != ':' {
		return query
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, _ = url.PathUnescape(name); name == "user" || name == "service" {
			return query
		}
	}
	if name := processUser(); name != "" {
		query += "&user=" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return query
}

// processUser is the name of the user who runs the process in the file of local users,
// else in the environment; empty where there is neither.
func processUser() string {
	id := strconv.Itoa(os.Getuid())
	users, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(users)) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[2] == id && fields[0] != "" {
			return fields[0]
		}
	}
	return os.Getenv("USER")
}
