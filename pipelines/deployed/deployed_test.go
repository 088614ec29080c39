package deployed

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

func TestARunIsReadAsItWasBegun(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRun("tester", ledger.CI{Forge: "github", RunURL: "u", RunID: "1", Attempt: "2"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	got, err := s.Run(t.Context(), r.ID)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%v: got %+v, want %+v", err, got, r)
	}
	info, err := os.Stat(s.File(record.RunName(r.ID)))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := s.Begin(t.Context(), r); err == nil {
		t.Error("it was begun twice")
	}
}

func TestALaterFormatIsNotRead(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id := "20261121-141500-3f9a2c"
	for _, text := range []string{`{"format": 2, "id": "` + id + `"}`, `{"format": 1, "id": "` + id + `", "more": 1}`, "", `{"format": 1, "id": "20261121-141500-000000"}`} {
		_ = os.RemoveAll(s.File("runs"))
		if err := s.Store.Create(t.Context(), record.RunName(id), strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Run(t.Context(), id); err == nil {
			t.Errorf("%q was read: %+v", text, r)
		}
	}
}

func TestParseState(t *testing.T) {
	const head = `{"version": 4, "lineage": "l", "serial": 7, "resources": [`
	state, err := ParseState([]byte(head + `
		{"mode": "data", "type": "aws_region", "name": "r", "instances": [{}]},
		{"mode": "managed", "type": "a_b", "name": "c", "instances": [{"index_key": "x\"${y}"}, {"index_key": 3}]},
		{"module": "module.m[0]", "mode": "managed", "type": "a_b", "name": "c", "instances": [{"deposed": "d"}, {}]}]}`))
	want := []Held{{Address: `a_b.c["x\"$${y}"]`, Type: "a_b"}, {Address: "a_b.c[3]", Type: "a_b"},
		{Address: "module.m[0].a_b.c", Type: "a_b", Deposed: true}, {Address: "module.m[0].a_b.c", Type: "a_b"}}
	if err != nil || state.Serial != 7 || !slices.Equal(state.Resources, want) || len(state.Addresses()) != 3 {
		t.Errorf("%v: %+v", err, state.Resources)
	}
	for _, text := range []string{"", "{", "null", "[]", `{"version": 4}`, `{"version": 3, "lineage": "l"}`, head} {
		if _, err := ParseState([]byte(text)); !errors.Is(err, ErrState) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAdoption(t *testing.T) {
	for kind, want := range map[string]Adoption{"terraform_data": Nothing, "random_id": Nothing, "local_file": Upsert, "aws_iam_role": ByImport, "aws_vpc": Unknown, "": Unknown} {
		if got, _ := AdoptionOf(kind); got != want {
			t.Errorf("%s: %q", kind, got)
		}
	}
	for _, c := range []struct {
		kind    string
		planned map[string]any
		want    string
	}{
		{"aws_iam_role_policy_attachment", map[string]any{"role": "r", "policy_arn": "a"}, "r/a"},
		{"aws_iam_role_policy_attachment", map[string]any{"role": "r"}, ""},
		{"aws_iam_role", map[string]any{"name": ""}, ""},
		{"aws_vpc", map[string]any{"name": "x"}, ""},
	} {
		if got := Identity(c.kind, c.planned); got != c.want {
			t.Errorf("%s %v: %q", c.kind, c.planned, got)
		}
	}
	for _, list := range []map[string]string{types.Upsert, types.Import} {
		for kind, template := range list {
			if how, _ := AdoptionOf(kind); how == Nothing || !placeholder.MatchString(template) {
				t.Errorf("%s: %q", kind, template)
			}
		}
	}
}

// An archive may have been put there by somebody else.
func TestAnArchiveStaysInItsDirectory(t *testing.T) {
	for _, name := range []string{"../out", "/out", "a/../../out", ""} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "in")
		if err := record.Unpack(b.Bytes(), dir); err == nil {
			t.Errorf("%q was unpacked", name)
		}
	}
}
