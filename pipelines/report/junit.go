package report

import (
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
	Failure *junitNote `xml:"failure,omitempty"`
	Error   *junitNote `xml:"error,omitempty"`
	Skipped *junitNote `xml:"skipped,omitempty"`
	Output  string     `xml:"system-out,omitempty"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit renders one suite for each stage and one case for each unit. A finding
// and an unknown are failures; what was not run is an error.
func JUnit(w io.Writer, r *pipelines.Report) error {
	all := junitSuites{Name: "penstock", Time: seconds(r.Seconds)}
	for _, stage := range r.Stages {
		suite := junitSuite{Name: stage}
		total := 0.0
		for _, result := range r.Results {
			if result.Stage == stage {
				suite.add(result)
				total += result.Seconds
			}
		}
		suite.Time = seconds(total)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Suites = append(all.Suites, suite)
	}
	for _, skip := range r.Skipped {
		all.Suites = append(all.Suites, junitSuite{Name: skip.Stage, Tests: 1, Skipped: 1, Time: seconds(0),
			Cases: []junitCase{{Class: skip.Stage, Name: "all units", Time: seconds(0), Skipped: &junitNote{Message: Printable(skip.Reason)}}}})
		all.Tests++
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

func (s *junitSuite) add(r pipelines.Result) {
	s.Tests++
	c := junitCase{Class: s.Name, Name: Printable(r.Unit), Time: seconds(r.Seconds)}
	t := &text{}
	for _, f := range r.Findings {
		t.finding(r.Stage, f)
		t.hint(f)
	}
	note := &junitNote{Message: fmt.Sprintf("%s: %d findings", r.Verdict, len(r.Findings)), Text: "\n" + t.b.String()}
	switch r.Verdict {
	case pipelines.Pass, pipelines.Waived:
		c.Output = strings.TrimSpace(Printable(r.Reason) + "\n" + t.b.String())
	case pipelines.Fail, pipelines.Unknown:
		s.Failures++
		c.Failure = note
	default:
		s.Errors++
		note.Message = "not run: " + Printable(r.Reason)
		if r.Hint != "" {
			note.Text += "hint: " + Printable(r.Hint) + "\n"
		}
		c.Error = note
	}
	s.Cases = append(s.Cases, c)
}
