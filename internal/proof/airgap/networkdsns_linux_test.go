package airgap

import (
	"slices"
	"strings"
)

// hosts are ways to write one on the network. Most stand for the loopback.
var hosts = []string{
	"db.example", "localhost", "LOCALHOST", "localhost.", "ip6-localhost",
	"127.0.0.1", "127.1", "0.0.0.0", "0", "10.0.0.1",
	"0x7f000001", "0x7f.0.0.1", "017700000001", "0177.0.0.1", "2130706433",
	"[::1]", "[2001:db8::1]", "[::ffff:127.0.0.1]", "[fe80::1%25lo]",
	"%6cocalhost", "%31%32%37.0.0.1", "@abstract", "%40abstract", "%00abstract",
}

// form is one of a DSN, with HOST where a host stands.
type form struct {
	dsn string
	// malformed are hosts that are not such for this form. Any other makes a DSN
	// that is refused as network.
	malformed []string
}

// networkForms are the forms of the drivers' DSNs that lead to the network.
var networkForms = slices.Concat(postgresForms, redisForms, weaviateForms)

var (
	withNUL     = []string{"%00abstract"}
	withNULOrAt = append([]string{"@abstract"}, withNUL...)
)

var postgresForms = []form{
	{"postgres://u@HOST/d", withNULOrAt},
	{"postgresql://u:p@HOST:5432/d?sslmode=disable", withNULOrAt},
	{"POSTGRES://u@HOST/d", withNULOrAt},
	{"PostgreSQL://u@HOST", withNULOrAt},
	{"postgres://u@/d?host=HOST", withNUL},
	{"postgres://u@%2Fnowhere/d?host=HOST", withNUL},
	{"postgres://u@%2Fnowhere,HOST/d", withNULOrAt},
	{"postgres://u@HOST,%2Fnowhere/d", withNULOrAt},
	{"postgres://u@/d?host=/nowhere,/nowhere,HOST&port=1", withNUL},
}

// encoded are hosts with an escape, which a DSN of Redis must not have.
var (
	encoded     = []string{"[fe80::1%25lo]", "%6cocalhost", "%31%32%37.0.0.1", "%40abstract", "%00abstract"}
	encodedOrAt = append([]string{"@abstract"}, encoded...)
)

var redisForms = []form{
	{"redis://HOST", encoded},
	{"redis://u:p@HOST:6379/0", encodedOrAt},
	{"REDIS://HOST/1", encoded},
	{"rediss://HOST:6380/0?skip_verify=true", encoded},
	{"redis+cluster://HOST", encoded},
	{"redis+cluster://HOST,db.example", encoded},
	{"redis+cluster://db.example,HOST:6379", encoded},
	{"redis+cluster://db.example?addr=HOST:6379", []string{"@abstract"}},
	{"Rediss+Cluster://HOST", encoded},
	{"redis+sentinel://HOST?master_name=m", encoded},
	{"redis+sentinel://db.example,HOST:26379/0?master_name=m", encoded},
	{"rediss+sentinel://u:p@HOST/0?master_name=m", encodedOrAt},
}

// byNetwork writes every host in every form.
func byNetwork() (all []attempt) {
	for _, f := range networkForms {
		for _, host := range hosts {
			text := strings.ReplaceAll(f.dsn, "HOST", host)
			a := dsn(text, text)
			if slices.Contains(f.malformed, host) {
				a = a.malformed()
			}
			all = append(all, a)
		}
	}
	return all
}
