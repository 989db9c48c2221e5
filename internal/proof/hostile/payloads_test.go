package hostile_test

import "strings"

// payloads are identifiers that break out of a statement, a path, a key or a query
// where somebody puts them together as text.
var payloads = []string{
	// SQL
	"'", "''", `"`, `""`, "`", ";", "--", "/*", "*/", "' OR '1'='1", "' OR 1=1 --", `" OR ""="`, "') OR ('a'='a", "'; DROP TABLE events; --", `"; DROP TABLE state; --`,
	"'; DELETE FROM documents; --", "'; DROP SCHEMA enact CASCADE; --", "' UNION SELECT tenant, id FROM executions --", "x'; UPDATE state SET value = ''; --",
	"'; CREATE ROLE intruder SUPERUSER; --", "'; CREATE TABLE intruder (x int); --", "'; ATTACH DATABASE 'intruder.db' AS x; --", "'; VACUUM INTO 'intruder.db'; --",
	"'||(SELECT 1)||'", `\'; DROP TABLE messages; --`, "$1", "?1", ":tenant", "@tenant", "$$; DROP TABLE threads; $$", "E'\\x27'", "%s", "%d%n", "{{.}}", "1; SELECT pg_sleep(60)",
	"a' COLLATE \"x\"", "NULL", "0x41", "1e1", "X'41'",
	// JSON and paths in it
	"$", "$.*", "$.text", "$[*]", "a.b", "a[0]", `a"].b["`, `" == "x") || ($."text" != "`, "@.x", "@?", "$.** ? (@ == 1)", `like_regex "."`, `{"a":1}`, `\u0027`, `\u0000`, "text", "list", "nested.text", "__proto__",
	// Patterns
	"%", "_", "a%", "*", "?", "[a]", "[^a]", "(.*)", "^$", `\`, `\\`, `\%`, "|", "||",
	// Paths and URLs
	"..", "../..", "../intruder", "../../etc/passwd", `..\..\intruder`, "/", "//", "/etc/passwd", "file:intruder.db?mode=rwc", "%2e%2e%2f", "%00", "%2F", "%27", "%25", "a/../b", "con", "a?b=c&d=e#f", "a;b=c", "memory:", "http://127.0.0.1:1/",
	// Keys and scripts of Redis
	"{", "}", "{}", "{a}", "}{", "a}b{c", "{a}:events", ":", "a:b", "a\r\nFLUSHALL\r\n", "*1\r\n$8\r\nFLUSHALL\r\n", "'); redis.call('FLUSHALL') --", `"); redis.call("FLUSHALL") --`, "]]..redis.call('FLUSHALL')..[[", "KEYS[1]", "-@x:{a}", "@tag:{a|b}", "(@x:[-inf inf])=>[KNN 1 @v $b]",
	// GraphQL
	`"}) { id } }`, `"}]}, limit: 1) { text } intruder: __schema { types { name } } #`, `\"}`, `"""`, "#", "${a}", "...on X", "valueText: \"x\"", "operator: Or",
	// Control characters and what looks alike
	"\x01", "\x1f", "a\x1fb", "\x7f", "\t", "\n", "\r\n", " ", "a ", " a", "a", "A", "\u0430", "\uff41", "\u00e9", "e\u0301", "\u212a", "k", "\u0131", "\u0130", "\u00df", "ss", "\u200b", "\u200d", "\u202e", "\ufeff", "\u2028", "\uff07", "\u02bc", "\u2019", "\uff0f", "\u2215", "\uff0e\uff0e", "\U0001F600", "\ufffd", "\uffff",
	strings.Repeat("'", 255), strings.Repeat("\u0430", 127), strings.Repeat("../", 85), strings.Repeat("{", 255),
}

// noIdentifiers are refused everywhere.
var noIdentifiers = []string{"", "\x00", "a\x00", "'\x00; DROP TABLE events; --", "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xa7", strings.Repeat("'", 256), strings.Repeat("\u0430", 128)}

// separators are what identifiers are joined with; those of Redis with what stands
// between a tenant's tag and an identifier.
var separators = []string{":", "/", ".", "|", "-", "\x01", "\x1f", "%", "}", "}:", "}:value:", "}:log:", "}:snapshot:", "}:eventids:"}
