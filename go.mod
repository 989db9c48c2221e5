module github.com/enactdev/enact

go 1.26.0

require github.com/hashicorp/go-multierror v1.1.1

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/hashicorp/errwrap v1.0.0 // indirect
)
