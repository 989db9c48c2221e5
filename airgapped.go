package enact

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/enactdev/enact/driver"
)

// airGappedDrivers are the import paths of further packages whose drivers and
// connectors a program with the tag enact_airgapped takes, separated by commas. Only
// who builds the program can set it:
//
//	go build -tags enact_airgapped -ldflags "-X github.com/enactdev/enact.airGappedDrivers=example.com/bolt"
var airGappedDrivers string

// embeddedDrivers are the packages of this module that never need a network.
var embeddedDrivers = []string{"github.com/enactdev/enact/drivers/memory", "github.com/enactdev/enact/drivers/sqlite"}

// refuseForeign says why a program with the tag takes nothing of v's type, which is a
// driver's or a connector's; nil if it does. It goes by the package of the type and not
// by a name or a scheme, which anybody can claim.
func refuseForeign(v any) error {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if slices.Contains(embeddedDrivers, t.PkgPath()) || slices.Contains(strings.Split(airGappedDrivers, ","), t.PkgPath()) && t.PkgPath() != "" {
		return nil
	}
	return fmt.Errorf("%w: the program is built with the tag enact_airgapped, which takes embedded drivers of this module only, and %v is of package %q; to take it, build with -ldflags \"-X github.com/enactdev/enact.airGappedDrivers=%[3]s\"",
		driver.ErrAirGapped, t, t.PkgPath())
}
