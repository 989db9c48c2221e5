//go:build !amd64

package sqlite

// prefetch does nothing where there is no instruction for it here.
func prefetch(*float32, int) {}
