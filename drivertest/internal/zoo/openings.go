package zoo

var openings []*Broken
