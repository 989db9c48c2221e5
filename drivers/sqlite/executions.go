package sqlite

import "github.com/enactdev/enact/driver"

// execution is what an append must know of one: its key, 0 if it has no events, and
// the sequence of its last event.
type execution struct {
	key  int64
	last uint64
}

// executionName is an execution's place among those of all tenants.
type executionName struct {
	tenant string
	id     driver.ExecutionID
}

// maxRemembered bounds the executions that a writer remembers.
const maxRemembered = 4096

// remembered are executions as they are in the file, so that appends need not look
// them up. It holds while no other connection has committed anything, which its
// user asks of SQLite in every transaction.
type remembered struct {
	version    int64
	executions map[executionName]execution
}

// refresh forgets everything if another connection has committed since. It is for
// the beginning of a transaction that writes.
func (r *remembered) refresh(c *conn) error {
	var version int64
	if err := c.row("PRAGMA data_version").Scan(&version); err != nil {
		return err
	}
	if version != r.version || len(r.executions) > maxRemembered {
		r.forget()
		r.version = version
	}
	return nil
}

// forget is for when a transaction was not committed.
func (r *remembered) forget() { r.executions = map[executionName]execution{} }

// find returns an execution as it is for the transaction that is open.
func (r *remembered) find(c *conn, name executionName) (found execution, err error) {
	if found, ok := r.executions[name]; ok {
		return found, nil
	}
	if found, err = findExecution(c, name.tenant, name.id); err == nil && found.key != 0 {
		r.executions[name] = found
	}
	return found, err
}

func findExecution(c *conn, tenant string, id driver.ExecutionID) (found execution, err error) {
	err = c.row("SELECT key, last FROM executions WHERE tenant = ? AND id = ?", tenant, string(id)).Scan(&found.key, &found.last)
	if noRow(err) {
		err = nil
	}
	return found, err
}
