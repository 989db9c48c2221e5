package testserver

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// SlotOf is the slot of a key.
func (c *RedisCluster) SlotOf(key string) (int, error) {
	return c.Nodes[0].Do("CLUSTER", "KEYSLOT", key).Int()
}

// MasterOf is the node that serves a slot, as the others see it.
func (c *RedisCluster) MasterOf(slot int) (*Redis, error) {
	var errs error
	for _, asked := range c.Nodes {
		if !asked.Running() {
			continue
		}
		view, err := asked.view()
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		for _, seen := range view {
			if !seen.replica && !seen.failed && seen.serves(slot) {
				return c.at(seen.address)
			}
		}
	}
	return nil, errors.Join(errs, fmt.Errorf("no node serves slot %d", slot))
}

// serves says whether a slot is among a node's.
func (v nodeView) serves(slot int) bool {
	for _, part := range v.slots {
		first, last, isRange := strings.Cut(part, "-")
		if strings.HasPrefix(part, "[") { // on its way from or to another
			continue
		}
		if !isRange {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		if from <= slot && slot <= to {
			return true
		}
	}
	return false
}

func (c *RedisCluster) at(address string) (*Redis, error) {
	for _, node := range c.Nodes {
		if node.Address() == address {
			return node, nil
		}
	}
	return nil, fmt.Errorf("no node has the address %s", address)
}

// Masters are the nodes that serve slots.
func (c *RedisCluster) Masters() (masters []*Redis, err error) {
	for i, node := range c.Nodes {
		role, roleErr := node.info("replication", "role")
		if roleErr != nil {
			err = errors.Join(err, fmt.Errorf("node %d: %w", i, roleErr))
		} else if role == "master" {
			masters = append(masters, node)
		}
	}
	return masters, err
}

// SlotMove is a slot on its way from one master to another.
type SlotMove struct {
	cluster      *RedisCluster
	slot         int
	from, to     *Redis
	fromID, toID string
}

// BeginMove lets a slot begin to move: from now on keys that its master does not
// have are asked of the other.
func (c *RedisCluster) BeginMove(slot int, to *Redis) (*SlotMove, error) {
	from, err := c.MasterOf(slot)
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, fmt.Errorf("slot %d is there already", slot)
	}
	m := &SlotMove{cluster: c, slot: slot, from: from, to: to}
	if m.fromID, err = from.clusterID(); err != nil {
		return nil, err
	}
	if m.toID, err = to.clusterID(); err != nil {
		return nil, err
	}
	if err := to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", m.fromID).Err(); err != nil {
		return nil, err
	}
	return m, from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", m.toID).Err()
}

// MoveKeys moves at most so many keys and says how many there were to move.
func (m *SlotMove) MoveKeys(most int) (moved int, err error) {
	keys, err := m.from.Do("CLUSTER", "GETKEYSINSLOT", m.slot, most).StringSlice()
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	command := []any{"MIGRATE", "127.0.0.1", m.to.Port, "", 0, patience.Milliseconds(), "KEYS"}
	for _, key := range keys {
		command = append(command, key)
	}
	return len(keys), m.from.Do(command...).Err()
}

// Finish moves what is left and tells every master whose the slot is now.
func (m *SlotMove) Finish() error {
	for {
		moved, err := m.MoveKeys(10)
		if err != nil {
			return err
		}
		if moved == 0 {
			break
		}
	}
	masters, err := m.cluster.Masters()
	if err != nil {
		return err
	}
	// The new master first, so that the slot is never without one.
	for _, node := range append([]*Redis{m.to, m.from}, masters...) {
		if err := node.Do("CLUSTER", "SETSLOT", m.slot, "NODE", m.toID).Err(); err != nil {
			return err
		}
	}
	return nil
}

// MoveSlot moves a slot with all its keys to another master.
func (c *RedisCluster) MoveSlot(slot int, to *Redis) error {
	move, err := c.BeginMove(slot, to)
	if err != nil {
		return err
	}
	return move.Finish()
}

// ReplicaOf is a node that follows a master.
func (c *RedisCluster) ReplicaOf(master *Redis) (*Redis, error) {
	id, err := master.clusterID()
	if err != nil {
		return nil, err
	}
	view, err := master.view()
	if err != nil {
		return nil, err
	}
	for _, seen := range view {
		if seen.replica && seen.master == id {
			return c.at(seen.address)
		}
	}
	return nil, fmt.Errorf("%s has no replica", master.Address())
}
