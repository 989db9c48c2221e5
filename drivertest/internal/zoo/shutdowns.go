package zoo

var shutdowns []*Broken
