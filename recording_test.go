package enact_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/memory"
	_ "github.com/enactdev/enact/drivers/sqlite"
)

// trajectory is a recorded run of a coding agent. Only what the test stores by
// field is named; every entry is kept raw beside it.
type trajectory struct {
	Steps   []json.RawMessage `json:"trajectory"`
	History []json.RawMessage `json:"history"`
}

type trajectoryStep struct {
	Thought     string `json:"thought"`
	Action      string `json:"action"`
	Observation string `json:"observation"`
}

type historyEntry struct {
	Role      string          `json:"role"`
	Content   string          `json:"content"`
	Thought   string          `json:"thought"`
	ToolCalls json.RawMessage `json:"tool_calls"`
}

// TestRecording stores every recorded run as one execution and one thread, closes
// the store, opens it again and compares byte for byte, in order.
func TestRecording(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		dsn := "memory:" + t.Name()
		// The memory of the process lasts while somebody has it open.
		defer openAll(t, dsn).Shutdown(context.Background())
		testRecording(t, sameStore(dsn))
	})
	t.Run("sqlite", func(t *testing.T) {
		testRecording(t, sameStore("sqlite:"+filepath.Join(t.TempDir(), "recording.db")))
	})
}

func testRecording(t *testing.T, stores enact.Config) {
	recordings := loadTrajectories(t)
	rt := openStores(t, stores)
	for name, recorded := range recordings {
		record(t, rt.Tenant("recorder"), name, recorded)
	}
	if err := rt.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	rt = openStores(t, stores)
	defer rt.Shutdown(context.Background())
	for name, recorded := range recordings {
		replay(t, rt.Tenant("recorder"), name, recorded)
	}
}

func sameStore(dsn string) enact.Config {
	return enact.Config{Events: dsn, State: dsn, Messages: dsn, Vectors: dsn}
}

func openAll(t *testing.T, dsn string) *enact.Runtime {
	t.Helper()
	return openStores(t, sameStore(dsn))
}

func openStores(t *testing.T, stores enact.Config) *enact.Runtime {
	t.Helper()
	rt, err := enact.Open(t.Context(), stores)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// loadTrajectories reads the real recordings, which are kept beside the
// repository, and the small one of this repository's own.
func loadTrajectories(t *testing.T) map[string]trajectory {
	t.Helper()
	folders := []string{"testdata", dataFolder("trajectories")}
	if _, err := os.Stat(folders[1]); err != nil {
		t.Logf("only the recording in testdata is used: %v", err)
	}
	recordings := map[string]trajectory{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.traj"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var recorded trajectory
			if err := json.Unmarshal(raw, &recorded); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			recordings[strings.TrimSuffix(filepath.Base(file), ".traj")] = recorded
		}
	}
	if len(recordings) == 0 {
		t.Fatal("no recording found")
	}
	return recordings
}

// dataFolder is where real inputs are: ENACT_TEST_DATA, or shared/data beside the
// repository.
func dataFolder(name string) string {
	if folder := os.Getenv("ENACT_TEST_DATA"); folder != "" {
		return filepath.Join(folder, name)
	}
	return filepath.Join("..", "shared", "data", name)
}

// eventsOf turns a recording into events: a step for each entry, its action a tool
// call, its observation the result, and the entry itself as it was.
func eventsOf(t *testing.T, recorded trajectory) []enact.EventData {
	t.Helper()
	events := []enact.EventData{enact.ExecutionStarted{}}
	for i, raw := range recorded.Steps {
		var entry trajectoryStep
		if err := json.Unmarshal(raw, &entry); err != nil {
			t.Fatal(err)
		}
		step, call := fmt.Sprintf("step-%d", i), fmt.Sprintf("call-%d", i)
		events = append(events,
			enact.StepStarted{Step: step, StepType: "agent", Name: entry.Thought},
			enact.ToolCallStarted{Step: step, Call: call, Tool: "shell", Input: quoted(t, entry.Action)},
			enact.ToolCallCompleted{Step: step, Call: call, Output: quoted(t, entry.Observation)},
			enact.Custom{Type: "recording.entry", Data: raw},
			enact.StepCompleted{Step: step, Output: json.RawMessage(`{"call":"` + call + `"}`)},
		)
	}
	return append(events, enact.ExecutionCompleted{})
}

func quoted(t *testing.T, s string) json.RawMessage {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}

// messagesOf turns a recording's history into messages with the history's roles,
// tool calls and everything else that an entry holds.
func messagesOf(t *testing.T, name string, recorded trajectory) []enact.Message {
	t.Helper()
	var messages []enact.Message
	for i, raw := range recorded.History {
		var entry historyEntry
		if err := json.Unmarshal(raw, &entry); err != nil {
			t.Fatal(err)
		}
		text, err := enact.TextPart(entry.Content)
		if err != nil {
			t.Fatal(err)
		}
		m := enact.Message{
			ID: enact.MessageID(fmt.Sprintf("%s-%d", name, i)), Thread: enact.ThreadID(name), Execution: enact.ExecutionID(name),
			Role: enact.Role(entry.Role), Content: entry.Content,
			Parts: []enact.Part{text, enact.Part(`{"type":"data-entry", "data":` + string(raw) + `}`)},
		}
		if i > 0 {
			m.Parent = messages[i-1].ID
		}
		if len(entry.ToolCalls) > 0 {
			part, err := enact.DataPart("tool-calls", entry.ToolCalls)
			if err != nil {
				t.Fatal(err)
			}
			m.Parts = append(m.Parts, part)
		}
		messages = append(messages, m)
	}
	return messages
}

func record(t *testing.T, tenant *enact.Tenant, name string, recorded trajectory) {
	t.Helper()
	ctx := t.Context()
	last := uint64(0)
	for _, event := range eventsOf(t, recorded) {
		var err error
		if last, err = tenant.Events.Append(ctx, enact.ExecutionID(name), enact.ExpectLast(last), event); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tenant.Messages.CreateThread(ctx, enact.Thread{ID: enact.ThreadID(name), User: "agent", Title: name}); err != nil {
		t.Fatal(err)
	}
	for _, m := range messagesOf(t, name, recorded) {
		if _, err := tenant.Messages.CreateMessage(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
}

func replay(t *testing.T, tenant *enact.Tenant, name string, recorded trajectory) {
	t.Helper()
	ctx := t.Context()
	want := eventsOf(t, recorded)
	i := 0
	for event, err := range tenant.Events.Load(ctx, enact.ExecutionID(name), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if i >= len(want) {
			t.Fatalf("%s: more than the %d events recorded", name, len(want))
		}
		if event.Sequence != uint64(i+1) || !reflect.DeepEqual(event.Data, want[i]) {
			t.Fatalf("%s: event %d came back as %d %#v, recorded was %#v", name, i+1, event.Sequence, event.Data, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("%s: %d events came back, %d were recorded", name, i, len(want))
	}

	messages := messagesOf(t, name, recorded)
	i = 0
	list := func(ctx context.Context, page enact.Page) ([]enact.Message, enact.Cursor, error) {
		page.Limit = 7
		return tenant.Messages.ListMessages(ctx, enact.MessageQuery{Thread: enact.ThreadID(name), Page: page})
	}
	for got, err := range enact.All(ctx, list) {
		if err != nil {
			t.Fatal(err)
		}
		want := messages[i]
		want.Position, want.CreatedAt, want.UpdatedAt, want.Version = got.Position, got.CreatedAt, got.UpdatedAt, 1
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: message %d came back as %#v, recorded was %#v", name, i, got, want)
		}
		i++
	}
	if i != len(messages) {
		t.Fatalf("%s: %d messages came back, %d were recorded", name, i, len(messages))
	}
}
