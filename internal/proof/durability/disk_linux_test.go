package durability

import (
	"path"
	"slices"
)

// disk is a file system that keeps only what was synced. It is played a trace, step
// by step, and says what may be found after a power cut.
type disk struct {
	tr       *trace
	names    map[string]*file // as the process sees them
	synced   map[string]*file // as they are on the disk for certain
	pending  []*naming
	running  map[*call]func() // what the end of a call means
	position int              // the number of steps played
}

// file is an inode.
type file struct {
	synced  []byte
	pending []*change
}

// change is a write to a file, or without data a new length.
type change struct {
	offset int64
	data   []byte
	done   bool // its call has returned
	synced bool // for certain on the disk, or what has replaced it is
	lost   bool // a sync has failed, after which Linux takes it for synced
}

// naming gives a file a name in the folder, or takes a name away.
type naming struct {
	name string
	file *file
	done bool
}

func newDisk(tr *trace) *disk {
	return &disk{tr: tr, names: map[string]*file{}, synced: map[string]*file{}, running: map[*call]func(){}}
}

// play plays the next step. A write that begins is returned.
func (d *disk) play() (begun *change) {
	s := d.tr.steps[d.position]
	d.position++
	if !s.begins {
		if end := d.running[s.call]; end != nil {
			end()
		}
		delete(d.running, s.call)
		return nil
	}
	switch s.name {
	case "open":
		if d.names[s.path] == nil {
			d.rename(s.call, &file{})
		}
	case "unlink":
		d.rename(s.call, nil)
	case "pwrite64", "ftruncate":
		f := d.names[s.path]
		if f == nil {
			return nil // it was deleted while open
		}
		begun = &change{offset: s.offset, data: s.data}
		f.pending = append(f.pending, begun)
		d.running[s.call] = func() { begun.done = true }
	case "fsync", "fdatasync":
		var end func(failed bool)
		if s.path == path.Dir(d.tr.database) {
			end = d.syncNames()
		} else if f := d.names[s.path]; f != nil {
			end = f.sync()
		}
		if end != nil {
			d.running[s.call] = func() { end(s.failed) }
		}
	}
	return begun
}

// rename gives the path of a call another file, or none. If the call fails it has
// done nothing.
func (d *disk) rename(c *call, f *file) {
	before := d.names[c.path]
	n := &naming{name: c.path, file: f}
	d.pending = append(d.pending, n)
	d.setName(c.path, f)
	d.running[c] = func() {
		if n.done = true; c.failed {
			d.pending = slices.DeleteFunc(d.pending, func(other *naming) bool { return other == n })
			d.setName(c.path, before)
		}
	}
}

func (d *disk) setName(name string, f *file) { setName(d.names, name, f) }

func setName(names map[string]*file, name string, f *file) {
	if f == nil {
		delete(names, name)
	} else {
		names[name] = f
	}
}

// syncNames begins a sync of the folder: at its end the names that had been given
// before it began are on the disk.
func (d *disk) syncNames() (end func(failed bool)) {
	covered := map[*naming]bool{}
	for _, n := range d.pending {
		covered[n] = n.done
	}
	return func(failed bool) {
		if failed {
			return
		}
		d.pending = slices.DeleteFunc(d.pending, func(n *naming) bool {
			if covered[n] {
				setName(d.synced, n.name, n.file)
			}
			return covered[n]
		})
	}
}

// sync begins a sync of a file: at its end the writes that had returned before it
// began are on the disk. If it fails, no later one has them, unless they are written
// again.
func (f *file) sync() (end func(failed bool)) {
	var covered []*change
	for _, c := range f.pending {
		if c.done && !c.lost {
			covered = append(covered, c)
		}
	}
	return func(failed bool) {
		for _, c := range covered {
			if failed {
				c.lost = true
				continue
			}
			f.synced = c.apply(f.synced)
			c.synced = true
			for _, lost := range f.pending {
				lost.synced = lost.synced || lost.lost && c.covers(lost)
			}
		}
		f.pending = slices.DeleteFunc(f.pending, func(c *change) bool { return c.synced })
	}
}

func (c *change) end() int64 { return c.offset + int64(len(c.data)) }

func (c *change) covers(other *change) bool {
	return other.data != nil && c.offset <= other.offset && other.end() <= c.end()
}

func (c *change) apply(content []byte) []byte {
	if c.data == nil {
		return resized(content, c.offset)
	}
	if c.end() > int64(len(content)) {
		content = resized(content, c.end())
	}
	copy(content[c.offset:], c.data)
	return content
}

// resized is content with another length; what is new is zero.
func resized(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size]
	}
	was := len(content)
	content = slices.Grow(content, int(size)-was)[:size]
	clear(content[was:])
	return content
}

// unsynced is how much the disk has not been told to keep for certain.
func (d *disk) unsynced() (n int) {
	n = len(d.pending)
	for _, f := range d.names {
		n += len(f.pending)
	}
	return n
}
