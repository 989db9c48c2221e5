package drivertest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest/internal/zoo"
)

// TestEveryMethodHasACall keeps prepared complete.
func TestEveryMethodHasACall(t *testing.T) {
	var have, want []string
	c := &check{rule: "B4", name: "calls", why: "none", run: func(t *trial) {
		for _, call := range prepared(t, t.Stores) {
			have = append(have, call.name())
			before := contentsOf(t, t.Stores)
			t.ok(call.name(), call.run(t.ctx, t.Stores))
			if changed := !reflect.DeepEqual(contentsOf(t, t.Stores), before); changed != call.writes {
				t.fatal(call.name(), changed, call.writes)
			}
		}
	}}
	failures, _ := execute(c, zooTarget(zoo.Correct(false)), t, t.Name(), 1)
	for _, failure := range failures {
		t.Error(failure)
	}
	stores := reflect.TypeFor[driver.Stores]()
	for i := range stores.NumField() {
		field := stores.Field(i)
		for m := range field.Type.NumMethod() {
			want = append(want, field.Name+"."+field.Type.Method(m).Name)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("the methods that have a call in prepared: %v; there are %v", have, want)
	}
}
