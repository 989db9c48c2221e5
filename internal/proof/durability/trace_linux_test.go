package durability

// call is a system call that concerns the files of the store, or an acknowledgement.
type call struct {
	name string // that of open stands for openat too, that of unlink for unlinkat
	path string // of the file, in the folder of the store
	// Of a pwrite64 the data and where they go, of an ftruncate the new length.
	data   []byte
	offset int64
	// creates says that an open makes the file if it is not there.
	creates bool
	failed  bool

	acknowledges *acknowledgement
}

func (c *call) syncs() bool { return c.name == "fsync" || c.name == "fdatasync" }

// acknowledgement says that a writer's call has returned.
type acknowledgement struct {
	writer  string
	number  int
	receipt uint64
}

// step is the moment at which a call begins or ends. What is between the steps
// happened at the same time.
type step struct {
	*call
	begins bool
}

// trace is what the child did to the files in a folder, in the order in which strace
// has seen it.
type trace struct {
	database string // the path of the file
	steps    []step
	second   int // where the second child begins, if there is one
}

// acknowledgements are the receipts by writer.
func (tr *trace) acknowledgements() promises {
	all := promises{}
	for _, s := range tr.steps {
		all.add(s)
	}
	return all
}

func (tr *trace) wal() string { return tr.database + "-wal" }

// databaseName is how the file is called in its folder.
const databaseName = "enact.db"
