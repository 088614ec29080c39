package live

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/penstock-dev/penstock/pipelines/capsule"
)

// RecordSchema is the version of the record's JSON form.
const RecordSchema = "penstock.planned/v1"

// Outcome is what a plan came to.
type Outcome string

const (
	NoChanges Outcome = "no_changes"
	Changes   Outcome = "changes"
	// Failed: terraform ended with an error.
	Failed Outcome = "error"
	// Refused: the gate kept the plan from running.
	Refused Outcome = "refused"
	// Deferred: it cannot be planned before what it depends on was applied.
	Deferred Outcome = "deferred"
)

// The files of one planned target. All but the record hold secrets.
const (
	RecordFile = "planned.json"
	PlanFile   = "plan.tfplan"
	JSONFile   = "plan.json"
	LogFile    = "plan.log"
	LockFile   = ".terraform.lock.hcl"
)

// Record is what is known of a planned target: what a capsule of it will bind.
type Record struct {
	Schema  string  `json:"schema"`
	Target  string  `json:"target"`
	Outcome Outcome `json:"outcome"`
	// Again is the wave after which it has to be planned again, 0 if it need not be.
	Again int `json:"again,omitempty"`
	// Review: it was planned again by an apply, and what it does is not what was
	// reviewed. Whatever its risk, a person approves it by the name of the target.
	Review bool `json:"review,omitempty"`
	// Planned is the manifest of its capsule, as far as the plan tells it.
	Planned capsule.Manifest `json:"planned"`
	// Errors are the diagnostics of a failed plan that may be shown.
	Errors []string `json:"errors,omitempty"`
}

// directory is where a target's files are, beneath the directory of all.
func (t Target) directory() string {
	return filepath.Join("targets", t.Environment.Name, filepath.FromSlash(t.Unit.Path))
}

func (r Record) write(dir string) error {
	r.Schema = RecordSchema
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, RecordFile), append(text, '\n'), 0o600)
}

// Records reads what a plan left in dir, in the order of the waves it was made in.
func Records(dir string) (map[string]Record, error) {
	records := map[string]Record{}
	base := filepath.Join(dir, "targets")
	err := filepath.WalkDir(base, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != RecordFile {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var r Record
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading %q: %w", name, err)
		}
		if r.Schema != RecordSchema {
			return fmt.Errorf("reading %q: its schema is %q, allowed is %q", name, r.Schema, RecordSchema)
		}
		records[filepath.Dir(name)] = r
		return nil
	})
	if errors.Is(err, os.ErrNotExist) {
		return records, nil // nothing was planned
	}
	return records, err
}

// stateIn reads the state's lineage and serial that a plan file was made on.
func stateIn(planFile string) (lineage string, serial uint64, err error) {
	archive, err := zip.OpenReader(planFile)
	if err != nil {
		return "", 0, fmt.Errorf("reading the plan file: %w", err)
	}
	defer archive.Close()
	// Beside it lies what the refresh found; that has neither lineage nor serial.
	file, err := archive.Open("tfstate")
	if err != nil {
		return "", 0, fmt.Errorf("reading the plan file: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, 1<<30))
	if err != nil {
		return "", 0, fmt.Errorf("reading the plan file: %w", err)
	}
	return stateHead(content)
}

// stateHead reads the lineage and the serial of a state; an empty one has neither.
func stateHead(content []byte) (lineage string, serial uint64, err error) {
	if len(content) == 0 {
		return "", 0, nil
	}
	var head struct {
		Lineage string `json:"lineage"`
		Serial  uint64 `json:"serial"`
	}
	if err := json.Unmarshal(content, &head); err != nil {
		return "", 0, fmt.Errorf("reading the state: %w", err)
	}
	return head.Lineage, head.Serial, nil
}
