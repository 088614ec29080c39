// Command decided says how many verdicts of the built-in rules on the examples of
// catalogs are decided, and how many are unknown, without plans or credentials.
//
//	go run ./bench/decided DIR...
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/catalog"
	"github.com/penstock-dev/penstock/pipelines/compliance"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// external counts calls of modules that are not in the repository: each is
// unknown as a whole, and none of their resources is counted.
const external = pipelines.Verdict("external")

// units counts the examples that were judged.
const units = pipelines.Verdict("units")

func main() {
	total := map[pipelines.Verdict]int{}
	for _, dir := range os.Args[1:] {
		counts, err := count(context.Background(), dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for verdict, n := range counts {
			total[verdict] += n
		}
		fmt.Println(line(dir, counts))
	}
	fmt.Println(line("all", total))
}

// count judges the examples of one catalog. Under NotRun it counts units that
// could not be read.
func count(ctx context.Context, dir string) (map[pipelines.Verdict]int, error) {
	none := &config.Config{Version: 1}
	selected, err := catalog.Select(ctx, catalog.Options{Root: dir, All: true, Config: none})
	if err != nil {
		return nil, err
	}
	s := selected.Selection
	s.Units = slices.DeleteFunc(s.Units, func(u pipelines.Unit) bool { return u.Kind != pipelines.Example })
	counts := map[pipelines.Verdict]int{}
	causes := map[string]int{}
	stage := compliance.Compliance{Scope: pipelines.Scope{Root: dir, Selection: s}, Config: none,
		Decided: func(_ string, d compliance.Decision) {
			counts[d.Verdict]++
			if d.Verdict == pipelines.Unknown {
				causes[d.Rule.ID+": "+d.Notes[0].Message]++
			}
		}}
	counts[units] = len(s.Units)
	report, err := stage.Run(ctx)
	if err != nil {
		return nil, err
	}
	for _, result := range report.Results {
		for _, f := range result.Findings {
			if f.Rule == "external-module" {
				counts[external]++
			}
		}
		if result.Verdict == pipelines.NotRun {
			counts[pipelines.NotRun]++
			fmt.Fprintf(os.Stderr, "%s: %s\n", result.Unit, result.Reason)
		}
	}
	order := slices.SortedFunc(maps.Keys(causes), func(a, b string) int { return causes[b] - causes[a] })
	for _, cause := range order[:min(len(order), 12)] {
		fmt.Fprintf(os.Stderr, "%6d %s\n", causes[cause], cause)
	}
	return counts, nil
}

func line(name string, counts map[pipelines.Verdict]int) string {
	decided := counts[pipelines.Pass] + counts[pipelines.Fail]
	all := decided + counts[pipelines.Unknown]
	share := func(of int) float64 { return 100 * float64(decided) / float64(max(of, 1)) }
	return fmt.Sprintf("%-32s %3d examples (%d not read), %5d decided (%d pass, %d fail), %4d unknown: %.1f %%; %d external modules: %.1f %% with them",
		filepath.Base(name), counts[units], counts[pipelines.NotRun], decided, counts[pipelines.Pass], counts[pipelines.Fail],
		counts[pipelines.Unknown], share(all), counts[external], share(all+counts[external]))
}
