package testserver

import "testing"

// PostgresFor starts a server that ends with the test, which is skipped if there
// is none to start.
func PostgresFor(tb testing.TB, settings ...string) *Postgres {
	tb.Helper()
	if _, missing := FindPostgres(); missing != "" {
		tb.Skip(missing)
	}
	p, err := StartPostgres(settings...)
	return forTest(tb, p, err, (*Postgres).Remove)
}

// PGliteFor starts a server that ends with the test, which is skipped if there is
// none to start.
func PGliteFor(tb testing.TB) *PGlite {
	tb.Helper()
	if missing := FindPGlite(); missing != "" {
		tb.Skip(missing)
	}
	p, err := StartPGlite()
	return forTest(tb, p, err, (*PGlite).Kill)
}

// forTest ends a server that was started when the test ends.
func forTest[S any](tb testing.TB, server S, err error, end func(S) error) S {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := end(server); err != nil {
			tb.Error(err)
		}
	})
	return server
}
