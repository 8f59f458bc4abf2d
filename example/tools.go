package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/gosdk"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// newMCPHandler returns the MCP server, without any protection of its own: the
// router around it lets nobody through whom the owner has not approved.
func newMCPHandler(notes *Notes) http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Title: "Notes", Version: "1.0.0"}, nil)
	tools := noteTools{notes}
	mcp.AddTool(server, &mcp.Tool{Name: "add_note", Description: "Keep a note"}, tools.add)
	mcp.AddTool(server, &mcp.Tool{
		Name: "list_notes", Description: "List the notes, oldest first",
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true},
	}, tools.list)
	mcp.AddTool(server, &mcp.Tool{Name: "delete_note", Description: "Delete a note by its id"}, tools.delete)
	mcp.AddTool(server, &mcp.Tool{
		Name: "whoami", Description: "Show as whom this server knows you",
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true},
	}, whoami)

	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
		// No session is worth keeping, so none is lost when the server restarts.
		Stateless: true,
		// A tunnel connects from this machine and names the public host. The check
		// stops web pages from reaching an open local server (DNS rebinding); they
		// have no access token for this one.
		DisableLocalhostProtection: true,
	})
	return gosdk.TokenInfo(handler)
}

// noteTools are the tools on the notes of whoever calls them.
type noteTools struct{ notes *Notes }

type (
	addInput struct {
		Text string `json:"text" jsonschema:"what to remember"`
	}
	deleteInput struct {
		ID int `json:"id" jsonschema:"the id that add_note or list_notes gave"`
	}
	listOutput struct {
		Notes []Note `json:"notes"`
	}
	deleteOutput struct {
		Deleted int `json:"deleted"`
	}
)

func (t noteTools) add(_ context.Context, req *mcp.CallToolRequest, in addInput) (*mcp.CallToolResult, Note, error) {
	user, err := userOf(req)
	if err != nil {
		return nil, Note{}, err
	}
	note, err := t.notes.Add(user, in.Text)
	return nil, note, err
}

func (t noteTools) list(_ context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, listOutput, error) {
	user, err := userOf(req)
	if err != nil {
		return nil, listOutput{}, err
	}
	notes, err := t.notes.List(user)
	if err != nil {
		return nil, listOutput{}, err
	}
	if notes == nil {
		notes = []Note{} // null is no array, as the tool's output schema promises
	}
	return nil, listOutput{notes}, nil
}

func (t noteTools) delete(_ context.Context, req *mcp.CallToolRequest, in deleteInput) (*mcp.CallToolResult, deleteOutput, error) {
	user, err := userOf(req)
	if err != nil {
		return nil, deleteOutput{}, err
	}
	return nil, deleteOutput{in.ID}, t.notes.Delete(user, in.ID)
}

// userOf returns whose notes a call is about. A call without a user must not reach
// a notebook, not even one that everybody without a user would share.
func userOf(req *mcp.CallToolRequest) (string, error) {
	if req.Extra == nil || req.Extra.TokenInfo == nil || req.Extra.TokenInfo.UserID == "" {
		return "", errors.New("this server does not know who you are")
	}
	return req.Extra.TokenInfo.UserID, nil
}

// whoamiOutput is what both ways to ask for the caller answer.
type whoamiOutput struct {
	UserID    string       `json:"user_id"`
	ClientID  string       `json:"client_id"`
	GrantID   string       `json:"grant_id"`
	Resource  string       `json:"resource"`
	Scopes    []string     `json:"scopes"`
	ExpiresAt time.Time    `json:"expires_at"`
	TokenInfo tokenInfoOut `json:"token_info" jsonschema:"the same, as the MCP SDK has it"`
}

type tokenInfoOut struct {
	UserID    string         `json:"user_id"`
	Scopes    []string       `json:"scopes"`
	ExpiresAt time.Time      `json:"expires_at"`
	Extra     map[string]any `json:"extra"`
}

func whoami(ctx context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, whoamiOutput, error) {
	id, ok := mcpoauth.IdentityFromContext(ctx)
	if _, err := userOf(req); err != nil || !ok {
		return nil, whoamiOutput{}, errors.New("this server does not know who you are")
	}
	info := req.Extra.TokenInfo
	return nil, whoamiOutput{
		UserID:    id.UserID,
		ClientID:  id.ClientID,
		GrantID:   id.GrantID,
		Resource:  id.Resource,
		Scopes:    id.Scopes,
		ExpiresAt: id.ExpiresAt,
		TokenInfo: tokenInfoOut{UserID: info.UserID, Scopes: info.Scopes, ExpiresAt: info.Expiration, Extra: info.Extra},
	}, nil
}
