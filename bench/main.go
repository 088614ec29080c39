// Command bench measures Penstock side by side with a peer, in the same run and
// on the same input, and writes bench/RESULTS.md.
//
//	go run ./bench [-only ROWS] [-small]
//
// A run of a part prints its rows and leaves the file as it is. The peers are those
// on PATH or where .ci/tools and .ci/terragrunt put them; a row whose peer is not
// there says that it was not measured.
package main

import (
	"bytes"
	"debug/buildinfo"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// bench is one run of all rows.
type bench struct {
	dir      string // inputs and programs
	penstock string
	small    bool
	load     string // of the machine, at the start
	rows     []string
}

var kinds = []string{"fmt", "compliance", "catalog", "dagger", "providers", "sealing", "plan-memory"}

func main() {
	small := flag.Bool("small", false, "only the smallest size of each, and write nothing")
	only := flag.String("only", "", "only `ROWS`, of "+strings.Join(kinds, ", ")+", and write nothing")
	flag.Parse()
	if err := run(*small, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(small bool, only string) error {
	dir, err := os.MkdirTemp("", "penstock-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, penstock: filepath.Join(dir, "penstock"), small: small, load: load()}
	wanted := kinds
	if only != "" {
		wanted = strings.Split(only, ",")
	}
	for _, kind := range wanted {
		if !slices.Contains(kinds, kind) {
			return fmt.Errorf("-only %s: it is none of %s", kind, strings.Join(kinds, ", "))
		}
	}
	if err := findTools(); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-o", b.penstock, "./pipelines/cmd/penstock")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building penstock: %w: %s", err, out)
	}
	for i, measure := range []func() error{b.format, b.compliance, b.catalog, b.dagger, b.providers, b.sealing, b.planMemory} {
		if !slices.Contains(wanted, kinds[i]) {
			continue
		}
		if err := measure(); err != nil {
			return err
		}
	}
	text := b.results()
	fmt.Print(text)
	if small || only != "" {
		return nil
	}
	return os.WriteFile("bench/RESULTS.md", []byte(text), 0o644)
}

// findTools puts the tools that .ci/tools installed behind those of PATH.
func findTools() error {
	cache := os.Getenv("PENSTOCK_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		cache = filepath.Join(home, ".cache/penstock")
	}
	return os.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+filepath.Join(cache, "bin"))
}

// load is how many processes wanted a core in the last minute.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// version is what a tool says of itself; conftest built from source says only "dev".
func version(tool, argument string) string {
	path, err := exec.LookPath(tool)
	if err != nil {
		return "not here"
	}
	if info, err := buildinfo.ReadFile(path); err == nil && strings.HasPrefix(info.Main.Version, "v") {
		return info.Main.Version
	}
	out, err := exec.Command(path, argument).Output()
	if err != nil {
		return "does not say its version"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func (b *bench) results() string {
	memory, _ := os.ReadFile("/proc/meminfo")
	total, _, _ := strings.Cut(string(memory), "\n")
	var s strings.Builder
	s.WriteString("# Results\n\nWritten by `go run ./bench`. Each figure is the median of three runs (smallest to largest) and the peak memory, the\n" +
		"sides alternating; a ratio is printed only where both sides gave the same answer, which is not empty, and exited as\n" +
		"they should. Memory of `dagger call` is that of its client.\n\n")
	fmt.Fprintf(&s, "%s, %d cores, %s, %s/%s, %s. Load average of the machine: %s before,\n%s after; what it was above 0 before is other work that shared the cores.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(),
		strings.Join(strings.Fields(total), " "), runtime.GOOS, runtime.GOARCH, runtime.Version(), b.load, load())
	commit, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		commit = []byte("not a checkout")
	}
	fmt.Fprintf(&s, "- penstock: %s\n", bytes.TrimSpace(commit))
	for _, tool := range [][2]string{{"terraform", "version"}, {"conftest", "--version"}, {"terragrunt", "--version"}, {"dagger", "version"}} {
		fmt.Fprintf(&s, "- %s: %s\n", tool[0], version(tool[0], tool[1]))
	}
	s.WriteString("\n| what | size | peer | penstock | ratio |\n|---|---|---|---|---|\n")
	for _, row := range b.rows {
		s.WriteString(row + "\n")
	}
	return s.String()
}

// sizes are all, or only the first.
func (b *bench) sizes(all ...int) []int {
	if b.small {
		return all[:1]
	}
	return all
}
