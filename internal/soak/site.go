package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/load"
	"github.com/enactdev/enact/internal/soak/model"
	"github.com/enactdev/enact/internal/soak/store"
)

// site is a store under load: its clients are this process, a process that lives as
// long as the store, and one that is killed again and again.
type site struct {
	name     string
	store    store.Store
	runtime  *enact.Runtime
	survivor *client.Process
	victim   *client.Process
	target   *load.Target
}

func openSite(ctx context.Context, kind store.Kind, j *load.Journal) (*site, error) {
	made, err := kind.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errNotDone, kind.Name, err)
	}
	s := &site{name: kind.Name, store: made}
	config := made.Config()
	if s.runtime, err = client.Open(ctx, config); err != nil {
		return nil, errors.Join(fmt.Errorf("%s cannot be opened: %w", kind.Name, err), s.close())
	}
	died := func(err error) { j.Judge(&model.Broken{Rule: "B7", What: err.Error()}) }
	s.survivor, s.victim = client.NewProcess(config, died), client.NewProcess(config, died)
	for _, p := range []*client.Process{s.survivor, s.victim} {
		if err := p.Start(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", kind.Name, err), s.close())
		}
	}
	s.target = &load.Target{
		Roles:   store.Roles(config),
		Clients: []client.Client{client.Local{Runtime: s.runtime}, s.survivor, s.victim},
		Secret:  made.Secret(),
		Journal: j,
	}
	return s, nil
}

// closing is how long the store may take to be shut down.
const closing = 20 * time.Second

// close ends all that belongs to the site.
func (s *site) close() (err error) {
	if s.victim != nil {
		s.victim.Kill()
	}
	if s.survivor != nil {
		s.survivor.Close()
	}
	if s.runtime != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		if failed := s.runtime.Shutdown(ctx); failed != nil {
			err = fmt.Errorf("%s: %w", s.name, &model.Broken{Rule: "B4", What: failed.Error()})
		}
	}
	if failed := s.store.Remove(); failed != nil {
		err = errors.Join(err, fmt.Errorf("%w: %s cannot be removed: %w", errNotDone, s.name, failed))
	}
	return err
}
