package resource

import (
	"encoding/json"
	"testing"
	"testing/fstest"
)

// What is wanted tells the blocks inside of blocks in JSON syntax.
func TestBlocksInsideOfBlocksInJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": {"b": {"c": true}}}`:               `[{"b":[{"c":true}]}]`,
		`{"a": [{"b": [{"c": true}]}]}`:           `[{"b":[{"c":true}]}]`,
		`{"a": {"b": "${thing.x.id}"}}`:           `[{"b":{"$ref":{"address":"thing.x","attribute":"id","name":"x","type":"thing"}}}]`,
		`{"a": {"dynamic": {"b": {"c": false}}}}`: `[{"$unknown":{"message":"dynamic blocks inside of blocks in JSON syntax are not evaluated: judge its plan instead"}}]`,
	} {
		fsys := fstest.MapFS{"main.tf.json": {Data: []byte(`{"resource": {"thing": {"x": {}}, "box": {"b": ` + text + `}}}`)}}
		d, err := FromConfiguration(t.Context(), fsys, ".", Wanted{"box": {"a.b.c"}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(d.Resources[0].Values["a"]); err != nil || string(got) != want {
			t.Errorf("%s is %s, want %s (%v)", text, got, want, err)
		}
	}
}
