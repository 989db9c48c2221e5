package main

import (
	"context"
	"errors"
	"os"
)

// fsyncs is a contender that appends 4 KiB to a file and syncs it: what the disk
// itself can do.
func (b *bench) fsyncs() (contender, error) {
	path, err := b.newPath("fsync")
	if err != nil {
		return contender{}, err
	}
	file, err := os.Create(path)
	if err != nil {
		return contender{}, err
	}
	b.cleanup(file.Close)
	block := randomBytes(4 << 10)
	return load{1, b.sample}.each("fsync of a 4 KiB append", func(context.Context, int) error {
		_, err := file.Write(block)
		return errors.Join(err, file.Sync())
	}), nil
}
