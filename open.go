package enact

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/enactdev/enact/driver"
)

// shutdownAfterFailure bounds how long a failed Open waits for the backends that
// it did open.
const shutdownAfterFailure = 10 * time.Second

// Open opens a backend for every role that c names and returns when all are
// usable. It parses all DSNs, applies the air-gapped policy to all of them, and
// only then connects. If anything fails it reports every store that does, in one
// error, and leaves nothing open.
func Open(ctx context.Context, c Config) (*Runtime, error) { return open(ctx, c, &registered) }

func open(ctx context.Context, c Config, r *registry) (*Runtime, error) {
	plan, err := planOf(c, r)
	if err != nil {
		return nil, err
	}
	if c.airGapped() {
		if err := applyAirGap(plan); err != nil {
			return nil, err
		}
	}
	rt := &Runtime{log: c.Logger, airGapped: c.airGapped(), backends: map[driver.Role]driver.Backend{}}
	if rt.log == nil {
		rt.log = slog.New(slog.DiscardHandler)
	}
	failed := new(multierror.Error)
	for _, p := range plan {
		b, err := p.connect(ctx, rt.airGapped)
		if err != nil {
			failed = multierror.Append(failed, fmt.Errorf("open %s: %w", p.name(), err))
			continue
		}
		rt.opened = append(rt.opened, opened{p.name(), b})
		for _, role := range p.roles {
			rt.backends[role] = b
		}
		if batcher, ok := b.(driver.EventBatcher); ok && rt.backends[driver.RoleEvents] == b {
			rt.groups = newGroupCommit(batcher)
		}
	}
	if failed.Len() > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownAfterFailure)
		defer cancel()
		if err := rt.Shutdown(ctx); err != nil {
			failed = multierror.Append(failed, err)
		}
		return nil, oneLine(failed)
	}
	return rt, nil
}

// planned is a backend to be connected, for one or more roles.
type planned struct {
	driver.Connector
	dsn   string // for scrubbing errors; empty for a connector given by hand
	roles []driver.Role
}

// name says for errors which stores are meant.
func (p *planned) name() string {
	roles := make([]string, len(p.roles))
	for i, role := range p.roles {
		roles[i] = string(role)
	}
	return fmt.Sprintf("%s (backend %q)", strings.Join(roles, ", "), p.Name())
}

// planOf parses every DSN and finds out which roles share a backend.
func planOf(c Config, r *registry) ([]*planned, error) {
	var plan []*planned
	failed := new(multierror.Error)
	wanted := 0
	for _, s := range c.sources() {
		if s.dsn == "" && s.connector == nil {
			continue
		}
		wanted++
		if s.dsn != "" && s.connector != nil {
			failed = multierror.Append(failed, driver.Invalidf("%s: both a DSN and a connector are given; give one", s.role))
			continue
		}
		if p := sharedWith(plan, s); p != nil {
			p.roles = append(p.roles, s.role)
			continue
		}
		if s.connector == nil {
			var err error
			if s.connector, err = r.connector(s.dsn); err != nil {
				failed = multierror.Append(failed, fmt.Errorf("%s: %w", s.role, err))
				continue
			}
		}
		plan = append(plan, &planned{s.connector, s.dsn, []driver.Role{s.role}})
	}
	if wanted == 0 {
		return nil, driver.Invalidf("nothing to open: set a DSN or a connector for at least one of events, state, messages and vectors")
	}
	if failed.Len() > 0 {
		return nil, oneLine(failed)
	}
	return plan, nil
}

func sharedWith(plan []*planned, s source) *planned {
	for _, p := range plan {
		if (s.dsn != "" && p.dsn == s.dsn) || (s.connector != nil && p.dsn == "" && p.Connector == s.connector) {
			return p
		}
	}
	return nil
}

// applyAirGap names every backend of the plan that air-gapped mode refuses.
func applyAirGap(plan []*planned) error {
	refused := new(multierror.Error)
	for _, p := range plan {
		err := refuseNetwork(p)
		if builtAirGapped && err == nil && p.dsn == "" {
			err = refuseForeign(p.Connector)
		}
		if err != nil {
			refused = multierror.Append(refused, fmt.Errorf("open %s: %w", p.name(), err))
		}
	}
	return oneLine(refused)
}

func refuseNetwork(d driver.Descriptor) error {
	switch {
	case !d.SupportsAirGapped() && d.RequiresNetwork():
		return fmt.Errorf("%w: it needs the network; use an embedded backend such as sqlite", driver.ErrAirGapped)
	case !d.SupportsAirGapped():
		return fmt.Errorf("%w: it does not support that mode; use an embedded backend such as sqlite", driver.ErrAirGapped)
	}
	return nil
}

// connect opens the backend and checks that it is what its connector said and
// offers the roles asked for.
func (p *planned) connect(ctx context.Context, airGapped bool) (driver.Backend, error) {
	b, err := p.Connect(ctx)
	if err != nil {
		return nil, scrub(err, p.dsn)
	}
	if err := p.check(b, airGapped); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownAfterFailure)
		defer cancel()
		if closing := b.Shutdown(ctx); closing != nil {
			err = fmt.Errorf("%w; and closing it again: %w", err, scrub(closing, p.dsn))
		}
		return nil, err
	}
	return b, nil
}

func (p *planned) check(b driver.Backend, airGapped bool) error {
	if airGapped {
		if err := refuseNetwork(b); err != nil {
			return err
		}
	}
	var missing []string
	var reasons []error
	stores := b.Tenant("probe")
	for _, role := range p.roles {
		if stores.Offers(role) {
			continue
		}
		missing = append(missing, string(role))
		if e, ok := b.(driver.Explainer); ok {
			if reason := e.Missing(role); reason != nil {
				reasons = append(reasons, scrub(reason, p.dsn))
			}
		}
	}
	if missing == nil {
		return nil
	}
	err := fmt.Errorf("%w: backend %q does not offer %s; name another backend for it", driver.ErrUnsupported, b.Name(), strings.Join(missing, ", "))
	for _, reason := range reasons {
		err = fmt.Errorf("%w, or see to this: %w", err, reason)
	}
	return err
}

// oneLine returns errs, nil if there are none, with a text of one line.
func oneLine(errs *multierror.Error) error {
	errs.ErrorFormat = func(list []error) string {
		texts := make([]string, len(list))
		for i, err := range list {
			texts[i] = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		if len(texts) == 1 {
			return texts[0]
		}
		return fmt.Sprintf("%d errors: %s", len(texts), strings.Join(texts, "; "))
	}
	return errs.ErrorOrNil()
}
