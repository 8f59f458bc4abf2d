package perf

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// A floorClient is a client as it registered, and the answer to that.
type floorClient struct {
	ID           string   `json:"client_id"`
	IssuedAt     int64    `json:"client_id_issued_at"`
	Secret       string   `json:"client_secret,omitempty"`
	RedirectURIs []string `json:"redirect_uris"`
	AuthMethod   string   `json:"token_endpoint_auth_method"`
	Grants       []string `json:"grant_types"`
	Responses    []string `json:"response_types"`
	Name         string   `json:"client_name"`
	Scope        string   `json:"scope,omitempty"`
	hash         secret.Hash
}

// register registers a client, and forgets the one that did so longest ago.
func (f *Floor) register(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	client := new(floorClient)
	if err != nil || json.Unmarshal(body, client) != nil || len(client.RedirectURIs) == 0 {
		refuse(w, "invalid_client_metadata")
		return
	}
	for _, uri := range client.RedirectURIs {
		if u, err := url.Parse(uri); err != nil || u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
			refuse(w, "invalid_redirect_uri")
			return
		}
	}
	if client.AuthMethod == "none" {
		// Who registers the same again gets the same ID.
		same, err := json.Marshal(client)
		if err != nil {
			refuse(w, "server_error")
			return
		}
		client.ID = secret.IDOf(string(same))
	} else {
		client.ID, client.Secret = secret.NewID(), secret.New()
		client.hash = secret.Sum(client.Secret)
	}
	client.IssuedAt = time.Now().Unix()
	made, err := json.Marshal(client)
	if err != nil {
		refuse(w, "server_error")
		return
	}
	client.Secret = ""
	f.mu.Lock()
	if len(f.registered) < registrations {
		f.registered = append(f.registered, client.ID)
	} else {
		delete(f.clients, f.registered[f.turn])
		f.registered[f.turn] = client.ID
		f.turn = (f.turn + 1) % registrations
	}
	f.clients[client.ID] = client
	f.mu.Unlock()
	answer(w, http.StatusCreated, made)
}
