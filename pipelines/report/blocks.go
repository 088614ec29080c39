package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// block is what is shown together: one result with its findings, or all results
// of a stage that have none and say the same, such as the same missing tool.
type block struct {
	pipelines.Result
	units []string
}

// blocks are what there is to say of a report, units in their order.
func blocks(r *pipelines.Report) []block {
	type saying struct {
		stage, reason, hint string
		verdict             pipelines.Verdict
	}
	var list []block
	at := map[saying]int{}
	for _, result := range r.Results {
		if result.Verdict == pipelines.Pass && result.Reason == "" && len(result.Findings) == 0 {
			continue
		}
		if len(result.Findings) == 0 {
			key := saying{result.Stage, result.Reason, result.Hint, result.Verdict}
			if i, known := at[key]; known {
				list[i].units = append(list[i].units, result.Unit)
				continue
			}
			at[key] = len(list)
		}
		list = append(list, block{result, []string{result.Unit}})
	}
	return list
}

// worstFirst sorts by verdict and, within it, by the order of the report.
func worstFirst(list []block) []block {
	rank := func(b block) int { return slices.Index(pipelines.Verdicts, b.Verdict) }
	slices.SortStableFunc(list, func(a, b block) int { return rank(b) - rank(a) })
	return list
}

// subject says what the block is about: a unit and why it was judged, or how many.
func (b block) subject() string {
	switch {
	case len(b.units) > 1:
		return fmt.Sprintf("%d units", len(b.units))
	case len(b.Why) > 1:
		return chain(b.Why)
	}
	return name(b.Unit)
}

func chain(why []string) string {
	links := make([]string, len(why))
	for i, link := range why {
		links[i] = name(link)
	}
	return strings.Join(links, " <- ")
}

// members names the units of a block of several, at most ten of them.
func (b block) members() string {
	const most = 10
	var names []string
	for i, unit := range b.units {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(b.units)-most))
			break
		}
		names = append(names, name(unit))
	}
	return strings.Join(names, ", ")
}

// tallyOf counts the verdicts of one stage.
func tallyOf(r *pipelines.Report, stage string) string {
	counts := map[pipelines.Verdict]int{}
	for _, result := range r.Results {
		if result.Stage == stage {
			counts[result.Verdict]++
		}
	}
	var parts []string
	for _, v := range pipelines.Verdicts {
		if counts[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	if len(parts) == 0 {
		return "nothing to judge"
	}
	if cases := caseCounts(r, stage); cases != "" {
		return strings.Join(parts, ", ") + "; cases: " + cases
	}
	return strings.Join(parts, ", ")
}

// told is what a finding says, with the resource that it is about.
func told(f pipelines.Finding) string {
	if f.Resource == "" {
		return f.Message
	}
	return f.Resource + ": " + f.Message
}

// stagesOf are the stages that were declared, and any other that has a result.
func stagesOf(r *pipelines.Report) []string {
	stages := slices.Clone(r.Stages)
	for _, result := range r.Results {
		if !slices.Contains(stages, result.Stage) {
			stages = append(stages, result.Stage)
		}
	}
	return stages
}
