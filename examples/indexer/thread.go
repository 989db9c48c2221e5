package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/enactdev/enact"
)

// The thread of a directory is how its runs look to people: a request and an
// answer each. Messages have fixed IDs and say nothing that differs between two
// attempts, so they can be created again after a crash.

// announce makes the thread and the message that asks for the run.
func (j *job) announce(ctx context.Context) error {
	thread := enact.Thread{ID: j.folder.thread(), User: "indexer", Title: printable(j.folder.path)}
	if _, err := j.tenant.Messages.CreateThread(ctx, thread); err != nil && !errors.Is(err, enact.ErrExists) {
		return fmt.Errorf("create the thread: %w", err)
	}
	return j.say(ctx, enact.Message{
		ID: j.message("start"), Role: enact.RoleUser,
		Content: fmt.Sprintf("Index %s: %d text files", printable(j.folder.path), len(j.files.files)),
	})
}

// summarize makes the message that says what came of the run.
func (j *job) summarize(ctx context.Context, log audit) error {
	text := fmt.Sprintf("Indexed %d files as %d documents; %d files failed.", log.steps, log.documents, len(log.failed))
	part, err := enact.TextPart(text)
	if err != nil {
		return err
	}
	return j.say(ctx, enact.Message{
		ID: j.message("summary"), Role: enact.RoleAssistant, Content: text, Parts: []enact.Part{part},
		Stats: &enact.ExecutionStats{Steps: int64(log.steps), ToolCalls: int64(log.toolCalls)},
	})
}

func (j *job) message(kind string) enact.MessageID {
	return enact.MessageID(string(j.log.execution) + "/" + kind)
}

// say creates a message. The thread belongs to people: they may have edited the
// message since, or deleted the thread, and that is no reason to fail.
func (j *job) say(ctx context.Context, m enact.Message) error {
	m.Thread, m.Execution = j.folder.thread(), j.log.execution
	_, err := j.tenant.Messages.CreateMessage(ctx, m)
	if err != nil && !errors.Is(err, enact.ErrExists) && !errors.Is(err, enact.ErrNotFound) {
		return fmt.Errorf("create message %q: %w", m.ID, err)
	}
	return nil
}
