package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// lossySetting is an expression: the name of a setting with which the server may lose
// what it has acknowledged, or empty. A server that is told to load its settings again
// shows the new ones from the next statement of each connection on.
const lossySetting = "CASE WHEN current_setting('fsync') <> 'on' THEN 'fsync' WHEN current_setting('full_page_writes') <> 'on' THEN 'full_page_writes' ELSE '' END"

// checkKeeps refuses a server with such a setting, unless that was accepted.
func (b *backend) checkKeeps(lossy string, kind error) error {
	if lossy == "" || b.mayLoseData {
		return nil
	}
	return fmt.Errorf("%w: postgres: the server runs with %s=off and may lose what it has acknowledged; turn it on, or say %s=%s in the DSN", kind, lossy, parameterDurability, serverMayLoseData)
}

// beginDurably begins a transaction whose commit waits for the disk, whatever the
// settings of the database and the role are.
const beginDurably = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT CASE WHEN current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN set_config('synchronous_commit', 'on', true) END"

// beginKept is beginDurably on a server that must keep what it acknowledges; on one
// that does not, the transaction can write nothing.
const beginKept = beginDurably + ", CASE WHEN " + lossySetting + " <> '' THEN set_config('transaction_read_only', 'on', true) END"

func (b *backend) begin() string {
	if b.mayLoseData {
		return beginDurably
	}
	return beginKept
}

// whyReadOnly tells what beginKept refused from what a standby did. It ends tx.
func (b *backend) whyReadOnly(ctx context.Context, tx pgx.Tx, err error) error {
	if codeOf(err) != readOnlyTransaction || tx.Rollback(ctx) != nil {
		return err
	}
	var lossy string
	if tx.Conn().QueryRow(ctx, "SELECT "+lossySetting).Scan(&lossy) != nil {
		return err
	}
	if refused := b.checkKeeps(lossy, driver.ErrUnavailable); refused != nil {
		return refused
	}
	return err
}

// whyLossy says why the server has refused to append.
func (b *backend) whyLossy(ctx context.Context, q querier) error {
	var lossy string
	if err := q.QueryRow(ctx, "SELECT "+lossySetting).Scan(&lossy); err != nil {
		return err
	}
	if err := b.checkKeeps(lossy, driver.ErrUnavailable); err != nil {
		return err
	}
	return fmt.Errorf("%w: postgres: the server ran with fsync or full_page_writes off and nothing was appended; they are on again: repeat the call", driver.ErrUnavailable)
}
