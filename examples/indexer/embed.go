package main

import (
	"hash/fnv"
	"math"
	"strings"
)

// dimension is how many numbers an embedding has.
const dimension = 256

// The weights of the kinds of features, and of words that say little.
const (
	wordWeight   = 1.0
	pairWeight   = 1.0
	stemWeight   = 0.5
	commonWeight = 0.15
)

// stemLength is how many bytes of a word are its stem, which "addr" and "address"
// share.
const stemLength = 4

// common are words that are everywhere, in English or in Go.
var common = setOf(`a an and are as at be but by can do does for from has have if in into is it its may must no not
of on or so than that the then there this to was we when which will with would
append bool break byte case const continue default defer else err error false fmt func go import int interface
len make map new nil package range return string struct switch t true type uint var`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

// embed stands in for an embedding model, so that this program needs neither a
// network nor a download. It hashes features of a text (its words, the pairs of
// adjacent words, the beginnings of words) to places of a vector. Texts that share
// words become similar; of meaning it knows nothing. The same text always has the
// same embedding, of length 1.
func embed(text string) []float32 {
	var v [dimension]float64
	for _, f := range featuresOf(text) {
		addTo(&v, f.name, f.weight*(1+math.Log(float64(f.count))))
	}
	if v == ([dimension]float64{}) { // no words: all such texts are alike
		addTo(&v, "", 1)
	}
	norm := 0.0
	for _, x := range v {
		norm += x * x
	}
	embedding := make([]float32, dimension)
	for i, x := range v {
		embedding[i] = float32(x / math.Sqrt(norm))
	}
	return embedding
}

// feature is something that a text has, and how often.
type feature struct {
	name   string
	weight float64
	count  int
}

// featuresOf lists the features of a text in the order of their first
// appearance: a fixed order keeps the rounding of sums the same.
func featuresOf(text string) []*feature {
	var list []*feature
	byName := map[string]*feature{}
	add := func(name string, weight float64) {
		f := byName[name]
		if f == nil {
			f = &feature{name: name, weight: weight}
			byName[name] = f
			list = append(list, f)
		}
		f.count++
	}
	previous := "" // the last word that is not common
	for _, identifier := range identifiers(text) {
		words := wordsOf(identifier)
		for _, word := range words {
			if common[word] || len(word) == 1 {
				add("word "+word, commonWeight)
				continue
			}
			add("word "+word, wordWeight)
			if len(word) >= stemLength {
				add("stem "+word[:stemLength], stemWeight)
			}
			if previous != "" {
				add("pair "+previous+" "+word, pairWeight)
			}
			previous = word
		}
		if len(words) > 1 {
			add("word "+strings.Join(words, ""), wordWeight)
		}
	}
	return list
}

// places is how many numbers of the vector a feature changes. One would do, but
// then two features that meet by chance look the same; with several they meet
// in a part only.
const places = 6

// addTo adds a feature to the vector, at places and with signs that its hash
// decides. With signs, features that meet cancel out as often as they add up.
func addTo(v *[dimension]float64, name string, weight float64) {
	h := fnv.New64a()
	h.Write([]byte(name))
	sum := h.Sum64()
	// Every place uses bits of its own, so all of them have to be well mixed.
	sum ^= sum >> 32
	sum *= 0x9e3779b97f4a7c15
	sum ^= sum >> 29
	for range places {
		place, negative := sum%dimension, sum/dimension%2 == 1
		if negative {
			v[place] -= weight
		} else {
			v[place] += weight
		}
		sum /= 2 * dimension
	}
}
