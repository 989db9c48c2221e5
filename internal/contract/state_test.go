package contract_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func mustSet(t testing.TB, tenant *enact.Tenant, key, value string, options ...enact.SetOption) (version uint64) {
	t.Helper()
	version, err := tenant.State.Set(t.Context(), key, []byte(value), options...)
	must(t, fmt.Sprintf("setting %q", key), err)
	return version
}

func mustBeAbsent(t testing.TB, tenant *enact.Tenant, key string) {
	t.Helper()
	entry, err := tenant.State.Get(t.Context(), key)
	mustFail(t, fmt.Sprintf("getting the absent key %q", key), err, enact.ErrNotFound)
	mustEqual(t, "the entry beside the error", entry, enact.Entry{})
}

func TestS1JSONHelpers(t *testing.T) {
	type memory struct {
		Text  string
		Count int64
	}
	onEach(t, backends, func(f *fixture) {
		want := memory{"<a> & \u2028 é", math.MaxInt64 - 1}
		version, err := enact.SetJSON(f.ctx, f.tenant().State, "key", want)
		must(f, "SetJSON", err)
		got, gotVersion, err := enact.GetJSON[memory](f.ctx, f.tenant().State, "key")
		must(f, "GetJSON", err)
		mustEqual(f, "the JSON value", got, want)
		mustEqual(f, "its version", gotVersion, version)
		_, err = enact.SetJSON(f.ctx, f.tenant().State, "key", math.Inf(1))
		mustFail(f, "SetJSON of an infinity", err, enact.ErrInvalid)
		_, _, err = enact.GetJSON[memory](f.ctx, f.tenant().State, "missing")
		mustFail(f, "GetJSON of a missing key", err, enact.ErrNotFound)
		if _, _, err := enact.GetJSON[[]int](f.ctx, f.tenant().State, "key"); err == nil || errors.Is(err, enact.ErrNotFound) {
			f.Errorf("GetJSON into another type returned %v; it should have been an error other than not found", err)
		}
	})
}

func stateAt(execution enact.ExecutionID, sequence uint64, step string) enact.Snapshot {
	s := enact.NewSnapshot("acme", execution)
	s.Sequence, s.LastEvent, s.CurrentStep = sequence, enact.EventID(fmt.Sprint(sequence)), step
	s.Time = time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)
	s.StepOutputs["s"] = []byte(`{"n":9007199254740993}`)
	return s
}

func mustSave(t testing.TB, tenant *enact.Tenant, s enact.Snapshot) {
	t.Helper()
	must(t, fmt.Sprintf("saving the snapshot of %q at %d", s.Execution, s.Sequence), tenant.State.SaveSnapshot(t.Context(), s))
}

func mustLoad(t testing.TB, tenant *enact.Tenant, want enact.Snapshot) {
	t.Helper()
	got, err := tenant.State.LoadSnapshot(t.Context(), want.Execution)
	must(t, fmt.Sprintf("loading the snapshot of %q", want.Execution), err)
	mustEqual(t, fmt.Sprintf("the snapshot of %q", want.Execution), got, want)
}

func TestS5TooLargeValues(t *testing.T) {
	large := make([]byte, driver.MaxValueBytes+1)
	onEach(t, backends, func(f *fixture) {
		_, err := f.tenant().State.Set(f.ctx, "key", large)
		mustBeTooLarge(f, "setting a too large value", err, enact.TooLargeError{Size: driver.MaxValueBytes + 1, Limit: driver.MaxValueBytes, Unit: "bytes"})
		mustBeAbsent(f, f.tenant(), "key")
	})
}

func TestS2TTLs(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		before := driver.Timestamp(time.Now())
		mustSet(f, f.tenant(), "key", "kept", enact.WithTTL(time.Hour))
		want, err := f.tenant().State.Get(f.ctx, "key")
		must(f, "Get", err)
		if want.ExpiresAt.Before(before.Add(time.Hour)) || want.ExpiresAt.After(time.Now().Add(time.Hour+time.Second)) {
			f.Errorf("a key set at %v with a TTL of an hour expires at %v", before, want.ExpiresAt)
		}
		for _, ttl := range []time.Duration{-1, -time.Hour, math.MinInt64, driver.MaxTTL + 1, math.MaxInt64} {
			_, err := f.tenant().State.Set(f.ctx, "key", []byte("lost"), enact.WithTTL(ttl))
			mustFail(f, fmt.Sprintf("setting with a TTL of %v", ttl), err, enact.ErrInvalid)
		}
		mustFail(f, "deleting with a TTL", f.tenant().State.Delete(f.ctx, "key", enact.WithTTL(time.Hour)), enact.ErrInvalid)
		got, err := f.tenant().State.Get(f.ctx, "key")
		must(f, "Get", err)
		mustEqual(f, "the key after calls that were refused", got, want)
	})
}

// TestS4SnapshotsComeBackAsTheyWere: what is listed with them is the handle's stamp.
func TestS4SnapshotsComeBackAsTheyWere(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		_, err := tenant.State.LoadSnapshot(f.ctx, "run")
		mustFail(f, "loading a missing snapshot", err, enact.ErrNotFound)
		want := stateAt("run", 7, "step")
		want.User, want.Variables["v"] = "ann", []byte(`"<&>"`)
		before := driver.Timestamp(time.Now())
		mustSave(f, tenant, want)
		mustSave(f, tenant, stateAt("run", 6, "older"))
		mustLoad(f, tenant, want)
		infos := walk(f, "the snapshots", 1, tenant.State.ListSnapshots)
		if len(infos) != 1 || infos[0].Execution != "run" || infos[0].Sequence != 7 || infos[0].Time.Before(before) || infos[0].Time.After(time.Now()) {
			f.Errorf("a snapshot that was saved at 7 since %v is listed as %+v", before, infos)
		}
		mustFail(f, "saving a snapshot without a sequence", tenant.State.SaveSnapshot(f.ctx, stateAt("run", 0, "")), enact.ErrInvalid)
		mustLoad(f, tenant, want)
		must(f, "deleting a snapshot", tenant.State.DeleteSnapshot(f.ctx, "run"))
		_, err = tenant.State.LoadSnapshot(f.ctx, "run")
		mustFail(f, "loading a deleted snapshot", err, enact.ErrNotFound)
	})
}
