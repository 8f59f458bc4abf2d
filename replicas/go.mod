module github.com/mcpoauth/mcpoauth/replicas

go 1.26.0

require (
	github.com/descope/virtualwebauthn v1.0.3
	github.com/mcpoauth/mcpoauth v0.0.0
)

require (
	github.com/fxamacker/cbor/v2 v2.9.4 // indirect
	github.com/x448/float16 v0.8.4 // indirect
)

replace github.com/mcpoauth/mcpoauth => ../
