package manifest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Whatever the text, reading ends, and what is taken is what the library reads by
// itself: nothing is judged that helm would not send.
func FuzzRead(f *testing.F) {
	goldens, _ := filepath.Glob("testdata/charts/*/*.golden")
	for _, file := range goldens {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{sound, "a: &a [*a]", "? [a]\n: b", "--- |\n x\n", "a: !!str 1", "- - - -", "{a: b, a: c}", "a: 2001-01-01", "a: 0o7", "a: +1", "a: 1e400", "\ufeff" + sound, sound + "\r\n---\r\n" + sound} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		objects, findings := read("x", stream)
		if len(findings) > 0 || len(objects) != 1 {
			return
		}
		var plain any
		decoder := yaml.NewDecoder(bytes.NewReader(stream))
		if err := decoder.Decode(&plain); err != nil {
			return // more than one document of which one holds an object
		}
		if m, ok := plain.(map[string]any); !ok || m["items"] != nil || m["kind"] == nil {
			return
		}
		ours, err := json.Marshal(objects[0].Value)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := json.Marshal(plain)
		if err != nil {
			return
		}
		var a, b any
		_ = json.Unmarshal(ours, &a)
		_ = json.Unmarshal(theirs, &b)
		if x, y := canonical(a), canonical(b); x != y {
			t.Errorf("read as %s, which is %s", x, y)
		}
	})
}

func canonical(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
