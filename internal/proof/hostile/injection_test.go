// Package hostile_test gives every store what an attacker would: identifiers and
// filter keys that are code where somebody takes them for code, and cursors that were
// forged. The answers must be those of the reference, and the engine's tables, users
// and files what they were (B5, B11, V4). The fuzz targets look for what nobody has
// thought of.
package hostile_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/proof/script"
	"github.com/enactdev/enact/internal/proof/stores"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := stores.StopServers(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// together is how many payloads are stored beside one another.
const together = 16

// writing puts a payload into every place that takes text, of every role.
func writing(payload string) []script.Step {
	return append(writingUnnamed(payload), script.EnsureCollection(payload), script.Upsert(payload, payload, payload))
}

// writingUnnamed is writing without a collection of that name.
func writingUnnamed(payload string) []script.Step {
	reply := "reply to " + payload
	if len(reply) > 255 {
		reply = "r" + payload[1:]
	}
	return []script.Step{
		script.Append(payload, payload, payload, 0), script.Append(payload, payload, payload, 0), script.Append(payload, "other", payload, 7), script.Begin(payload, payload),
		script.Rehydrate(payload, true),
		script.Set(payload, payload, 0, script.Always), script.Set(payload, "stolen", 0, script.IfAbsent), script.Set(payload, "stolen", 0, script.IfAnother), script.Set(payload, payload, 0, script.IfSame),
		script.CreateThread(payload, payload, payload), script.CreateThread(payload, payload, "stolen"), script.UpdateThread(payload, "stolen", true), script.UpdateThread(payload, payload, false),
		script.CreateMessage(payload, payload, "", payload, payload), script.CreateMessage(reply, payload, payload, payload, payload), script.CreateMessage("nowhere", "no thread "+payload[:min(9, len(payload))], "", "", "x"),
		script.UpdateMessage(payload, payload, false), script.DeleteMessage(reply),
		script.Upsert("shared", payload, payload),
	}
}

// reading asks for all of it, by the payload.
func reading(payload string) []script.Step {
	return slices.Concat([]script.Step{
		script.Load(payload), script.LoadSnapshot(payload), script.Rehydrate(payload, false),
		script.Get(payload), script.ListKeys(payload, 7), script.ListThreads(payload, true, 3), script.GetThread(payload, false), script.GetMessage(payload, false),
		script.ListMessages(payload, "", false, true, 1), script.ListMessages("", payload, true, false, 5),
		script.GetDocument(payload, payload), script.GetDocument("shared", payload),
	}, script.Searches("shared", payload, payload), script.Searches("shared", "text", payload)[:3], script.Searches("shared", "list", payload)[:2])
}

// removing deletes all of it but events, which stay.
func removing(payload string) []script.Step {
	return []script.Step{
		script.Delete(payload, script.IfAnother), script.Delete(payload, script.IfSame), script.DeleteSnapshot(payload), script.DeleteThread(payload),
		script.DeleteDocument("shared", payload), script.DeleteCollection(payload),
	}
}

// overall lists everything.
func overall() []script.Step {
	return []script.Step{script.ListExecutions(7), script.ListSnapshots(7), script.ListKeys("", 7), script.ListCollections(7), script.Search("shared", "all", enact.Filter{})}
}

// breaksOut: the payload has what ends a string or an object in some language.
func breaksOut(payload string) bool { return strings.ContainsAny(payload, "\"'\\{#") }

// writingTo is writing to a store; where making a collection takes long, only what
// breaks out of something names one.
func writingTo(target stores.Target) func(payload string) []script.Step {
	return func(payload string) []script.Step {
		if target.SlowCollections && !breaksOut(payload) {
			return writingUnnamed(payload)
		}
		return writing(payload)
	}
}

// everything is what one tenant is made to do with these payloads.
func everything(target stores.Target, payloads []string) []script.Step {
	steps := []script.Step{script.EnsureCollection("shared")}
	for _, part := range []func(string) []script.Step{writingTo(target), reading, removing} {
		for _, payload := range payloads {
			steps = append(steps, part(payload)...)
		}
		steps = append(steps, overall()...)
	}
	return append(steps, script.DeleteCollection("shared"))
}

// asTenant is what a tenant with a payload for a name does: a write and a look of each
// kind.
func asTenant() []script.Step {
	return slices.Concat([]script.Step{
		script.Append("a", "a", "a", 0), script.Set("a", "a", 0, script.Always), script.CreateThread("a", "a", "a"), script.CreateMessage("a", "a", "", "a", "a"),
		script.EnsureCollection("shared"), script.Upsert("shared", "a", "a"),
		script.Load("a"), script.Get("a"), script.GetThread("a", false), script.GetMessage("a", false), script.GetDocument("shared", "a"),
	}, overall(), []script.Step{script.DeleteCollection("shared")})
}

// pair is a store and the reference, which get the same calls.
type pair struct {
	testing.TB
	target            stores.Target
	store, comparison *enact.Runtime
}

// play plays steps on a tenant of both, and ends the test where they differ.
func (p pair) play(tenant string, steps []script.Step) {
	p.Helper()
	one := script.Player{Context: p.Context(), Tenant: p.store.Tenant(enact.TenantID(tenant)), Eventual: p.target.Eventual}
	other := script.Player{Context: p.Context(), Tenant: p.comparison.Tenant(enact.TenantID(tenant))}
	for _, s := range script.Of(p.target.Roles, steps) {
		if got, want := one.Play(s), other.Play(s); !got.Agrees(want) {
			p.Fatalf("tenant %q: %.3000s\nthe reference: %.3000s", tenant, got, want)
		}
	}
}

// TestInjection drives every payload through every identifier, text and filter key,
// as one tenant's and as the tenant's own name, while a witness has data beside them.
func TestInjection(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, target := range stores.Targets() {
		t.Run(target.Name, func(t *testing.T) {
			dsn := target.DSN(t)
			p := pair{t, target, target.Open(t, dsn), stores.Reference().Open(t, stores.Reference().DSN(t))}
			p.play("witness", slices.Concat([]script.Step{script.EnsureCollection("shared")}, writing("witness"), reading("witness")))
			for _, separator := range separators {
				p.play("witness", writingTo(target)("x"+separator+"a"))
			}
			var before []string
			if target.Layout != nil {
				before = target.Layout(t, dsn)
			}

			for group := range slices.Chunk(payloads, together) {
				p.play("victim", everything(target, group))
			}
			for _, payload := range payloads {
				p.play(payload, asTenant())
			}
			for _, bad := range noIdentifiers {
				p.play("victim", slices.Concat(writing(bad), reading(bad), removing(bad)))
				p.play(bad, asTenant())
			}
			// The tenant's name and what asTenant writes, joined, are the witness's.
			for _, separator := range separators {
				p.play("witness"+separator+"x", asTenant())
			}

			for _, separator := range separators {
				p.play("witness", reading("x"+separator+"a"))
			}
			p.play("witness", slices.Concat(reading("witness"), overall()))
			if target.Layout != nil {
				compareLayouts(t, before, target.Layout(t, dsn))
			}
			if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
				t.Errorf("the working folder, which was empty, holds %v, error %v", files, err)
			}
		})
	}
}

// compareLayouts: what the engine holds but data is as it was.
func compareLayouts(t *testing.T, before, after []string) {
	t.Helper()
	if len(before) == 0 {
		t.Error("the layout is empty: this shows nothing")
	}
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("this has gone or changed: %s", line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			t.Errorf("this is new: %s", line)
		}
	}
}
