package durability

import (
	"maps"
	"math/rand/v2"
	"path"
	"slices"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// luck is how a power cut treats what was not synced.
type luck struct {
	*rand.Rand
	kept     float64 // the share of what is kept
	torn     float64 // the share of kept writes of which sectors are missing
	shuffled bool    // writes reach the disk in any order
	// grown lets a file have the length of a write that is lost, with zeros in it, or
	// with what was on the disk before.
	grown, garbage bool
}

func newLuck(r *rand.Rand) luck {
	shares := []float64{0, 0.1, 0.5, 0.9, 1}
	return luck{r, shares[r.IntN(len(shares))], shares[r.IntN(len(shares))], r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0}
}

func (l luck) keeps() bool { return l.Float64() < l.kept }

// afterPowerCut is what is found in the folder, by name.
func (d *disk) afterPowerCut(l luck) map[string][]byte {
	names := maps.Clone(d.synced)
	for _, n := range d.pending {
		if l.keeps() {
			setName(names, n.name, n.file)
		}
	}
	found := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		found[path.Base(name)] = names[name].afterPowerCut(l)
	}
	return found
}

func (f *file) afterPowerCut(l luck) []byte {
	content := slices.Clone(f.synced)
	pending := slices.Clone(f.pending)
	if l.shuffled {
		l.Shuffle(len(pending), func(i, j int) { pending[i], pending[j] = pending[j], pending[i] })
	}
	for _, c := range pending {
		switch {
		case !l.keeps():
			if c.data != nil && l.grown && c.end() > int64(len(content)) {
				was := len(content)
				content = resized(content, c.end())
				if l.garbage {
					fill(content[was:], l)
				}
			}
		case c.data == nil || l.Float64() >= l.torn:
			content = c.apply(content)
		default:
			for _, part := range c.sectors() {
				if l.IntN(2) == 0 {
					content = part.apply(content)
				}
			}
		}
	}
	return content
}

// sectors are the parts of a write that a disk writes whole.
func (c *change) sectors() (parts []*change) {
	for offset, data := c.offset, c.data; len(data) > 0; {
		n := min(int64(len(data)), sector-offset%sector)
		parts = append(parts, &change{offset: offset, data: data[:n]})
		offset, data = offset+n, data[n:]
	}
	return parts
}

func fill(content []byte, r luck) {
	for i := range content {
		content[i] = byte(r.Uint32())
	}
}
