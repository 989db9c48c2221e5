package sqlite

// prefetch asks for so many bytes of memory at x, at least for one, which will be
// read soon. The processor foresees that by itself only where rows are read one after
// the other, so without this half of the rows take longer than all.
//
//go:noescape
func prefetch(x *float32, bytes int)
