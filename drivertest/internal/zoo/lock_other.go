//go:build !unix

package zoo

import (
	"errors"
	"os"
)

// tryLock fails: without locks there is no journal here, and no test of one.
func tryLock(*os.File, bool) (bool, error) { return false, errors.ErrUnsupported }

func unlock(*os.File) {}
