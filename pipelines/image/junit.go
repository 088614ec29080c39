package image

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

type testState string

const (
	passedTest  testState = "passed"
	failedTest  testState = "failed"
	skippedTest testState = "skipped"
)

// testCase is one test that ran, or was left out.
type testCase struct {
	suite, test string
	seconds     float64
	state       testState
	message     string
}

func (c testCase) name() string { return printable.Text(strings.Trim(c.suite+"."+c.test, "."), 300) }

// told is the message of a finding: what the test said, in short.
func (c testCase) told() string {
	said := printable.Text(strings.TrimSpace(c.message), 400)
	if said == "" {
		return "the test failed"
	}
	return "the test failed: " + said
}

// The form of JUnit that every reader of it knows.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
	// Cases stand right beneath the root in what node writes.
	Cases []junitCase `xml:"testcase"`
}

type junitSuite struct {
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
	Cases    []junitCase  `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitNote `xml:"failure"`
	Error   *junitNote `xml:"error"`
	Skipped *junitNote `xml:"skipped"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// parseJUnit reads JUnit that a test runner wrote: testsuites, or one testsuite.
func parseJUnit(text []byte) ([]testCase, error) {
	var all junitSuites
	if err := xml.Unmarshal(text, &all); err != nil {
		var single struct {
			XMLName xml.Name `xml:"testsuite"`
			junitSuite
		}
		if other := xml.Unmarshal(text, &single); other != nil {
			return nil, fmt.Errorf("JUnit: %w", err)
		}
		all.Suites = []junitSuite{single.junitSuite}
	}
	return flatten(junitSuite{Suites: all.Suites, Cases: all.Cases}), nil
}

func flatten(s junitSuite) []testCase {
	var cases []testCase
	for _, c := range s.Cases {
		one := testCase{suite: c.Class, test: c.Name, state: passedTest}
		_, _ = fmt.Sscanf(c.Time, "%g", &one.seconds) // for people
		note := c.Failure
		if note == nil {
			note = c.Error
		}
		switch {
		case note != nil:
			one.state, one.message = failedTest, strings.TrimSpace(note.Message+"\n"+note.Text)
		case c.Skipped != nil:
			one.state = skippedTest
		}
		cases = append(cases, one)
	}
	for _, below := range s.Suites {
		cases = append(cases, flatten(below)...)
	}
	return cases
}

// writeJUnit writes the tests of one run.
func writeJUnit(path, name string, cases []testCase) error {
	suite := junitSuite{Name: name, Tests: len(cases)}
	for _, c := range cases {
		one := junitCase{Class: clean(c.suite), Name: clean(c.test), Time: fmt.Sprintf("%.3f", c.seconds)}
		switch c.state {
		case failedTest:
			suite.Failures++
			one.Failure = &junitNote{Message: "failed", Text: clean(c.message)}
		case skippedTest:
			suite.Skipped++
			one.Skipped = &junitNote{}
		}
		suite.Cases = append(suite.Cases, one)
	}
	text, err := xml.MarshalIndent(junitSuites{Tests: suite.Tests, Failures: suite.Failures, Skipped: suite.Skipped, Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o644); err != nil { //nolint:gosec // no secret
		return fmt.Errorf("writing JUnit: %w", err)
	}
	return nil
}

// clean keeps the lines of what a test said and escapes what XML or a terminal cannot hold.
func clean(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, printable.Text(line, 4000))
	}
	return strings.Join(lines, "\n")
}
