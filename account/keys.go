package account

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

const keysPath = "/account/keys"

// keyLives are how many days a key can live; the second is what is proposed.
var keyLives = []int{7, 30, 90, 365}

const defaultLife = 30

// maxKeys is how many API keys one person may have here. Each is a record that lives for up
// to a year.
const maxKeys = 100

func (h *Handler) keysPage(v *visit) error {
	return h.keys(v, keyForm{resource: &h.Resources[0], scopes: h.Resources[0].Scopes, life: defaultLife}, "")
}

// keys shows the keys of who is signed in, and a form for another.
func (h *Handler) keys(v *visit, form keyForm, problem string) error {
	frame, err := h.frame(v, keysPath)
	if err != nil {
		return err
	}
	page := templates.Keys{Account: frame, Name: form.name, Problem: problem}
	own, err := h.connections(v.r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	arrange(own)
	for _, c := range own {
		if c.key() {
			page.Keys = append(page.Keys, h.describe(c, "", v.now))
		}
	}
	for _, s := range h.Scopes {
		page.Scopes = append(page.Scopes, templates.Choice{Value: s.Name, Text: s.Description, Chosen: slices.Contains(form.scopes, s.Name)})
	}
	for _, r := range h.Resources {
		chosen := form.resource != nil && form.resource.URL == r.URL
		page.Resources = append(page.Resources, templates.Choice{Value: r.URL, Text: cmp.Or(h.resourceName(r.URL), r.Name), Chosen: chosen})
	}
	for _, days := range keyLives {
		page.Lives = append(page.Lives, templates.Choice{Value: strconv.Itoa(days), Text: lifeInWords(days), Chosen: days == form.life})
	}
	return h.render(v, page)
}

// A keyForm is what somebody asks for who wants an API key.
type keyForm struct {
	name     string
	resource *oauth.Resource
	scopes   []string
	life     int // days
}

// keyForm reads the form. problem says what is wrong with it, or is empty.
func (h *Handler) keyForm(v *visit) (form keyForm, problem string) {
	var ok bool
	form.name, ok = cleanName(v.form.Get("name"))
	if !ok {
		problem = "The key needs a name of 1 to 64 characters."
	}
	for _, s := range h.Scopes {
		if v.form.Get("scope."+s.Name) != "" {
			form.scopes = append(form.scopes, s.Name)
		}
	}
	form.life, _ = strconv.Atoi(v.form.Get("life"))
	i := slices.IndexFunc(h.Resources, func(r oauth.Resource) bool { return r.URL == v.form.Get("resource") })
	switch {
	case i < 0:
		return form, "Choose what the key is for."
	case problem != "":
	case len(form.scopes) == 0:
		problem = "Choose what the key may do."
	case !h.Scopes.Cover(form.scopes, h.Resources[i].Scopes):
		problem = "With these choices the key would be refused: to be let in there, it must have " + strings.Join(h.Resources[i].Scopes, ", ") + "."
	case !slices.Contains(keyLives, form.life):
		problem = "Choose when the key ends."
	}
	form.resource = &h.Resources[i]
	return form, problem
}

func (h *Handler) createKey(v *visit) error {
	form, problem := h.keyForm(v)
	if problem == "" {
		full, err := h.fullOfKeys(v)
		if err != nil {
			return err
		}
		if full {
			problem = fmt.Sprintf("You have %d keys, and there can be no more. Revoke one first.", maxKeys)
		}
	}
	if problem != "" {
		return h.keys(v, form, problem)
	}
	page := h.confirmKey(form)
	if yes, err := h.confirmed(v, page, "create key", form.params()...); !yes {
		return err
	}
	life := time.Duration(form.life) * 24 * time.Hour
	key, grant, err := h.Store.CreateKey(v.r.Context(), store.NewKey{
		UserID: v.user.ID, Name: form.name, Resource: form.resource.URL, Scopes: form.scopes, Life: life,
	})
	if err != nil {
		return wrap("storing an API key", err)
	}
	h.Log.InfoContext(v.r.Context(), "key.created", "user_id", v.user.ID, "grant_id", grant.ID, "name", form.name, "resource", form.resource.URL, "scopes", form.scopes, "expires", grant.CreatedAt.Time().Add(life))
	frame, err := h.frame(v, keysPath)
	if err != nil {
		return err
	}
	return h.render(v, templates.KeyMade{
		Account: frame, Name: form.name, Key: key, URL: form.resource.URL, Expires: templates.NewWhen(grant.CreatedAt.Time().Add(life), v.now),
	})
}

// fullOfKeys reports whether who is signed in has as many API keys as they may.
func (h *Handler) fullOfKeys(v *visit) (bool, error) {
	n := 0
	for g, err := range h.grants(v.r.Context(), v.user.ID) {
		if err != nil {
			return false, wrap("listing grants", err)
		}
		if g.ClientID == "" {
			n++
		}
	}
	return n >= maxKeys, nil
}

// params are what the touch is bound to: all of the form.
func (f keyForm) params() []string {
	return append([]string{f.name, f.resource.URL, strconv.Itoa(f.life)}, f.scopes...)
}

func (h *Handler) confirmKey(form keyForm) templates.Confirm {
	page := templates.Confirm{
		Title: "Create the API key “" + form.name + "”?", Button: "Create with your passkey", Cancel: keysPath,
		Lines: []string{"Whoever has the key can do this in your name, without asking you:"},
		Fields: []templates.Field{
			{Name: "name", Value: form.name}, {Name: "resource", Value: form.resource.URL}, {Name: "life", Value: strconv.Itoa(form.life)},
		},
	}
	var may []string
	for _, scope := range h.scopes(form.scopes) {
		page.Fields = append(page.Fields, templates.Field{Name: "scope." + scope.Name, Value: "yes"})
		may = append(may, cmp.Or(scope.Description, scope.Name))
	}
	page.Facts = []templates.Fact{
		{Name: "It may", Value: strings.Join(may, " · ")},
		{Name: "At", Value: form.resource.URL},
		{Name: "It ends after", Value: lifeInWords(form.life)},
	}
	return page
}

func lifeInWords(days int) string {
	if days == 365 {
		return "a year"
	}
	return count(days, "day")
}
