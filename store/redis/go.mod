module github.com/mcpoauth/mcpoauth/store/redis

go 1.26.0

require (
	github.com/mcpoauth/mcpoauth v0.0.0
	github.com/redis/rueidis v1.0.79
)

require (
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace github.com/mcpoauth/mcpoauth => ../..
