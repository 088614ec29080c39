package catalog

import (
	"strconv"

	"github.com/penstock-dev/penstock/pipelines"
)

// MatrixLimit is how many jobs a matrix of GitHub Actions may have.
const MatrixLimit = 256

// Jobs is a selection spread over jobs. Its JSON form is a matrix of GitHub
// Actions under "include".
type Jobs struct {
	Include []Job `json:"include"`
	// Count of the units: report merge --count compares it with what was judged,
	// so that a job that never ran is missed.
	Count int `json:"count"`
}

// Job is one job: its number from 1, and its units.
type Job struct {
	Job   string   `json:"job"`
	Units []string `json:"units"`
}

// Matrix spreads a selection evenly over at most n jobs.
func Matrix(s pipelines.Selection, n int) Jobs {
	n = min(n, MatrixLimit, len(s.Units))
	jobs := Jobs{Include: make([]Job, n), Count: len(s.Units)}
	for i := range jobs.Include {
		jobs.Include[i] = Job{Job: strconv.Itoa(i + 1), Units: []string{}}
	}
	for i, unit := range s.Units {
		jobs.Include[i%n].Units = append(jobs.Include[i%n].Units, unit.Path)
	}
	return jobs
}
