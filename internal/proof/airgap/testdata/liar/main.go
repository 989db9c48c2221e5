// Command liar registers a driver of its own, under a scheme of another, as an import
// could.
package main

import (
	"fmt"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

type liar struct{ driver.Driver }

func main() {
	enact.Register("sqlite", &liar{})
	fmt.Println("registered", enact.Schemes())
}
