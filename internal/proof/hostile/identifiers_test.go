package hostile_test

import (
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/proof/script"
	"github.com/enactdev/enact/internal/proof/stores"
)

// alike are identifiers that become one where somebody folds, trims, decodes or
// normalises, and one that is itself.
var alike = [][2]string{
	{"a", "A"}, {"a", "a "}, {"é", "e\u0301"}, {"a/b", "a%2Fb"}, {"1", "01"}, {"ss", "ß"}, {"%", "a"}, {"_", "a"}, {"a\x1fb", "a\x1fc"}, {"a", "a"},
}

// TestIdentifiers gives every store two identifiers at a time, as those of everything
// and of a tenant, and what is none, which is refused before anything is written (B5).
func TestIdentifiers(t *testing.T) {
	for _, target := range stores.Targets() {
		t.Run(target.Name, func(t *testing.T) {
			p := pair{t, target, target.Open(t, target.DSN(t)), stores.Reference().Open(t, stores.Reference().DSN(t))}
			for _, two := range alike {
				p.play("acme", around(two[0], two[1]))
				for _, tenant := range two {
					p.play(tenant, asTenant())
				}
			}
			for _, id := range noIdentifiers {
				checkRefused(t, p, id)
			}
			p.play("acme", overall())
		})
	}
}

// around writes one identifier, asks by the other, and removes both.
func around(a, b string) (steps []script.Step) {
	steps = append(steps, script.EnsureCollection("shared"))
	steps = append(steps, writing(a)...)
	steps = append(steps, reading(b)...)
	steps = append(steps, reading(a)...)
	steps = append(steps, overall()...)
	steps = append(steps, removing(b)...)
	steps = append(steps, overall()...)
	return append(append(steps, removing(a)...), script.DeleteCollection("shared"))
}

// checkRefused: what is no identifier is ErrInvalid in every call.
func checkRefused(t *testing.T, p pair, id string) {
	t.Helper()
	player := script.Player{Context: t.Context(), Tenant: p.store.Tenant("acme")}
	for _, s := range script.Of(p.target.Roles, []script.Step{
		script.Append(id, "e", "x", -1), script.Append("x", id, "x", -1), script.Append("x", "e", id, -1), script.Rehydrate(id, false), script.LoadSnapshot(id), script.DeleteSnapshot(id),
		script.Set(id, "x", 0, script.Always), script.Get(id), script.Delete(id, script.Always), script.CreateThread(id, "u", "x"), script.CreateThread("x", id, "x"), script.GetThread(id, true), script.DeleteThread(id), script.ListThreads(id, true, 9),
		script.CreateMessage(id, "x", "", "", "x"), script.CreateMessage("x", id, "", "", "x"), script.CreateMessage("x", "x", "", "", id), script.GetMessage(id, true), script.DeleteMessage(id),
		script.EnsureCollection(id), script.DeleteCollection(id), script.Upsert(id, "x", "x"), script.Upsert("x", id, "x"), script.GetDocument(id, "x"), script.GetDocument("x", id), script.DeleteDocument("x", id),
	}) {
		if id == "" && s.Doing == script.Append("x", id, "x", -1).Doing {
			continue // the handle makes an ID
		}
		if line := player.Play(s); line.Failed != driver.ErrInvalid.Error() {
			t.Errorf("%s; it should be ErrInvalid", line)
		}
	}
}
