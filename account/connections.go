package account

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpoauth/mcpoauth/templates"
)

const (
	pageSize  = 50
	maxSearch = 100 // characters that are searched for
)

func (h *Handler) connectionsPage(v *visit) error {
	ctx, query := v.r.Context(), v.r.URL.Query()
	frame, err := h.frame(v, "/account")
	if err != nil {
		return err
	}
	all, err := h.connections(ctx, v.whose())
	if err != nil {
		return err
	}
	names, err := h.names(v)
	if err != nil {
		return err
	}
	page := templates.Connections{
		Account: frame, Total: len(all), Several: len(names) > 1, Query: searched(query),
		ResourceURLs: h.resourceURLs(),
	}
	counts := make(map[string]int) // of a client's connections, whether they are found or not
	for _, c := range all {
		counts[c.ClientID]++
	}
	found, err := h.search(v, all, names, page.Query)
	if err != nil {
		return err
	}
	arrange(found)
	more := make(url.Values)
	if page.Query != "" {
		more.Set("q", page.Query)
	}
	at := turn(len(found), query.Get("page"), "/account", more)
	page.Found, page.Page, page.First, page.Last, page.Previous, page.Next = len(found), at.number, at.from+1, at.to, at.previous, at.next
	paged := found[at.from:at.to]
	clients, err := h.clientNames(ctx, paged)
	if err != nil {
		return err
	}
	for i, c := range paged {
		if i == 0 || paged[i-1].group() != c.group() {
			page.Groups = append(page.Groups, templates.Group{
				Keys: c.key(), Name: clients[c.ClientID], Host: c.host, Loopback: c.loopback, ClientID: c.ClientID, Count: counts[c.ClientID],
			})
		}
		last := &page.Groups[len(page.Groups)-1]
		last.Grants = append(last.Grants, h.describe(c, names[c.UserID], v.now))
	}
	return h.render(v, page)
}

// names returns what the people are called whose connections v sees.
func (h *Handler) names(v *visit) (map[string]string, error) {
	if !v.user.Owner() {
		return map[string]string{v.user.ID: v.user.Name}, nil
	}
	return h.personNames(v.r.Context())
}

func searched(query url.Values) string {
	q := []rune(templates.Clean(query.Get("q")))
	return strings.TrimSpace(string(q[:min(len(q), maxSearch)]))
}

// search returns the connections of list that q is found in: in anything that the page
// says of one.
func (h *Handler) search(v *visit, list []connection, names map[string]string, q string) ([]connection, error) {
	if q == "" {
		return list, nil
	}
	clients, err := h.clientNames(v.r.Context(), list)
	if err != nil {
		return nil, err
	}
	q = strings.ToLower(q)
	return slices.DeleteFunc(list, func(c connection) bool {
		words := []string{templates.Clean(clients[c.ClientID]), c.host, c.KeyName, c.Resource, h.resourceName(c.Resource), c.from}
		if len(names) > 1 {
			words = append(words, names[c.UserID])
		}
		for _, scope := range h.scopes(c.Scopes) {
			words = append(words, scope.Name, scope.Description)
		}
		return !strings.Contains(strings.ToLower(strings.Join(words, "\n")), q)
	}), nil
}

// A leaf is one page of a long list.
type leaf struct {
	number, from, to int // from and to are indices into the list
	previous, next   string
}

// turn finds the page of that number in a list of n, at path with more in its query. A
// number that is none is the nearest one: after the last connection of a page was revoked,
// the one before is shown.
func turn(n int, number, path string, more url.Values) leaf {
	last := max(1, (n+pageSize-1)/pageSize)
	page, err := strconv.Atoi(number)
	if err != nil {
		page = 1
	}
	page = min(max(page, 1), last)
	link := func(page int) string {
		if page < 1 || page > last {
			return ""
		}
		query := maps.Clone(more)
		query.Set("page", strconv.Itoa(page))
		return path + "?" + query.Encode()
	}
	return leaf{number: page, from: (page - 1) * pageSize, to: min(page*pageSize, n), previous: link(page - 1), next: link(page + 1)}
}

func (h *Handler) resourceURLs() []string {
	var urls []string
	for _, r := range h.Resources {
		urls = append(urls, r.URL)
	}
	return urls
}
