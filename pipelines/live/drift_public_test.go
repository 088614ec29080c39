package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// anyJSON makes a value with all that a copy by hand could stumble over.
func anyJSON(r *rand.Rand, depth int) any {
	texts := []string{"", "a", `"`, `\`, `\"`, "{", "]", ",", ":", `":`, "resource_changes", "é\u2028", "a\nb"}
	switch n := r.IntN(8); {
	case n < 2 && depth > 0:
		object := map[string]any{}
		for range r.IntN(4) {
			object[append(texts, "resource_drift", "other")[r.IntN(len(texts)+2)]] = anyJSON(r, depth-1)
		}
		return object
	case n < 4 && depth > 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, anyJSON(r, depth-1))
		}
		return list
	case n == 4:
		return nil
	case n == 5:
		return float64(r.IntN(3))
	}
	return texts[r.IntN(len(texts))]
}

// A member of the top is renamed, and nothing else: neither below, nor in texts.
func TestRenameMembers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	renamed := 0
	for i := range 2_000 {
		in := map[string]any{"format_version": anyJSON(r, 3)}
		want := map[string]any{"before": true, "format_version": in["format_version"]}
		for name, other := range map[string]string{"resource_changes": "resource_drift", "resource_drift": "left_out", `quo"ted`: `quo"ted`, "configuration": "configuration"} {
			if r.IntN(2) == 0 {
				in[name] = anyJSON(r, 4)
				want[other] = in[name]
				renamed++
			}
		}
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			text, _ = json.MarshalIndent(in, " ", "\t")
		}
		out := bytes.NewBufferString(`{"before":true,`)
		w := bufio.NewWriter(out)
		if err := renameMembers(bytes.NewReader(text), w, map[string]string{"resource_changes": "resource_drift", "resource_drift": "left_out"}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("of %s came %s, %v", text, out, err)
		}
	}
	if renamed < 2_000 {
		t.Errorf("%d were renamed", renamed)
	}
	for _, text := range []string{`{"a`, `{"a\`, `{"a":"b`} {
		if err := renameMembers(strings.NewReader(text), bufio.NewWriter(&bytes.Buffer{}), nil); err == nil {
			t.Errorf("%s is copied", text)
		}
	}
}

// What is ignored is made as it was, and only that: of all paths at which two values
// differ some are made equal, and then they differ at the others alone.
func TestEqualised(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pathsOf := func(before, after any) []string {
		var list []string
		differ(nil, before, after, nil, func(path []string, _, _ any) { list = append(list, strings.Join(path, "\x00")) })
		return list
	}
	compared := 0
	for range 4_000 {
		before, after := map[string]any{}, map[string]any{}
		for i := range 3 {
			before[fmt.Sprint("k", i)], after[fmt.Sprint("k", i)] = anyJSON(r, 3), anyJSON(r, 3)
		}
		text, _ := json.Marshal(after)
		var left []string
		differing := pathsOf(before, after)
		for _, path := range differing {
			if r.IntN(2) == 0 {
				left = append(left, path)
				continue
			}
			after = equalised(after, before, strings.Split(path, "\x00")).(map[string]any)
			compared++
		}
		if got := pathsOf(before, after); !reflect.DeepEqual(got, left) {
			now, _ := json.Marshal(after)
			was, _ := json.Marshal(before)
			t.Fatalf("%s and %s differ at %q; as %s they differ at %q, not %q", was, text, differing, now, got, left)
		}
	}
	if compared < 2_000 {
		t.Errorf("%d paths were compared", compared)
	}
}
