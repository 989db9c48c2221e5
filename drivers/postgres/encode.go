package postgres

import (
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/enactdev/enact/driver"
)

// encode encodes the parameters of append_together.
func (g *gathered) encode(p *parameters, mayLoseData bool, channel *string) {
	n := len(g.executions)
	p.bool(mayLoseData)
	p.array(pgtype.TextOID, n)
	for i := range g.executions {
		p.textElement(g.executions[i].tenant)
	}
	p.end()
	p.array(pgtype.TextOID, n)
	for i := range g.executions {
		p.textElement(g.executions[i].id)
	}
	p.end()
	g.encodeImplied(p)
	p.array(pgtype.Int8OID, n)
	for i := range g.executions {
		p.int8Element(int64(g.executions[i].hint))
	}
	p.end()
	p.array(pgtype.Int4OID, g.events)
	g.eachEvent(func(keeper, _ int32, _ *driver.Event) { p.int4Element(keeper) })
	p.end()
	p.array(pgtype.Int4OID, g.events)
	g.eachEvent(func(_, place int32, _ *driver.Event) { p.int4Element(place) })
	p.end()
	p.array(pgtype.ByteaOID, g.events)
	g.eachEvent(func(_, _ int32, e *driver.Event) { p.idElement(e.ID) })
	p.end()
	p.array(pgtype.TextOID, g.events)
	g.eachEvent(func(_, _ int32, e *driver.Event) { p.textElement(e.Type) })
	p.end()
	p.array(pgtype.ByteaOID, g.events)
	g.eachEvent(func(_, _ int32, e *driver.Event) { p.bytesElement(e.Payload) })
	p.end()
	g.encodeTimes(p)
	if channel == nil {
		p.null()
		p.null()
		return
	}
	p.text(*channel)
	p.array(pgtype.TextOID, n)
	for i := range g.executions {
		p.textElement(executionTopic(g.executions[i].tenant, driver.ExecutionID(g.executions[i].id)))
	}
	p.end()
}

func (g *gathered) encodeImplied(p *parameters) {
	if !g.anyImplied {
		p.null()
		return
	}
	p.array(pgtype.Int8OID, len(g.executions))
	for i := range g.executions {
		if x := &g.executions[i]; x.stated {
			p.int8Element(x.implied)
		} else {
			p.nullElement()
		}
	}
	p.end()
}

func (g *gathered) encodeTimes(p *parameters) {
	if !g.anyTime {
		p.null()
		return
	}
	p.array(pgtype.TimestamptzOID, g.events)
	g.eachEvent(func(_, _ int32, e *driver.Event) {
		if e.Time.IsZero() {
			p.nullElement()
		} else {
			p.timeElement(e.Time)
		}
	})
	p.end()
}
