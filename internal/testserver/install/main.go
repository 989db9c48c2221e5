// Command install puts what the tests start, and Debian has no package of, into the
// user's cache: Weaviate's server, which takes some minutes to compile.
package main

import (
	"fmt"
	"os"

	"github.com/enactdev/enact/internal/testserver"
)

func main() {
	if err := testserver.InstallWeaviate(); err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
}
