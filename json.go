package enact

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"unicode/utf8"
)

// marshalJSON is json.Marshal without HTML escaping, and with an error where
// json.Marshal would replace invalid UTF-8: what is stored comes back.
func marshalJSON(v any) ([]byte, error) {
	if !validUTF8(reflect.ValueOf(v)) {
		return nil, errors.New("a string or raw JSON in it is not valid UTF-8; bytes belong in Custom.Data or in base64")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

// validUTF8 looks at every string, map key and raw JSON that v holds. Types that
// marshal themselves are their own responsibility.
func validUTF8(v reflect.Value) bool {
	if v.IsValid() && v.Type() != rawMessage && v.Type().Implements(reflect.TypeFor[json.Marshaler]()) {
		return true
	}
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Slice, reflect.Array:
		if v.Type() == rawMessage {
			return utf8.Valid(v.Bytes())
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return true // base64
		}
		for i := range v.Len() {
			if !validUTF8(v.Index(i)) {
				return false
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if !validUTF8(it.Key()) || !validUTF8(it.Value()) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !validUTF8(v.Field(i)) {
				return false
			}
		}
	case reflect.Pointer, reflect.Interface:
		return v.IsNil() || validUTF8(v.Elem())
	}
	return true
}
