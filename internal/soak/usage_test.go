package main

import (
	"strings"
	"testing"

	"github.com/enactdev/enact/internal/soak/client"
)

// rounds is what a process uses in 20 rounds.
func rounds(of func(i int) client.Used) usage {
	u := usage{}
	for i := range 20 {
		u.add("the soak", of(i))
	}
	return u
}

func TestFlatUsageIsFine(t *testing.T) {
	u := rounds(func(i int) client.Used {
		return client.Used{Goroutines: 30 + i%7, Files: 50 + i%5, Heap: uint64(9+i%3) << 20, Resident: uint64(60+i%9) << 20}
	})
	if err := u.check(); err != nil {
		t.Errorf("the verdict on what goes up and down is: %v", err)
	}
	if err := rounds(func(i int) client.Used { return client.Used{Goroutines: 1000 / (i + 1)} }).check(); err != nil {
		t.Errorf("the verdict on what is made once is: %v", err)
	}
}

func TestGrowthIsFound(t *testing.T) {
	for word, of := range map[string]func(i int) client.Used{
		"goroutines": func(i int) client.Used { return client.Used{Goroutines: 30 + 9*i} },
		"files":      func(i int) client.Used { return client.Used{Files: 30 + 9*i} },
		"heap":       func(i int) client.Used { return client.Used{Heap: uint64(i) << 20} },
		"resident":   func(i int) client.Used { return client.Used{Resident: uint64(i) << 23} },
	} {
		if err := rounds(of).check(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the verdict on growing %s is %v", word, err)
		}
	}
}
