package zoo

var vectors []*Broken
