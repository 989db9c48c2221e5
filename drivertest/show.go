package drivertest

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// difference goes down into lists of one length to where they differ.
func difference(where string, got, want any) (_ string, g, w any, same bool) {
	if reflect.DeepEqual(got, want) {
		return where, got, want, true
	}
	gv, wv := reflect.ValueOf(got), reflect.ValueOf(want)
	if !gv.IsValid() || !wv.IsValid() || gv.Kind() != reflect.Slice || gv.Type() != wv.Type() || gv.Type().Elem().Kind() == reflect.Uint8 || gv.Len() != wv.Len() {
		return where, got, want, false
	}
	for i := range gv.Len() {
		if g, w := gv.Index(i).Interface(), wv.Index(i).Interface(); !reflect.DeepEqual(g, w) {
			return difference(fmt.Sprintf("%s, element %d", where, i), g, w)
		}
	}
	return where, got, want, false // one is nil, the other empty
}

// shorten is v as a failure shows it.
func shorten(v any) string {
	const most = 2000
	text := show(reflect.ValueOf(v))
	if len(text) > most {
		return fmt.Sprintf("%s … (%d more bytes)", text[:most], len(text)-most)
	}
	return text
}

// show prints bytes and strings quoted, and of a struct the fields that are set.
func show(v reflect.Value) string {
	if !v.IsValid() {
		return "nothing"
	}
	if v.CanInterface() {
		switch v := v.Interface().(type) {
		case time.Time:
			return v.Format(time.RFC3339Nano)
		case error:
			return fmt.Sprintf("error %q", v)
		case fmt.Stringer:
			return v.String()
		}
	}
	var parts []string
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Pointer, reflect.Interface:
		return show(v.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return "nil"
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return strconv.Quote(string(v.Bytes()))
		}
		for i := range v.Len() {
			parts = append(parts, show(v.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			parts = append(parts, show(it.Key())+": "+show(it.Value()))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Field(i).IsZero() && v.Type().Field(i).IsExported() {
				parts = append(parts, v.Type().Field(i).Name+": "+show(v.Field(i)))
			}
		}
		return v.Type().Name() + "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}
