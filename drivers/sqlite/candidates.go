package sqlite

// candidates are the rows that a search looks at; the zero value is all.
type candidates struct {
	listed  []int32                // in order; nil: all
	matches func(place int32) bool // of these, the ones that match; nil: all
}

// count is how many there are at most.
func (c candidates) count(m *matrix) int {
	if c.listed != nil {
		return len(c.listed)
	}
	return len(m.keys)
}

// scattered reports that they need not be beside one another.
func (c candidates) scattered() bool { return c.listed != nil || c.matches != nil }

// some appends the candidates from one place in their order up to another.
func (c candidates) some(places []int32, from, to int) []int32 {
	for i := from; i < to; i++ {
		place := int32(i)
		if c.listed != nil {
			place = c.listed[i]
		}
		if c.matches == nil || c.matches(place) {
			places = append(places, place)
		}
	}
	return places
}
