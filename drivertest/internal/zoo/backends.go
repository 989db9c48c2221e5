package zoo

var backends []*Broken
