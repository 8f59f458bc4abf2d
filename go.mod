module github.com/mcpoauth/mcpoauth

go 1.26.0

require (
	github.com/go-chi/chi/v5 v5.5.0 // indirect
	github.com/go-webauthn/webauthn v0.18.2 // indirect
	golang.org/x/time v0.16.0 // indirect
)
