//go:build !linux

package store

import "errors"

var smallDisk = Kind{
	Name: "smalldisk", Optional: true,
	Missing: func() string { return "a small disk can only be mounted on Linux" },
	Open:    func() (Store, error) { return nil, errors.ErrUnsupported },
}
