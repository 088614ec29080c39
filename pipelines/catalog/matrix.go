package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"

	"github.com/penstock-dev/penstock/pipelines"
)

// MatrixLimit is how many jobs a matrix of GitHub Actions may have.
const MatrixLimit = 256

// Jobs is a selection spread over jobs. Its JSON form is a matrix of GitHub
// Actions under "include".
type Jobs struct {
	Include []Job `json:"include"`
	// Count of units and Digest over their paths: a later job compares them with
	// what was judged, so that a job that never ran is missed.
	Count  int    `json:"count"`
	Digest string `json:"digest"`
}

// Job is one job: its number from 1, and its units.
type Job struct {
	Job   string   `json:"job"`
	Units []string `json:"units"`
}

// Matrix spreads a selection evenly over at most n jobs.
func Matrix(s pipelines.Selection, n int) Jobs {
	n = min(n, MatrixLimit, len(s.Units))
	jobs := Jobs{Include: make([]Job, n), Count: len(s.Units), Digest: digest(s.Units)}
	for i := range jobs.Include {
		jobs.Include[i] = Job{Job: strconv.Itoa(i + 1), Units: []string{}}
	}
	for i, unit := range s.Units {
		jobs.Include[i%n].Units = append(jobs.Include[i%n].Units, unit.Path)
	}
	return jobs
}

// Complete says whether the units that were judged are those of the matrix.
func (j Jobs) Complete(judged []pipelines.Unit) error {
	if len(judged) != j.Count || digest(judged) != j.Digest {
		return fmt.Errorf("comparing what was judged with the matrix: %d units of %d, or others", len(judged), j.Count)
	}
	return nil
}

// digest is over the paths in their order, each ended by a zero byte.
func digest(units []pipelines.Unit) string {
	h := sha256.New()
	for _, unit := range units {
		_, _ = io.WriteString(h, unit.Path+"\x00")
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
