package terratest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// At the soft deadline a test is asked to stop, and undoes; what does not listen is killed
// at the hard one, with what it started; what had not begun does not begin.
func TestDeadlines(t *testing.T) {
	world := t.TempDir()
	t.Setenv("WORLD", world)
	root := place(t, map[string]string{"tests/a/a_test.go": `
func TestUndoes(t *testing.T) {
	t.Parallel()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt)
	t.Cleanup(func() { os.WriteFile(os.Getenv("WORLD") + "/undone", nil, 0o600) })
	os.WriteFile(os.Getenv("WORLD") + "/begun", nil, 0o600)
	<-asked
	t.Fatal("asked to stop")
}
func TestHangs(t *testing.T) {
	t.Parallel()
	signal.Ignore(os.Interrupt)
	os.WriteFile(os.Getenv("WORLD") + "/hangs", nil, 0o600)
	time.Sleep(time.Hour)
}
`})
	s := stage(t, root)
	s.Retries = nil // the default: nothing is tried again after the deadline
	s.Soft, s.Hard, s.Parallel = time.Hour, time.Hour+3*time.Second, 2
	soften := make(chan struct{})
	s.soften = soften
	running := 0
	s.Cases = func(e pipelines.CaseEvent) {
		if running = max(running, e.Running); e.Running == 2 && e.Status == "" {
			go func() { // once both of them have begun their work
				for _, file := range []string{"begun", "hangs"} {
					for _, err := os.Stat(filepath.Join(world, file)); err != nil; _, err = os.Stat(filepath.Join(world, file)) {
						time.Sleep(10 * time.Millisecond)
					}
				}
				close(soften)
			}()
		}
	}
	r := run(t, s)
	all := outcomes(r)
	if c := all["tests/a:TestUndoes"]; c.Status != "failed" || c.Reason != "stopped at the soft deadline (1h0m0s): a_test.go:16: asked to stop" || c.Attempts != 1 {
		t.Errorf("%+v", c)
	}
	if c := all["tests/a:TestHangs"]; c.Status != "failed" || c.Reason != "it did not end: killed at the hard deadline (1h0m3s)" {
		t.Errorf("%+v", c)
	}
	if _, err := os.Stat(filepath.Join(world, "undone")); err != nil {
		t.Errorf("nothing was undone: %v", err)
	}
}

// What has not begun when the run is interrupted is not run, and says so.
func TestInterruptedBeforeTheStart(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": "func TestA(t *testing.T) { t.Parallel(); time.Sleep(time.Hour) }\nfunc TestB(t *testing.T) { t.Parallel(); time.Sleep(time.Hour) }\n"})
	s := stage(t, root)
	s.Parallel = 1
	ctx, stop := context.WithCancel(t.Context())
	s.Cases = func(e pipelines.CaseEvent) {
		if e.Status == "" {
			stop()
		}
	}
	r, err := s.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]int{}
	for _, c := range outcomes(r) {
		said[c.Status+": "+c.Reason]++
	}
	if said["failed: it did not end: interrupted"] != 1 || said["not_run: interrupted before it was started"] != 1 || r.Verdict != pipelines.NotRun {
		t.Errorf("%s: %v", r.Verdict, said)
	}
}

// A log is bounded on disk; its beginning and its end are kept, and that something is
// missing is said. That much does not gather in memory.
func TestATestThatPrintsMuch(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": `
func TestLoud(t *testing.T) {
	fmt.Println("the beginning")
	line := strings.Repeat("x", 199)
	for range 1_000_000 { fmt.Println(line) }
	fmt.Println("the end")
}
`})
	s := stage(t, root)
	r := run(t, s)
	expect(t, r, pipelines.Pass, map[string]string{"tests/a:TestLoud": "passed"})
	c := outcomes(r)["tests/a:TestLoud"]
	log, err := os.ReadFile(filepath.Join(s.Out, c.Log))
	if err != nil || len(log) < 2*logKept || len(log) > 2*logKept+100 {
		t.Fatalf("%v: %d bytes", err, len(log))
	}
	for _, want := range []string{"the beginning\n", "bytes are left out ...\n", "the end\n--- PASS: TestLoud"} {
		if !strings.Contains(string(log), want) || !strings.Contains(c.Output, strings.Replace(want, " ...", ": the log has them ...", 1)) {
			t.Errorf("it lacks %q", want)
		}
	}
	if len(c.Output) > pipelines.CaseOutput {
		t.Errorf("%d bytes are in the report", len(c.Output))
	}
	if len(r.Notices) != 1 || !strings.Contains(r.Notices[0].Message, "tests/a:TestLoud printed 2000") {
		t.Errorf("%+v", r.Notices)
	}
}

func TestLogKeepsBothEnds(t *testing.T) {
	for _, size := range []int{0, 1, 9, 10, 15, 20, 21, 29, 30, 31, 1003} {
		for _, step := range []int{1, 7, 10, 64} {
			file := filepath.Join(t.TempDir(), "log")
			l := newCaseLog(file, 10)
			var all []byte
			for i := range size {
				all = append(all, byte('a'+i%26))
			}
			for from := 0; from < size; from += step {
				_, _ = l.Write(all[from:min(size, from+step)])
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			want := string(all)
			if size > 20 {
				want = string(all[:10]) + fmt.Sprintf("\n... %d bytes are left out ...\n", size-20) + string(all[size-10:])
			}
			got, err := os.ReadFile(file)
			if string(got) != want && !(size == 0 && errors.Is(err, os.ErrNotExist)) {
				t.Errorf("%d bytes by %d: %q, want %q", size, step, got, want)
			}
		}
	}
}

// A full disk takes the log, not the verdict.
func TestADiskThatIsFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("SKIPPED: there is no /dev/full")
	}
	l := newCaseLog("/dev/full", 100)
	if n, err := l.Write([]byte("hello")); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := l.Close(); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("it closes with %v", err)
	}
}

// The budget holds over all processes, and each account's own within it.
func TestBudget(t *testing.T) {
	b := newBudget(4, map[string]int{"small": 2})
	var mu sync.Mutex
	now, most := map[string]int{}, map[string]int{}
	var wg sync.WaitGroup
	for i := range 60 {
		account := []string{"small", "", "other"}[i%3]
		n := min(1+i%2, b.most(account))
		wg.Go(func() {
			if !b.take(t.Context(), n, account) {
				t.Error("there was no room")
				return
			}
			mu.Lock()
			now[account], now["all"] = now[account]+n, now["all"]+n
			most[account], most["all"] = max(most[account], now[account]), max(most["all"], now["all"])
			mu.Unlock()
			mu.Lock()
			now[account], now["all"] = now[account]-n, now["all"]-n
			mu.Unlock()
			b.give(n, account)
		})
	}
	wg.Wait()
	if most["all"] > 4 || most["small"] > 2 || b.all != 0 || b.used["small"] != 0 {
		t.Errorf("%v, %d left", most, b.all)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if b.take(ended, 1, "") {
		t.Error("it began after the end")
	}
}

func TestRetriesAreFlakes(t *testing.T) {
	world := t.TempDir()
	t.Setenv("WORLD", world)
	root := place(t, map[string]string{"tests/a/a_test.go": `
func TestFlaky(t *testing.T) {
	if err := os.Mkdir(os.Getenv("WORLD") + "/once", 0o700); err == nil { t.Fatal("no answer") }
}
func TestBad(t *testing.T) { t.Fatal("never") }
func TestGood(t *testing.T) { os.Mkdir(os.Getenv("WORLD") + "/good" + time.Now().Format("150405.000000"), 0o700) }
func TestPanics(t *testing.T) { if err := os.Mkdir(os.Getenv("WORLD") + "/twice", 0o700); err == nil { panic("boom") } }
func TestAfter(t *testing.T) {}
`})
	s := stage(t, root)
	one := 1
	s.Retries = &one
	r := run(t, s)
	expect(t, r, pipelines.Fail, map[string]string{"tests/a:TestFlaky": "passed", "tests/a:TestBad": "failed", "tests/a:TestGood": "passed", "tests/a:TestPanics": "passed", "tests/a:TestAfter": "passed"})
	all := outcomes(r)
	if c := all["tests/a:TestFlaky"]; !c.Flaky || c.Attempts != 2 || c.Reason != "a_test.go:9: no answer" || !strings.Contains(c.Output, "... attempt 2 ...") {
		t.Errorf("%+v", c)
	}
	if c := all["tests/a:TestPanics"]; !c.Flaky || c.Reason != "panic: boom [recovered, repanicked]" && c.Reason != "panic: boom" {
		t.Errorf("%+v", c)
	}
	if c := all["tests/a:TestAfter"]; c.Flaky || c.Attempts != 1 {
		t.Errorf("%+v", c)
	}
	if c := all["tests/a:TestBad"]; c.Flaky || c.Attempts != 2 {
		t.Errorf("%+v", c)
	}
	if good, _ := filepath.Glob(world + "/good*"); len(good) != 1 {
		t.Errorf("what passed was run %d times", len(good))
	}
	if len(r.Notices) != 2 || r.Notices[0].Message[:6] != "flaky:" {
		t.Errorf("%+v", r.Notices)
	}
}

func TestSkipList(t *testing.T) {
	root := place(t, map[string]string{"tests/a/a_test.go": "func TestA(t *testing.T) { t.Fatal(1) }\nfunc TestB(t *testing.T) {}\n", "tests/b/b_test.go": "func TestA(t *testing.T) {}\n",
		"tests/c/c_test.go": "func TestA(t *testing.T) { t.Skip(\"no account\") }\n", "modules/m/main.tf": moduleTF, "penstock.yaml": `version: 1
terratest:
  skip:
    - {case: "tests/a:TestA", reason: it is broken, owner: ines, expires: 2099-01-31}
    - {case: "tests/a:TestB", reason: it was broken, owner: ines, expires: 2020-01-31}
    - {case: "tests/z:TestZ", reason: it is gone, owner: ines, expires: 2099-01-31}
    - {case: "modules/*:*", reason: nobody wrote one, owner: ines, expires: 2099-01-31}
    - {case: "tests/b:**", reason: not today, owner: ines, expires: 2099-01-31}
`})
	r := run(t, stage(t, root))
	expect(t, r, pipelines.NotRun, map[string]string{"tests/a:TestA": "skipped", "tests/a:TestB": "passed", "tests/b:TestA": "skipped", "tests/c:TestA": "skipped"})
	got := map[string]string{}
	for _, result := range r.Results {
		got[result.Unit] = string(result.Verdict) + ": " + result.Reason
	}
	for unit, want := range map[string]string{"tests/a": "waived: ", "tests/b": "waived: ", "tests/c": "not_run: every case skipped itself",
		"modules/m": "waived: no case exercises it; skipped until 2099-01-31 by ines: nobody wrote one"} {
		if got[unit] != want {
			t.Errorf("%s is %q, want %q", unit, got[unit], want)
		}
	}
	if c := outcomes(r)["tests/a:TestA"]; !c.Excused || c.Reason != "skipped until 2099-01-31 by ines: it is broken" {
		t.Errorf("%+v", c)
	}
	var said []string
	for _, n := range r.Notices {
		said = append(said, fmt.Sprintf("%d %s", n.Line, n.Message))
	}
	if strings.Join(said, "\n") != `5 the skip of "tests/a:TestB" ended on 2020-01-31: tests/a:TestB is run`+"\n"+`6 the skip of "tests/z:TestZ" matches no case` {
		t.Errorf("%q", said)
	}
}

func TestDeadlinesThatDoNotGoTogether(t *testing.T) {
	s := stage(t, place(t, map[string]string{"tests/a/a_test.go": "func TestA(t *testing.T) {}\n"}))
	s.Soft, s.Hard = time.Hour, time.Minute
	if _, err := s.Run(t.Context()); !errors.Is(err, ErrChoice) {
		t.Errorf("got %v", err)
	}
}
