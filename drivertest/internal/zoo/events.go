package zoo

var events []*Broken
