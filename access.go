package enact

import "github.com/enactdev/enact/driver"

// access is what the four handles check before every call.
type access struct {
	closed error // why there is no store behind the handle; nil: there is one
}

// check refuses a call on a handle without a store, and a bad identifier.
func (a access) check(kind, id string) error {
	if a.closed != nil {
		return a.closed
	}
	return driver.ValidateID(kind, id)
}

// page refuses a call on a handle without a store, and a bad page.
func (a access) page(p Page) (Page, error) {
	if a.closed != nil {
		return p, a.closed
	}
	return p.Normalize()
}
