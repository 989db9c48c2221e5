package postgres

import (
	"time"

	"github.com/enactdev/enact/driver"
)

// columns are gathered appends by column, as pgx encodes them.
type columns struct {
	tenants, executions []string
	implied             []*int64
	hints               []int64
	topics              []string

	keepers, places []int32
	ids, payloads   [][]byte
	types           []string
	times           []*time.Time
}

func (g *gathered) columns(notify bool) *columns {
	c := &columns{}
	for i := range g.executions {
		x := &g.executions[i]
		c.tenants, c.executions, c.hints = append(c.tenants, x.tenant), append(c.executions, x.id), append(c.hints, int64(x.hint))
		var implied *int64
		if x.stated {
			implied = &x.implied
		}
		c.implied = append(c.implied, implied)
		if notify {
			c.topics = append(c.topics, executionTopic(x.tenant, driver.ExecutionID(x.id)))
		}
	}
	g.eachEvent(func(keeper, place int32, e *driver.Event) {
		c.keepers, c.places = append(c.keepers, keeper), append(c.places, place)
		c.ids, c.types, c.payloads = append(c.ids, packID(e.ID)), append(c.types, e.Type), append(c.payloads, blob(e.Payload))
		var at *time.Time
		if !e.Time.IsZero() {
			at = &e.Time
		}
		c.times = append(c.times, at)
	})
	return c
}
