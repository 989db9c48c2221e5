package client

import (
	"context"

	"github.com/enactdev/enact"
)

// CreateThread returns the thread.
type CreateThread struct {
	Tenant enact.TenantID
	Thread enact.Thread
}

// Do implements Call.
func (c CreateThread) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return rt.Tenant(c.Tenant).Messages.CreateThread(ctx, c.Thread)
}

// Threads lists all threads of a user.
type Threads struct {
	Tenant enact.TenantID
	User   enact.UserID
	Limit  int
}

// Do implements Call.
func (c Threads) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return pages(c.Limit, func(p enact.Page) ([]enact.Thread, enact.Cursor, error) {
		return rt.Tenant(c.Tenant).Messages.ListThreads(ctx, enact.ThreadQuery{User: c.User, Page: p})
	})
}

// CreateMessage returns the message.
type CreateMessage struct {
	Tenant  enact.TenantID
	Message enact.Message
}

// Do implements Call.
func (c CreateMessage) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return rt.Tenant(c.Tenant).Messages.CreateMessage(ctx, c.Message)
}

// EditMessage gives the message that was read other content, and returns it.
type EditMessage struct {
	Tenant  enact.TenantID
	Message enact.Message
	Content string
}

// Do implements Call.
func (c EditMessage) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	c.Message.Content = c.Content
	return rt.Tenant(c.Tenant).Messages.UpdateMessage(ctx, c.Message)
}

// DeleteMessage hides a message.
type DeleteMessage struct {
	Tenant enact.TenantID
	ID     enact.MessageID
}

// Do implements Call.
func (c DeleteMessage) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return nil, rt.Tenant(c.Tenant).Messages.DeleteMessage(ctx, c.ID)
}

// GetMessage returns a message, deleted or not.
type GetMessage struct {
	Tenant enact.TenantID
	ID     enact.MessageID
}

// Do implements Call.
func (c GetMessage) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return rt.Tenant(c.Tenant).Messages.GetMessage(ctx, c.ID, enact.IncludeDeleted())
}

// Messages lists all messages of a thread.
type Messages struct {
	Tenant         enact.TenantID
	Thread         enact.ThreadID
	Backward       bool
	IncludeDeleted bool
	Limit          int
}

// Do implements Call.
func (c Messages) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return pages(c.Limit, func(p enact.Page) ([]enact.Message, enact.Cursor, error) {
		return rt.Tenant(c.Tenant).Messages.ListMessages(ctx, enact.MessageQuery{Thread: c.Thread, Backward: c.Backward, IncludeDeleted: c.IncludeDeleted, Page: p})
	})
}
