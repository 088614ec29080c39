// Command bench measures Penstock side by side with a peer, in the same run and
// on the same input, and writes bench/RESULTS.md.
//
//	go run ./bench [-small]
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// bench is one run of all rows.
type bench struct {
	dir      string // inputs and programs
	penstock string
	small    bool
	rows     []string
}

func main() {
	small := flag.Bool("small", false, "only the smallest size of each, and write nothing")
	flag.Parse()
	if err := run(*small); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(small bool) error {
	dir, err := os.MkdirTemp("", "penstock-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, penstock: filepath.Join(dir, "penstock"), small: small}
	build := exec.Command("go", "build", "-o", b.penstock, "./pipelines/cmd/penstock")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building penstock: %w: %s", err, out)
	}
	for _, measure := range []func() error{b.format, b.compliance, b.catalog, b.dagger} {
		if err := measure(); err != nil {
			return err
		}
	}
	text := b.results()
	fmt.Print(text)
	if small {
		return nil
	}
	return os.WriteFile("bench/RESULTS.md", []byte(text), 0o644)
}

func (b *bench) results() string {
	memory, _ := os.ReadFile("/proc/meminfo")
	total, _, _ := strings.Cut(string(memory), "\n")
	var s strings.Builder
	s.WriteString("# Results\n\nWritten by `go run ./bench`. Each figure is the median of three runs (smallest to largest), the sides\nalternating; a ratio is printed only where both sides gave the same answer.\n\n")
	fmt.Fprintf(&s, "%s, %d cores, %s, %s/%s, %s.\n\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(),
		strings.Join(strings.Fields(total), " "), runtime.GOOS, runtime.GOARCH, runtime.Version())
	for _, tool := range [][]string{{"terraform", "version"}, {"conftest", "--version"}, {"terragrunt", "--version"}, {"dagger", "version"}} {
		out, err := exec.Command(tool[0], tool[1:]...).Output()
		line, _, _ := strings.Cut(string(out), "\n")
		if err != nil {
			line = tool[0] + " is not on this machine"
		}
		fmt.Fprintf(&s, "- %s: %s\n", tool[0], line)
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
