package durability

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// TestAcknowledgedIsSynced: when a call returns, a sync that began after all writes
// of its transaction had ended is over, and the names of the files have been synced
// too.
func TestAcknowledgedIsSynced(t *testing.T) {
	tr := traceOf(t, recorded)
	checked, wrong := unsyncedAcknowledgements(tr)
	for _, what := range wrong[:min(len(wrong), 5)] {
		t.Error(what)
	}
	if len(wrong) > 0 {
		t.Errorf("%d of %d acknowledgements came too early (E1)", len(wrong), checked)
	}
	if checked < 300 {
		t.Errorf("only %d acknowledgements were checked", checked)
	}
	t.Logf("%d acknowledgements, each after a sync of its transaction", checked)
}

// unsyncedAcknowledgements looks at every acknowledgement of a write that leaves its
// mark, and says what had not been synced when the call returned.
func unsyncedAcknowledgements(tr *trace) (checked int, wrong []string) {
	d, log := newDisk(tr), walWrites{byMark: map[string]*transaction{}}
	for _, s := range tr.steps {
		if change := d.play(); change != nil && s.path == tr.wal() {
			log.add(change)
		}
		a := s.acknowledges
		if a == nil || !s.begins || !writers[a.writer].marked(a.number) {
			continue
		}
		checked++
		if early := d.early(log.byMark[mark(a.writer, a.number)]); early != "" {
			wrong = append(wrong, fmt.Sprintf("write %d of %s was acknowledged at step %d: %s", a.number, a.writer, d.position, early))
		}
	}
	return checked, wrong
}

// early says why a transaction may not be acknowledged now; empty: it may.
func (d *disk) early(tx *transaction) string {
	switch {
	case tx == nil:
		return "nothing that carries it has been written to the WAL"
	case !tx.committed:
		return "its commit record has not been written"
	}
	unsynced := 0
	for _, c := range tx.changes {
		if !c.synced {
			unsynced++
		}
	}
	if unsynced > 0 {
		return fmt.Sprintf("of the %d writes of its transaction to the WAL, %d have not been synced", len(tx.changes), unsynced)
	}
	for _, name := range []string{d.tr.database, d.tr.wal()} {
		if d.synced[name] == nil || d.synced[name] != d.names[name] {
			return fmt.Sprintf("the folder has not been synced since %s was made", name)
		}
	}
	return ""
}

// transaction is what the WAL is told of one.
type transaction struct {
	changes   []*change
	committed bool
}

// walWrites sorts the writes to a WAL by transaction
// (https://www.sqlite.org/fileformat2.html#walformat). Whoever holds the lock writes
// one transaction to its end, and may go back in it to write its checksums anew.
type walWrites struct {
	pageSize, end int64 // end: where the last commit record ends, 0 when it is open
	current       *transaction
	byMark        map[string]*transaction // by the first that carries it
}

const walHeader, frameHeader = 32, 24

func (w *walWrites) add(c *change) {
	if c.data == nil {
		w.current = nil // the WAL was cut
		return
	}
	if w.current == nil || (w.current.committed && (c.offset == 0 || c.offset >= w.end)) {
		w.current, w.end = &transaction{}, 0
	}
	w.current.changes = append(w.current.changes, c)
	if c.offset == 0 && len(c.data) == walHeader {
		w.pageSize = int64(binary.BigEndian.Uint32(c.data[8:]))
		return
	}
	if len(c.data) == frameHeader && (c.offset-walHeader)%(frameHeader+w.pageSize) == 0 && binary.BigEndian.Uint32(c.data[4:]) != 0 {
		w.end = c.offset + frameHeader + w.pageSize
	}
	if w.end > 0 && c.offset+int64(len(c.data)) >= w.end {
		w.current.committed = true
	}
	for _, found := range marks(c.data) {
		if w.byMark[found] == nil {
			w.byMark[found] = w.current
		}
	}
}

// marks are those that some data carry.
func marks(data []byte) (found []string) {
	for {
		begin := bytes.Index(data, []byte("[["))
		if begin < 0 {
			return found
		}
		data = data[begin:]
		if end := bytes.Index(data, []byte("]]")); end > 0 {
			found = append(found, string(data[:end+2]))
		}
		data = data[1:] // another "[" may stand before a mark
	}
}
