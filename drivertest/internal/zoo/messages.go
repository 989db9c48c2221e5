package zoo

var messages []*Broken
