// Command parts runs parts of the library that no command of penstock runs alone,
// and what they are compared with, so that the bench can measure each as a process.
//
//	parts seal FILE CAPSULE RECIPIENT KEY
//	parts walk PLAN.json
//	parts unmarshal PLAN.json
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/planjson"
	"github.com/penstock-dev/penstock/pipelines/risk"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 5 && args[0] == "seal":
		return seal(args[1], args[2], args[3], args[4])
	case len(args) == 2 && args[0] == "walk":
		return walk(args[1])
	case len(args) == 2 && args[0] == "unmarshal":
		return unmarshal(args[1])
	}
	return errors.New("parts seal FILE CAPSULE RECIPIENT KEY | walk PLAN | unmarshal PLAN")
}

// seal makes a capsule of one file.
func seal(file, to, recipient, key string) error {
	signer, err := capsule.ReadSigner(key)
	if err != nil {
		return err
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	now := time.Now()
	m := capsule.Manifest{Unit: "live/bench", Environment: "bench", Closure: digest, Changes: digest, Lock: digest,
		Terraform: pipelines.Tool{Name: "terraform", Version: "1.11.4"}, State: capsule.State{Backend: "local"},
		Policies: capsule.Policies{Digest: digest, Verdict: pipelines.Pass}, Risk: capsule.Risk{Level: "low"}, Wave: 1,
		Creator: capsule.Creator{Actor: "bench", Repository: "bench/live", HeadRepository: "bench/live"}, Created: now, Expires: now.Add(time.Hour)}
	_, err = capsule.Seal(to, m, []capsule.Source{{Name: "plan.json", Path: file}}, []string{recipient}, signer)
	return err
}

// changes says what a plan does, in a line that fits every plan.
type changes struct {
	n   map[string]int
	all io.Writer
	sum func() []byte
}

func newChanges() changes {
	sum := sha256.New()
	return changes{n: map[string]int{}, all: sum, sum: func() []byte { return sum.Sum(nil) }}
}

func (c changes) add(r *tfjson.ResourceChange) error {
	actions := fmt.Sprint(r.Change.Actions)
	c.n[actions]++
	_, err := fmt.Fprintf(c.all, "%s %s\n", r.Address, actions)
	return err
}

func (c changes) print() { fmt.Printf("%v %x\n", c.n, c.sum()) }

// walk reads a plan as a stream and judges its risk, which the other side does not.
func walk(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	judge, err := risk.New(risk.Options{})
	if err != nil {
		return err
	}
	c := newChanges()
	header, err := planjson.Walk(file, planjson.Tee(judge.Visitor(), planjson.Visitor{Change: c.add}))
	if err != nil {
		return err
	}
	assessed := judge.Assessment(header)
	fmt.Fprintf(os.Stderr, "risk %s for %d reasons\n", assessed.Level, len(assessed.Reasons))
	c.print()
	return nil
}

// unmarshal reads a plan as terraform-json has it read.
func unmarshal(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var plan tfjson.Plan
	if err := plan.UnmarshalJSON(text); err != nil {
		return err
	}
	c := newChanges()
	for _, r := range plan.ResourceChanges {
		if err := c.add(r); err != nil {
			return err
		}
	}
	c.print()
	return nil
}
