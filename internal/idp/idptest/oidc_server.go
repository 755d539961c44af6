package idptest

import (
	"context"
	"crypto/rand"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// newProviderServer is the library's provider with a login form before it. The
// example's own server cannot be used: it changes settings that all providers of
// a process share.
func newProviderServer(issuer string, storage *providerStorage) (http.Handler, error) {
	config := &op.Config{
		CodeMethodS256:          true,
		AuthMethodPost:          true,
		AuthMethodPrivateKeyJWT: true,
		GrantTypeRefreshToken:   true,
	}
	_, _ = rand.Read(config.CryptoKey[:]) // it never fails
	provider, err := op.NewProvider(config, storage, op.StaticIssuer(issuer),
		op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	form := &loginForm{storage: storage, done: op.AuthCallbackURL(provider)}
	routes := http.NewServeMux()
	routes.Handle("GET /login/username", http.HandlerFunc(form.show))
	routes.Handle("POST /login/username", op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc(form.submit))
	routes.Handle("/", provider)
	return routes, nil
}

// loginPage is what people see.
var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in</title></head>
<body>
<h1>Sign in</h1>
<form method="post" action="/login/username">
<input type="hidden" name="id" value="{{.ID}}">
<p><label for="username">Login name</label> <input id="username" name="username" autocomplete="username"></p>
<p><label for="password">Password</label> <input id="password" name="password" type="password"></p>
{{with .Problem}}<p role="alert">{{.}}</p>{{end}}
<button type="submit">Sign in</button>
</form>
</body>
</html>
`))

// loginForm asks people who they are.
type loginForm struct {
	storage *providerStorage
	done    func(ctx context.Context, id string) string
}

func (f *loginForm) show(w http.ResponseWriter, r *http.Request) {
	f.render(w, r.FormValue("authRequestID"), "")
}

func (*loginForm) render(w http.ResponseWriter, id, problem string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = loginPage.Execute(w, struct{ ID, Problem string }{ID: id, Problem: problem})
}

func (f *loginForm) submit(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("id")
	if err := f.storage.logIn(r.Context(), r.FormValue("username"), r.FormValue("password"), id); err != nil {
		f.render(w, id, err.Error())
		return
	}
	http.Redirect(w, r, f.done(r.Context(), id), http.StatusFound)
}
