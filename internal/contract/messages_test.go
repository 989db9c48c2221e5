package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

func mustCreateThread(t testing.TB, tenant *enact.Tenant, thread enact.Thread) enact.Thread {
	t.Helper()
	stored, err := tenant.Messages.CreateThread(t.Context(), thread)
	must(t, fmt.Sprintf("creating thread %q", thread.ID), err)
	return stored
}

func mustCreateMessage(t testing.TB, tenant *enact.Tenant, m enact.Message) enact.Message {
	t.Helper()
	stored, err := tenant.Messages.CreateMessage(t.Context(), m)
	must(t, fmt.Sprintf("creating message %q", m.ID), err)
	return stored
}

// said is a message of the user with nothing special.
func said(thread enact.ThreadID, id enact.MessageID, content string) enact.Message {
	return enact.Message{ID: id, Thread: thread, Role: enact.RoleUser, Content: content}
}

// fullMessage has a value in every field that a caller may set.
func fullMessage(thread enact.ThreadID, id, parent enact.MessageID) enact.Message {
	return enact.Message{
		ID: id, Thread: thread, Parent: parent, Execution: "run", Role: enact.RoleAssistant,
		Content: "content \x00 \xff é e\u0301",
		Parts: []enact.Part{
			enact.Part(`{"type":"text","text":"a"}`),
			enact.Part(" \t\n{ \"b\" : 1 ,\r\n \"type\" : \"never heard of\", \"n\": 9007199254740993.0 } \n"),
			enact.Part(`{"type":"x","type":"y","d":1,"d":2}`),
			enact.Part(`{"type":"z","nested":{"type":5,"list":["]",",","}",[{}]]}}`),
			enact.Part("{\"type\":\"\u2028<&>\\u0041\\ud83d\\ude00\\ud800\"}"),
		},
		Metadata:     json.RawMessage(`{"a":{"b":[1,9007199254740993,1e400,null,"<&>"]},"":1}`),
		Usage:        &enact.TokenUsage{Input: math.MaxInt64, Output: 2, Total: -3, Reasoning: 4, CachedInput: 5},
		Cost:         &enact.Cost{Nanos: 123456789, Currency: "USD"},
		FinishReason: "stop <&>",
		Stats:        &enact.ExecutionStats{Duration: time.Hour + 1, TimeToFirstToken: 7, Steps: 1, ToolCalls: 2, ModelCalls: 3, Retries: 4},
		CreatedAt:    time.Date(2020, 2, 29, 1, 2, 3, 456789000, time.UTC),
	}
}

func TestM6EverythingComesBackAsItWas(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		mustCreateMessage(f, tenant, said("t", "parent", "x"))
		messages := []enact.Message{fullMessage("t", "full", "parent"), said("t", "bare", "")}
		zeroes := said("t", "zeroes", "x")
		zeroes.Usage, zeroes.Cost, zeroes.Stats, zeroes.Metadata = &enact.TokenUsage{}, &enact.Cost{}, &enact.ExecutionStats{}, []byte("{}")
		messages = append(messages, zeroes)
		for name, content := range anyBytes {
			messages = append(messages, said("t", enact.MessageID(name), string(content)))
		}
		for i, m := range messages {
			stored := mustCreateMessage(f, tenant, m)
			m.Position, m.UpdatedAt, m.Version = stored.Position, stored.UpdatedAt, 1
			if m.CreatedAt.IsZero() {
				m.CreatedAt = stored.UpdatedAt
			}
			mustEqual(f, fmt.Sprintf("message %q as it was created", m.ID), stored, m)
			messages[i] = m
		}
		for _, m := range messages {
			got, err := f.tenant().Messages.GetMessage(f.ctx, m.ID)
			must(f, "GetMessage", err)
			mustEqual(f, fmt.Sprintf("message %q", m.ID), got, m)
		}
		mustEqual(f, "the messages as listed", walk(f, "messages", 4, messagesIn(f.tenant(), enact.MessageQuery{Thread: "t"}))[1:], messages)
	})
}

func TestM6ThreadsComeBackAsTheyWere(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		var threads []enact.Thread
		add := func(thread enact.Thread) {
			stored := mustCreateThread(f, f.tenant(), thread)
			thread.UpdatedAt, thread.Version = stored.UpdatedAt, 1
			if thread.CreatedAt.IsZero() {
				thread.CreatedAt = stored.UpdatedAt
			}
			mustEqual(f, fmt.Sprintf("thread %q as it was created", thread.ID), stored, thread)
			threads = append(threads, thread)
		}
		for name, title := range anyBytes {
			add(enact.Thread{ID: enact.ThreadID(name), User: "ann", Title: string(title)})
		}
		for i, metadata := range []string{`{}`, " {\n\"a\": 1 }\t", `{"a":1,"a":2,"n":9007199254740993}`} {
			add(enact.Thread{ID: enact.ThreadID(fmt.Sprint("metadata ", i)), User: "ann", Metadata: []byte(metadata), CreatedAt: time.Date(1960, 1, 1, 0, 0, 0, 1000*i, time.UTC)})
		}
		for _, want := range threads {
			got, err := f.tenant().Messages.GetThread(f.ctx, want.ID)
			must(f, "GetThread", err)
			mustEqual(f, fmt.Sprintf("thread %q", want.ID), got, want)
		}
		slices.Reverse(threads)
		mustEqual(f, "the threads as listed", walk(f, "threads", 4, threadsOf(f.tenant(), enact.ThreadQuery{User: "ann"})), threads)
	})
}

// TestM6PartsAreObjectsWithAType takes any object with a string "type" and nothing
// else. Other keys may be spelt like it.
func TestM6PartsAreObjectsWithAType(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		for i, part := range []string{`{"type":"x"}`, `{"type":"text","Type":5}`, `{"TYPE":null,"type":"x"}`, `{"type":"x","Type":""}`} {
			m := said("t", enact.MessageID(fmt.Sprint("good ", i)), "x")
			m.Parts = []enact.Part{enact.Part(part)}
			stored, err := tenant.Messages.CreateMessage(f.ctx, m)
			if err != nil {
				f.Errorf("creating a message with the part %s failed: %v", part, err)
				continue
			}
			mustEqual(f, "the parts", stored.Parts, m.Parts)
		}
		for i, part := range []string{``, ` `, `null`, `{}`, `[]`, `"type"`, `{"type":""}`, `{"type":null}`, `{"type":5}`, `{"Type":"x"}`, `{"type":"x"`, `{"type":"x"},{"type":"y"}`, `{"type":"x"}]`, "{\"type\":\"\xff\"}"} {
			m := said("t", enact.MessageID(fmt.Sprint("bad ", i)), "x")
			m.Parts = []enact.Part{enact.Part(`{"type":"good"}`), enact.Part(part)}
			if _, err := tenant.Messages.CreateMessage(f.ctx, m); !errors.Is(err, enact.ErrInvalid) {
				f.Errorf("creating a message with the part %s returned %v; it should have been refused as invalid", part, err)
			}
		}
	})
}

func TestM6BadMessagesAndThreadsAreRefused(t *testing.T) {
	messages := map[string]func(*enact.Message){
		"no role":                      func(m *enact.Message) { m.Role = "" },
		"metadata that are no object":  func(m *enact.Message) { m.Metadata = []byte(`[1]`) },
		"metadata null":                func(m *enact.Message) { m.Metadata = []byte(`null`) },
		"metadata that are cut off":    func(m *enact.Message) { m.Metadata = []byte(`{"a":1`) },
		"metadata in invalid UTF-8":    func(m *enact.Message) { m.Metadata = []byte("{\"a\":\"\xff\"}") },
		"a reason in invalid UTF-8":    func(m *enact.Message) { m.FinishReason = "\xff" },
		"a year that cannot be kept":   func(m *enact.Message) { m.CreatedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"an execution in invalid UTF8": func(m *enact.Message) { m.Execution = "\xff" },
	}
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		stored := mustCreateMessage(f, tenant, said("t", "m", "x"))
		for name, spoil := range messages {
			m := said("t", "new", "x")
			spoil(&m)
			_, err := tenant.Messages.CreateMessage(f.ctx, m)
			mustFail(f, "creating a message with "+name, err, enact.ErrInvalid)
			edit := stored
			spoil(&edit)
			_, err = tenant.Messages.UpdateMessage(f.ctx, edit)
			mustFail(f, "updating a message with "+name, err, enact.ErrInvalid)
		}
		_, err := tenant.Messages.CreateMessage(f.ctx, said("t", "new", strings.Repeat("x", driver.MaxMessageBytes+1)))
		mustBeTooLarge(f, "creating a too large message", err, enact.TooLargeError{Size: driver.MaxMessageBytes + 1, Limit: driver.MaxMessageBytes, Unit: "bytes"})
		_, err = tenant.Messages.CreateThread(f.ctx, enact.Thread{ID: "u", User: "ann", Title: strings.Repeat("x", driver.MaxMessageBytes+1)})
		mustBeTooLarge(f, "creating a too large thread", err, enact.TooLargeError{Size: driver.MaxMessageBytes + 1, Limit: driver.MaxMessageBytes, Unit: "bytes"})
		for _, metadata := range []string{`[]`, `null`, `1`, `{`, "{\"\xff\":1}", ` `} {
			_, err := tenant.Messages.CreateThread(f.ctx, enact.Thread{ID: "u", User: "ann", Metadata: []byte(metadata)})
			mustFail(f, "creating a thread with metadata "+metadata, err, enact.ErrInvalid)
		}
		mustEqual(f, "the number of messages", len(walk(f, "messages", 10, messagesIn(tenant, enact.MessageQuery{Thread: "t"}))), 1)
		mustEqual(f, "the threads", len(walk(f, "threads", 10, threadsOf(tenant, enact.ThreadQuery{User: "ann"}))), 1)
	})
}

func TestM1QueriesNameAThreadOrAnExecution(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		mustCreateThread(f, f.tenant(), enact.Thread{ID: "one", User: "ann"})
		for name, q := range map[string]enact.MessageQuery{"neither": {}, "both": {Thread: "one", Execution: "run"}} {
			_, _, err := f.tenant().Messages.ListMessages(f.ctx, q)
			mustFail(f, "listing messages by "+name, err, enact.ErrInvalid)
		}
	})
}

// TestM3WhatIsAskedForIsPassedOn: deleted ones, the order and what selects.
func TestM3WhatIsAskedForIsPassedOn(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		for _, id := range []enact.ThreadID{"t", "deleted"} {
			mustCreateThread(f, tenant, enact.Thread{ID: id, User: "ann"})
		}
		for i, thread := range []enact.ThreadID{"t", "t", "t", "deleted"} {
			m := said(thread, enact.MessageID(fmt.Sprint("m", i)), "x")
			m.Execution = "run"
			mustCreateMessage(f, tenant, m)
		}
		must(f, "deleting a message", tenant.Messages.DeleteMessage(f.ctx, "m1"))
		must(f, "deleting a thread", tenant.Messages.DeleteThread(f.ctx, "deleted"))
		_, err := tenant.Messages.GetMessage(f.ctx, "m1")
		mustFail(f, "getting a deleted message", err, enact.ErrNotFound)
		m, err := tenant.Messages.GetMessage(f.ctx, "m1", enact.IncludeDeleted())
		must(f, "getting a message with deleted ones included", err)
		_, err = tenant.Messages.GetThread(f.ctx, "deleted")
		mustFail(f, "getting a deleted thread", err, enact.ErrNotFound)
		th, err := tenant.Messages.GetThread(f.ctx, "deleted", enact.IncludeDeleted())
		must(f, "getting a thread with deleted ones included", err)
		if m.DeletedAt.IsZero() || th.DeletedAt.IsZero() {
			f.Errorf("the message was deleted at %v and the thread at %v; neither should be zero", m.DeletedAt, th.DeletedAt)
		}
		for _, c := range []struct {
			q    enact.MessageQuery
			want []enact.MessageID
		}{
			{enact.MessageQuery{Thread: "t"}, []enact.MessageID{"m0", "m2"}},
			{enact.MessageQuery{Thread: "t", Backward: true}, []enact.MessageID{"m2", "m0"}},
			{enact.MessageQuery{Thread: "t", IncludeDeleted: true}, []enact.MessageID{"m0", "m1", "m2"}},
			{enact.MessageQuery{Execution: "run"}, []enact.MessageID{"m0", "m2"}},
			{enact.MessageQuery{Execution: "run", IncludeDeleted: true}, []enact.MessageID{"m3", "m0", "m1", "m2"}},
		} {
			mustEqual(f, fmt.Sprintf("the messages of %s", shorten(c.q)), idsOf(walk(f, "messages", 1, messagesIn(tenant, c.q)), messageID), c.want)
		}
		for deleted, want := range map[bool][]enact.ThreadID{false: {"t"}, true: {"deleted", "t"}} {
			got := idsOf(walk(f, "threads", 1, threadsOf(tenant, enact.ThreadQuery{User: "ann", IncludeDeleted: deleted})), threadID)
			mustEqual(f, fmt.Sprintf("the threads, with deleted ones: %t", deleted), got, want)
		}
	})
}

// TestM5EditsReplaceWhatTheHandleEncodes, each alone and all together.
func TestM5EditsReplaceWhatTheHandleEncodes(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		thread := mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann", Title: "first", Metadata: []byte(`{ "a":1}`)})
		thread.Title, thread.Metadata = "", nil
		storedThread, err := tenant.Messages.UpdateThread(f.ctx, thread)
		must(f, "UpdateThread", err)
		thread.UpdatedAt, thread.Version = storedThread.UpdatedAt, 2
		mustEqual(f, "the thread after an edit", storedThread, thread)
		mustCreateMessage(f, tenant, said("t", "parent", "x"))
		current := mustCreateMessage(f, tenant, fullMessage("t", "m", "parent"))
		for i, change := range []func(*enact.Message){
			func(m *enact.Message) { m.Content = "second\x00\xff" },
			func(m *enact.Message) { m.Parts = []enact.Part{enact.Part(`{"type":"b"}`)} },
			func(m *enact.Message) { m.Metadata = []byte(`{"b":2}`) },
			func(m *enact.Message) { m.Usage, m.Cost = &enact.TokenUsage{Input: 5}, &enact.Cost{Nanos: -1} },
			func(m *enact.Message) { m.Stats, m.FinishReason = nil, "length" },
			func(m *enact.Message) {
				m.Content, m.Parts, m.Metadata, m.Usage, m.Cost, m.FinishReason = "", nil, nil, nil, nil, ""
			},
		} {
			edit := current
			change(&edit)
			stored, err := tenant.Messages.UpdateMessage(f.ctx, edit)
			must(f, fmt.Sprintf("edit %d", i), err)
			edit.Version, edit.UpdatedAt = current.Version+1, stored.UpdatedAt
			mustEqual(f, fmt.Sprintf("what edit %d returned", i), stored, edit)
			got, err := tenant.Messages.GetMessage(f.ctx, "m")
			must(f, "GetMessage", err)
			mustEqual(f, fmt.Sprintf("the message after edit %d", i), got, edit)
			current = stored
		}
	})
}

// TestM7CreatingAgain compares what the handle encodes: the same is the same again,
// and each field counts.
func TestM7CreatingAgain(t *testing.T) {
	onEach(t, backends, func(f *fixture) {
		tenant := f.tenant()
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		mustCreateMessage(f, tenant, said("t", "parent", "x"))
		given := fullMessage("t", "m", "parent")
		stored := mustCreateMessage(f, tenant, given)
		for _, at := range []time.Time{given.CreatedAt, {}, given.CreatedAt.In(time.FixedZone("", 3600)), given.CreatedAt.Add(999)} {
			m := fullMessage("t", "m", "parent")
			m.CreatedAt = at
			mustEqual(f, fmt.Sprintf("the message created again at %v", at), mustCreateMessage(f, tenant, m), stored)
		}
		for name, change := range map[string]func(*enact.Message){
			"parts":          func(m *enact.Message) { m.Parts = m.Parts[1:] },
			"a part's space": func(m *enact.Message) { m.Parts[0] = append(m.Parts[0], ' ') },
			"metadata":       func(m *enact.Message) { m.Metadata = []byte(`{}`) },
			"usage":          func(m *enact.Message) { m.Usage = &enact.TokenUsage{} },
			"cost":           func(m *enact.Message) { m.Cost = nil },
			"reason":         func(m *enact.Message) { m.FinishReason = "" },
			"stats":          func(m *enact.Message) { m.Stats = nil },
		} {
			m := fullMessage("t", "m", "parent")
			change(&m)
			_, err := tenant.Messages.CreateMessage(f.ctx, m)
			mustFail(f, "creating a message again with another "+name, err, enact.ErrExists)
		}
	})
}
