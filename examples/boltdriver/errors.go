package boltdriver

import (
	"errors"
	"fmt"

	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/enactdev/enact/driver"
)

// explain gives an error of a transaction its place in the contract. What is left
// as it is, a failed commit above all, leaves open whether the write was applied.
func explain(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return driver.ErrClosed
	case errors.Is(err, bolterrors.ErrInvalidMapping):
		err = fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	return fmt.Errorf("bolt: %q: %w", path, err)
}

// explainOpening does the same for what kept a file from being opened.
func explainOpening(path string, err error) error {
	class := driver.ErrUnavailable
	for _, foreign := range []error{bolterrors.ErrInvalid, bolterrors.ErrVersionMismatch, bolterrors.ErrChecksum, driver.ErrInvalid} {
		if errors.Is(err, foreign) {
			class = driver.ErrInvalid
		}
	}
	return fmt.Errorf("%w: bolt: %q cannot be opened: %w", class, path, err)
}
