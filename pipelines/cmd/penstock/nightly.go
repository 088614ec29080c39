package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/terratest"
)

func (p *program) nightly() *cobra.Command {
	var f terratestFlags
	var shard string
	cmd := &cobra.Command{
		Use:   "nightly [DIR]",
		Short: "Run the tests of every unit, or one shard of them",
		Long: `Runs the whole suite of the catalog in DIR as penstock terratest does, or one of several
shards of it. The shards are balanced by how long cases took in past suites, and are the
same whoever divides: penstock nightly join proves that together they are the whole.

Exit codes:
  0  every case of the shard passed, or is excused by name
  1  a case failed, or something leaked
  2  the command line or penstock.yaml is wrong
  3  a case of the shard was not run (outranks 1)`,
		Example: `  penstock nightly --out report
  penstock nightly --shard 3/8 --out report-3   # one of eight jobs
  penstock nightly join report-*`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			var err error
			f.stage.Suite, f.scope.all = true, true
			if f.stage.Shard, err = terratest.ParseShard(shard); err != nil {
				return err
			}
			r, err := p.runTests(cmd, &f, or(given, "."))
			if err != nil {
				return err
			}
			return p.print(r, f.output)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&shard, "shard", "1/1", "run one `PART/OF` of the suite only, such as 3/8")
	cmd.AddCommand(p.nightlyJoin())
	return cmd
}

func (p *program) nightlyJoin() *cobra.Command {
	var o outputFlags
	var dir, history string
	cmd := &cobra.Command{
		Use:   "join REPORT...",
		Short: "Join the reports of all shards, and prove that none and no case is missing",
		Long: `Joins the reports of the shards of one suite: files, or directories with a report.json.
Every shard has to be there once, all of the same commit and with the same declared cases,
and every declared case has to be in exactly one of them: else the exit code is 3. A whole
suite is added to the history of flakes and durations.`,
		Example: `  penstock nightly join report-1 report-2 --out report
  penstock nightly join report-*/report.json`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := o.check(); err != nil {
				return err
			}
			kept, err := openHistory(cmd.Context(), dir, history)
			if err != nil {
				return err
			}
			r, err := joinShards(given, o.out)
			if err != nil {
				return err
			}
			if err := summarise(cmd.Context(), r, kept); err != nil {
				return err
			}
			return p.print(r, o)
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&dir, "dir", ".", "the `DIR` of penstock.yaml")
	cmd.Flags().StringVar(&history, "history", "", "keep flakes and durations in `DIR`, a directory or s3://bucket/prefix (default terratest.history)")
	return cmd
}

// openHistory opens the history that was named, or that penstock.yaml names.
func openHistory(ctx context.Context, dir, named string) (terratest.History, error) {
	root, err := directory(dir)
	if err != nil {
		return terratest.History{}, err
	}
	c, err := config.Load(os.DirFS(root))
	if err != nil {
		return terratest.History{}, err
	}
	if named == "" && c.Terratest.History != "" {
		named = c.Terratest.History
		if !filepath.IsAbs(named) && !remote(named) {
			named = filepath.Join(root, named)
		}
	}
	if named == "" {
		return terratest.History{}, nil
	}
	kept, err := store.Open(ctx, named)
	return terratest.History{Store: kept}, err
}

// joinShards reads the reports and joins them. The logs of the cases go along, into out.
func joinShards(files []string, out string) (*pipelines.Report, error) {
	var parts []*pipelines.Report
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			file = filepath.Join(file, "report.json")
		}
		part, err := readReport(file)
		if err != nil {
			return nil, err
		}
		for _, result := range part.Results {
			for i := range result.Cases {
				if result.Cases[i].Log, err = takeLog(filepath.Dir(file), out, result.Cases[i].Log); err != nil {
					return nil, err
				}
			}
		}
		parts = append(parts, part)
	}
	return terratest.Join(parts...), nil
}

// takeLog copies the log of a case to where the joined report will be, and says where it
// is there; a log that did not come along is none.
func takeLog(from, out, log string) (string, error) {
	if log == "" || out == "" {
		return "", nil
	}
	in, err := os.OpenInRoot(from, filepath.FromSlash(log))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the log of a case: %w", err)
	}
	defer in.Close()
	to := filepath.Join(out, filepath.FromSlash(log))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", fmt.Errorf("writing the log of a case: %w", err)
	}
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("writing the log of a case: %w", err)
	}
	_, err = io.Copy(copied, in)
	if err = errors.Join(err, copied.Close()); err != nil {
		return "", fmt.Errorf("writing the log of a case: %w", err)
	}
	return log, nil
}

// slowest is how many of the slowest cases a summary names, and of the flakiest.
const slowest = 5

// summarise adds to a joined report what took long, and what is flaky; a whole suite goes
// into the history.
func summarise(ctx context.Context, r *pipelines.Report, kept terratest.History) error {
	entry := terratest.EntryOf(r, "suite", "")
	if r.Suite != nil {
		entry.Commit = r.Suite.Commit
	}
	long := slices.Clone(entry.Cases)
	slices.SortStableFunc(long, func(a, b terratest.Past) int { return -cmp.Compare(a.Seconds, b.Seconds) })
	var names []string
	for _, c := range long[:min(slowest, len(long))] {
		names = append(names, fmt.Sprintf("%s %.1f s", c.Case, c.Seconds))
	}
	say := func(format string, args ...any) {
		r.Notices = append(r.Notices, pipelines.Notice{Message: fmt.Sprintf(format, args...)})
	}
	if len(names) > 0 {
		say("slowest: %s", strings.Join(names, ", "))
	}
	if kept.Store == nil {
		return nil
	}
	if terratest.Complete(r) {
		if err := kept.AddSuite(ctx, entry); err != nil {
			return err
		}
	}
	past, err := kept.Flakes(ctx)
	if err != nil {
		return err
	}
	flaky := slices.DeleteFunc(slices.Clone(entry.Cases), func(c terratest.Past) bool { return past[c.Case].Flaky == 0 })
	slices.SortStableFunc(flaky, func(a, b terratest.Past) int { return cmp.Compare(past[b.Case].Flaky, past[a.Case].Flaky) })
	for _, c := range flaky[:min(slowest, len(flaky))] {
		say("%s: %s", c.Case, past[c.Case])
	}
	return nil
}
