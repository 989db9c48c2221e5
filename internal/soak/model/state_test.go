package model

import "testing"

func TestCounterIsWhatWasAcknowledged(t *testing.T) {
	c := NewCounter("counter")
	for step, fate := range map[string]Fate{"a": Acknowledged, "b": Unknown, "r": Refused} {
		c.Begin(step)
		c.End(step, fate)
	}
	for _, whole := range []string{`{"n":1,"by":["a"]}`, `{"n":2,"by":["a","b"]}`, `{"n":2,"by":["b","a"]}`} {
		_, err := c.Check([]byte(whole), during())
		wantWhole(t, err)
	}
	for value, rule := range map[string]string{
		``:                         "S1",
		`{"n":1,"by":["b"]}`:       "S3", // a's update was lost
		`{"n":2,"by":["a","r"]}`:   "B9",
		`{"n":2,"by":["a","a"]}`:   "S1",
		`{"n":2,"by":["a","x"]}`:   "S1",
		`{"n":3,"by":["a","b"]}`:   "S1",
		`{"n":2,"by":["b","r"]}`:   "B9",
		`{"n":0,"by":[]}`:          "S3",
		`something of another key`: "S1",
	} {
		_, err := c.Check([]byte(value), during())
		wantBroken(t, err, rule)
	}
	_, err := c.Check(nil, during())
	wantBroken(t, err, "S3")
}

func TestCounterNextListsTheStep(t *testing.T) {
	c := NewCounter("counter")
	var count Count
	for _, step := range []string{"a", "b"} {
		c.Begin(step)
		c.End(step, Acknowledged)
		var err error
		value := count.Next(step)
		if count, err = c.Check(append([]byte(nil), value...), Span{From: 0, To: Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if count.N != 2 || count.By[0] != "a" || count.By[1] != "b" {
		t.Errorf("after a and b the counter is %v", count)
	}
}

func TestContestHasOneWinner(t *testing.T) {
	c := NewContest("first")
	for _, value := range []string{"a", "b", "u"} {
		c.Begin(value)
	}
	wantWhole(t, c.End("a", Acknowledged, false))
	wantWhole(t, c.Check(Reading{Found: true, Value: "a"}, during()))
	wantBroken(t, c.Check(Reading{}, during()), "S1", "missing")
	wantBroken(t, c.Check(Reading{Found: true, Value: "u"}, during()), "S3")
	wantBroken(t, c.Check(Reading{Found: true, Value: "x"}, during()), "S1")
	wantBroken(t, c.End("b", Acknowledged, false), "S3", "2 times")
}

func TestContestIsNotLostAgainstNobody(t *testing.T) {
	c := NewContest("first")
	c.Begin("a")
	wantWhole(t, c.End("a", Refused, true))
	wantBroken(t, c.CheckLosers(Reading{}), "S3")
	wantBroken(t, c.Check(Reading{Found: true, Value: "a"}, during()), "B9")
}
