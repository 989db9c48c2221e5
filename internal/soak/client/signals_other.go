//go:build !unix

package client

import (
	"errors"
	"os"
)

func halt(*os.Process) error    { return errors.ErrUnsupported }
func proceed(*os.Process) error { return errors.ErrUnsupported }

// isGone: nobody reads what was written.
func isGone(err error) bool {
	_, ok := errors.AsType[*os.PathError](err)
	return ok
}
