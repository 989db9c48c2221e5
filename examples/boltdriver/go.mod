module github.com/enactdev/enact/examples/boltdriver

go 1.26.0

require (
	github.com/enactdev/enact v0.0.0
	go.etcd.io/bbolt v1.5.0
)

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/hashicorp/errwrap v1.1.0 // indirect
	github.com/hashicorp/go-multierror v1.1.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/enactdev/enact => ../..
