package zoo

var states []*Broken
