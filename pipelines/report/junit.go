package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Skipped *junitNote `xml:"skipped,omitempty"`
	Error   *junitNote `xml:"error,omitempty"`
	Failure *junitNote `xml:"failure,omitempty"`
	Output  string     `xml:"system-out,omitempty"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit renders one suite for each stage, and one case for each case that a unit
// declares or else for the unit. A finding
// and an unknown are failures; what was not run is an error; a stage that was
// left out by name is skipped.
func JUnit(w io.Writer, r *pipelines.Report) error {
	all := junitSuites{Name: "penstock", Time: seconds(r.Seconds)}
	for _, stage := range stagesOf(r) {
		suite := junitSuite{Name: Printable(stage)}
		total := 0.0
		for _, result := range r.Results {
			if result.Stage == stage {
				suite.addCases(result)
				if len(result.Cases) == 0 || !explained(result) {
					suite.add(result)
				}
				total += result.Seconds
			}
		}
		suite.Time = seconds(total)
		all.add(suite)
	}
	for _, skip := range r.Skipped {
		stage := Printable(skip.Stage)
		all.add(junitSuite{Name: stage, Tests: 1, Skipped: 1, Time: seconds(0), Cases: []junitCase{{Class: stage, Name: "all units",
			Time: seconds(0), Skipped: &junitNote{Message: Printable(skip.Reason)}}}})
	}
	b := bytes.NewBufferString(xml.Header)
	encoder := xml.NewEncoder(b)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

func (a *junitSuites) add(s junitSuite) {
	a.Tests += s.Tests
	a.Failures += s.Failures
	a.Errors += s.Errors
	a.Suites = append(a.Suites, s)
}

func (s *junitSuite) add(r pipelines.Result) {
	s.Tests++
	c := junitCase{Class: s.Name, Name: name(r.Unit), Time: seconds(r.Seconds)}
	t := &text{}
	if len(r.Why) > 1 {
		t.line("%s", chain(r.Why))
	}
	if r.Hint != "" {
		t.line("hint: %s", Printable(r.Hint))
	}
	for _, f := range r.Findings {
		t.finding(r.Stage, f)
		t.hint(f)
	}
	note := &junitNote{Message: fmt.Sprintf("%s: %d findings", r.Verdict, len(r.Findings)), Type: string(r.Verdict), Text: "\n" + t.b.String()}
	switch r.Verdict {
	case pipelines.Pass, pipelines.Waived:
		if r.Reason != "" || len(r.Findings) > 0 {
			c.Output = strings.TrimSpace(Printable(r.Reason) + "\n" + t.b.String())
		}
	case pipelines.Fail, pipelines.Unknown:
		s.Failures++
		c.Failure = note
	default:
		s.Errors++
		note.Message = "not run: " + Printable(r.Reason)
		c.Error = note
	}
	s.Cases = append(s.Cases, c)
}
