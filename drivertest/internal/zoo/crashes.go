package zoo

var crashes []*Broken
