package sqlite

import (
	"context"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// matrixIdle is how long the copy of a collection is kept after its last search.
const matrixIdle = 15 * time.Minute

// matrices holds the copies of collections that were searched lately.
type matrices struct {
	mu    sync.Mutex
	byKey map[int64]*matrix
}

// of returns the copy of a collection, empty if it is new.
func (all *matrices) of(found collection) *matrix {
	all.mu.Lock()
	defer all.mu.Unlock()
	m := all.byKey[found.key]
	if m == nil {
		m = newMatrix(found.Dimension)
		if all.byKey == nil {
			all.byKey = map[int64]*matrix{}
		}
		all.byKey[found.key] = m
	}
	m.used.Store(time.Now().UnixNano())
	return m
}

// forgetUnused lets go of copies that were last used before a time.
func (all *matrices) forgetUnused(before time.Time) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for key, m := range all.byKey {
		if m.used.Load() < before.UnixNano() {
			delete(all.byKey, key)
		}
	}
}

// matrix is a copy of a collection's embeddings as of one version of it: rows in
// blocks, so that growing copies nothing and wastes at most a block.
type matrix struct {
	used      atomic.Int64
	lock      *semaphore.Weighted // 1 to read, all to change; unlike a mutex it can be waited for with a context
	dimension int
	shift     int   // a block has 1<<shift rows
	version   int64 // unread when nothing has been read yet

	blocks [][]float32
	keys   []int64   // the document in each row
	norms  []float32 // its length
	places map[int64]int32

	columns columns
}

const (
	unread      = -1
	everyReader = 1 << 30
	blockFloats = 1 << 16
)

func newMatrix(dimension int) *matrix {
	m := &matrix{lock: semaphore.NewWeighted(everyReader), dimension: dimension}
	m.shift = max(0, bits.Len(uint(blockFloats/dimension))-1)
	m.reset()
	return m
}

func (m *matrix) reset() {
	m.version, m.blocks, m.keys, m.norms, m.places, m.columns = unread, nil, nil, nil, map[int64]int32{}, nil
}

// reserve makes room for what is kept beside the rows of so many documents.
func (m *matrix) reserve(documents int) {
	m.keys, m.norms = make([]int64, 0, documents), make([]float32, 0, documents)
	m.places = make(map[int64]int32, documents)
}

func (m *matrix) row(place int32) []float32 {
	at := (int(place) & (1<<m.shift - 1)) * m.dimension
	return m.blocks[place>>m.shift][at : at+m.dimension : at+m.dimension]
}

// refresh brings m, which the caller has locked for changing, to the version of
// the collection that c sees. When it fails, m is empty and will be read anew.
func (m *matrix) refresh(ctx context.Context, c *conn, found collection) (err error) {
	defer func() {
		if err != nil {
			m.reset()
		}
	}()
	if m.version < found.trimmed {
		m.reset()
	}
	if m.version == unread {
		m.reserve(found.count)
	}
	err = c.each(ctx, "SELECT document FROM removals WHERE collection = ? AND version > ?", []any{found.key, m.version}, func(row scanner) (bool, error) {
		var key int64
		err := row.Scan(&key)
		m.remove(key)
		return true, err
	})
	if err != nil {
		return err
	}
	var key int64
	var packed []byte
	dest := []any{&key, &packed} // made once for all rows
	err = c.each(ctx, "SELECT key, embedding FROM documents WHERE collection = ? AND changed > ?", []any{found.key, m.version}, func(row scanner) (bool, error) {
		if err := row.Scan(dest...); err != nil {
			return false, err
		}
		m.put(key, packed)
		return true, nil
	})
	if err == nil {
		err = m.refreshColumns(ctx, c, found)
	}
	if err != nil {
		return err
	}
	m.version = found.version
	return nil
}

func (m *matrix) put(key int64, packed []byte) {
	place, known := m.places[key]
	if !known {
		place = int32(len(m.keys))
		if int(place)>>m.shift == len(m.blocks) {
			m.blocks = append(m.blocks, make([]float32, m.dimension<<m.shift))
		}
		m.keys, m.norms = append(m.keys, key), append(m.norms, 0)
		m.places[key] = place
		m.columns.grow()
	}
	row := m.row(place)
	unpackInto(row, packed)
	m.norms[place] = float32(norm(row))
}

// remove fills the gap with the last row.
func (m *matrix) remove(key int64) {
	place, known := m.places[key]
	if !known {
		return
	}
	last := int32(len(m.keys) - 1)
	copy(m.row(place), m.row(last))
	m.keys[place], m.norms[place] = m.keys[last], m.norms[last]
	m.columns.remove(place)
	m.places[m.keys[place]] = place
	delete(m.places, key)
	m.keys, m.norms = m.keys[:last], m.norms[:last]
	m.blocks = m.blocks[:(int(last)+1<<m.shift-1)>>m.shift]
}

// norm is the length of v. Four sums at a time, so that the additions do not wait
// for one another.
func norm(v []float32) float64 {
	var a, b, c, d float64
	for ; len(v) >= 4; v = v[4:] {
		a += float64(v[0]) * float64(v[0])
		b += float64(v[1]) * float64(v[1])
		c += float64(v[2]) * float64(v[2])
		d += float64(v[3]) * float64(v[3])
	}
	for _, x := range v {
		a += float64(x) * float64(x)
	}
	return math.Sqrt(a + b + c + d)
}
