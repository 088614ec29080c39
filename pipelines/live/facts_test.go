package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/planjson"
	"github.com/penstock-dev/penstock/pipelines/planjson/plangen"
	"github.com/penstock-dev/penstock/pipelines/redact"
)

// policed is a plan with something for every part that reads it: changes that rules
// deny, waive and cannot decide, a deletion with a reason, a move, outputs and drift.
const policed = `{"format_version":"1.2","terraform_version":"1.11.4",
"planned_values":{"root_module":{}},
"resource_drift":[{"address":"aws_ebs_volume.open","mode":"managed","type":"aws_ebs_volume","name":"open","change":{"actions":["update"],"before":{"size":1},"after":{"size":2}}}],
"resource_changes":[
{"address":"aws_ebs_volume.open","mode":"managed","type":"aws_ebs_volume","name":"open","provider_name":"registry.terraform.io/hashicorp/aws","change":{"actions":["create"],"before":null,"after":{"encrypted":false,"size":8},"after_unknown":{"id":true}}},
{"address":"aws_ebs_volume.excused","mode":"managed","type":"aws_ebs_volume","name":"excused","provider_name":"registry.terraform.io/hashicorp/aws","change":{"actions":["update"],"before":{"encrypted":false,"size":8},"after":{"encrypted":false,"size":9}}},
{"address":"aws_ebs_volume.vague","mode":"managed","type":"aws_ebs_volume","name":"vague","provider_name":"registry.terraform.io/hashicorp/aws","change":{"actions":["create"],"before":null,"after":{"size":8},"after_unknown":{"encrypted":true,"id":true}}},
{"address":"aws_db_instance.gone","mode":"managed","type":"aws_db_instance","name":"gone","provider_name":"registry.terraform.io/hashicorp/aws","action_reason":"delete_because_no_resource_config","change":{"actions":["delete"],"before":{"password":"hunter2-hunter2"},"before_sensitive":{"password":true},"after":null}},
{"address":"terraform_data.new","previous_address":"terraform_data.old","mode":"managed","type":"terraform_data","name":"new","provider_name":"terraform.io/builtin/terraform","change":{"actions":["no-op"],"before":{"input":"x"},"after":{"input":"x"}}}],
"output_changes":{"endpoint":{"actions":["update"],"before":"a","after":"b"}},
"prior_state":{"values":{"root_module":{"resources":[{"address":"data.aws_ami.a","mode":"data","type":"aws_ami","name":"a","values":{"id":"ami-1"}}]}}},
"configuration":{"root_module":{"resources":[{"address":"aws_ebs_volume.open","mode":"managed","type":"aws_ebs_volume","name":"open","expressions":{"size":{"constant_value":8}}}]}},
"applyable":true,"complete":true,"errored":false}`

// separately is what read found out when it read the plan once for each of its parts,
// and compiled the rules for each plan.
func separately(t *testing.T, file string, target Target, root *os.Root, c *config.Config) facts {
	t.Helper()
	var f facts
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o, err := public(target, c)
	if err != nil {
		t.Fatal(err)
	}
	if f.summary, f.risk, err = redact.Review(bytes.NewReader(text), o); err != nil {
		t.Fatal(err)
	}
	if f.changes, err = redact.Normalise(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if _, err = planjson.Walk(bytes.NewReader(text), planjson.Visitor{Change: func(r *tfjson.ResourceChange) error { return f.change(r) }}); err != nil {
		t.Fatal(err)
	}
	stage := compliance.Compliance{Scope: pipelines.Scope{Root: root.Name()}, Config: c}
	if f.policies.Digest, err = stage.Digest(); err != nil {
		t.Fatal(err)
	}
	stage.Plans = []compliance.PlanOf{{File: file, Unit: target.ID(), Waived: target.Unit.Path}}
	report, err := stage.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.judged = report.Results[0]
	f.policies.Verdict, f.policies.Counts = f.judged.Verdict, map[pipelines.Verdict]int{}
	for _, v := range pipelines.Verdicts {
		if n := f.judged.Judged[string(v)]; n > 0 {
			f.policies.Counts[v] = n
		}
	}
	return f
}

// factsText are facts as text: what they refer to within has seeds of its own.
func factsText(t *testing.T, f facts) string {
	t.Helper()
	f.judged.Seconds = 0
	text, err := json.Marshal([]any{f.summary, f.risk, f.changes, f.list, f.policies, f.judged})
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func newJudge(t *testing.T) (*judge, Target) {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	c := &config.Config{Version: 1}
	c.Compliance.Waivers = []config.Waiver{{Rule: "ebs-volume-encrypted", Unit: "live/app", Resource: "aws_ebs_volume.excused",
		Owner: "ines", Reason: "scratch", Expires: time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly)}}
	return &judge{root: root, config: c}, Target{Unit: pipelines.Unit{Path: "live/app"}, Environment: config.Environment{Name: "dvlp"}, shared: true, home: root}
}

// One walk finds out what one for each part did, also for many plans at once.
func TestReadOnceFindsTheSame(t *testing.T) {
	j, target := newJudge(t)
	dir := t.TempDir()
	var generated bytes.Buffer
	if _, err := plangen.Write(&generated, 1<<20); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for name, text := range map[string]string{"policed": policed, "generated": generated.String(),
		"empty": `{"format_version":"1.2","resource_changes":[],"applyable":false,"complete":true,"errored":false}`} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want := separately(t, file, target, j.root, j.config)
		for range 3 {
			wg.Go(func() {
				got, err := j.read(t.Context(), file, target)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if one, other := factsText(t, got), factsText(t, want); one != other {
					t.Errorf("%s: got\n%.3000s\nwant\n%.3000s", name, one, other)
				}
			})
		}
		if name != "policed" {
			continue
		}
		if want.policies.Verdict != pipelines.Fail || want.policies.Counts[pipelines.Waived] != 1 || want.policies.Counts[pipelines.Unknown] != 1 || len(want.list) != 4 ||
			want.risk.Level != "destructive" || want.summary.Counts.Drift != 1 || want.summary.Counts.Move != 1 || want.judged.Unit != "live/app@dvlp" {
			t.Errorf("the plan has not something for each: %+v", want)
		}
	}
	wg.Wait()
}

// A plan that is cut off is an error, whoever notices first, and nobody waits for the rest.
func TestReadOnceOfWhatIsNoPlan(t *testing.T) {
	j, target := newJudge(t)
	for name, text := range map[string]string{"cut": policed[:len(policed)/2], "nothing": "", "no plan": "{}", "two": policed + policed, "format": strings.Replace(policed, "1.2", "9.0", 1)} {
		file := filepath.Join(t.TempDir(), "plan.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := j.read(t.Context(), file, target); err == nil {
			t.Errorf("%s: read as %+v", name, f)
		}
	}
}

// A plan takes the memory of what changes in it, whoever reads along.
func TestReadingIsStreamed(t *testing.T) {
	used := readMemory(t, 60<<20)
	t.Logf("60 MiB of a plan take %d MiB", used>>20)
	if used > 100<<20 {
		t.Errorf("60 MiB of a plan take %d MiB", used>>20)
	}
}

// BenchmarkRead is of 200 MiB: go test -bench Read -benchtime 1x.
func BenchmarkRead(b *testing.B) {
	for range b.N {
		b.ReportMetric(float64(readMemory(b, 200<<20))/(1<<20), "MiB-peak")
	}
}

// readMemory reads a plan of size bytes, and returns by how much the heap was larger at most.
func readMemory(t testing.TB, size int64) uint64 {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	j := &judge{root: root, config: &config.Config{Version: 1}}
	target := Target{Unit: pipelines.Unit{Path: "live/app"}, home: root}
	name := filepath.Join(t.TempDir(), "plan.json")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(file)
	n, err := plangen.Write(out, size)
	if err == nil {
		err = out.Flush()
	}
	if closed := file.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
	if _, err := j.rules(t.Context()); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	before, most := stats.HeapAlloc, uint64(0)
	var done atomic.Bool
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for !done.Load() {
			runtime.ReadMemStats(&stats)
			most = max(most, stats.HeapAlloc)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	f, err := j.read(t.Context(), name, target)
	done.Store(true)
	<-stopped
	if err != nil || len(f.list) == 0 || len(f.list) >= n {
		t.Fatal(fmt.Sprint(len(f.list), " of ", n), err)
	}
	return most - min(most, before)
}
