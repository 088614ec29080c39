package terratest

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// goEvents reads what go test -json prints (go doc test2json) into a record.
type goEvents struct {
	record *record
	unit   string
	// said are the cases of which the testing package itself said the verdict: test2json
	// makes one up for the test that ran when the process ended.
	said map[string]bool
	// last is the last place and message that a case logged, panicked its panic.
	last, panicked map[string]string
}

func newGoEvents(r *record, unit string) *goEvents {
	return &goEvents{record: r, unit: unit, said: map[string]bool{}, last: map[string]string{}, panicked: map[string]string{}}
}

type goEvent struct {
	Action, Test, Output string
}

func (g *goEvents) line(line []byte) {
	var e goEvent
	if json.Unmarshal(line, &e) != nil || e.Action == "" {
		g.record.print("", line)
		return
	}
	test, _, below := strings.Cut(e.Test, "/")
	if !g.record.knows(test) {
		if e.Output != "" {
			g.record.print("", []byte(e.Output))
		}
		return
	}
	switch {
	case e.Action == "run" && !below:
		g.record.start(test)
	case e.Action == "output":
		g.output(test, e.Output)
	case below:
	case e.Action == "pass" && g.said[test]:
		g.record.end(test, pipelines.CasePassed, "", pipelines.Position{})
	case e.Action == "skip" && g.said[test]:
		reason, place := g.message(test)
		g.record.end(test, pipelines.CaseSkipped, or(reason, "it says no reason"), place)
	case e.Action == "fail" && (g.said[test] || g.panicked[test] != ""):
		reason, place := g.message(test)
		g.record.end(test, pipelines.CaseFailed, or(reason, "it failed without a message"), place)
	}
}

var (
	// terratestLine is how the loggers of Terratest begin each line: a test that runs
	// beside others prints it where another is speaking.
	terratestLine = regexp.MustCompile(`^((?:Test|Fuzz|Example)[^\s/]*)(?:/\S*)? [0-9]{4}-[0-9]{2}-[0-9]{2}T`)
	logged        = regexp.MustCompile(`^\s+([A-Za-z0-9_.-]+\.go):([0-9]+): ?(.*)`)
	asserted      = regexp.MustCompile(`^\s+Error:\s+(\S.*)`) // testify, beneath a line with no message
	verdictLine   = regexp.MustCompile(`^--- (?:PASS|FAIL|SKIP): (\S+) \(`)
)

func (g *goEvents) output(test, text string) {
	if own := terratestLine.FindStringSubmatch(text); own != nil && g.record.knows(own[1]) {
		test = own[1]
	}
	g.record.print(test, []byte(text))
	line := strings.TrimRight(text, "\n")
	switch found := logged.FindStringSubmatch(line); {
	case found != nil:
		g.last[test] = line
	case asserted.MatchString(line) && strings.HasSuffix(strings.TrimSpace(g.last[test]), ":"):
		g.last[test] += " " + asserted.FindStringSubmatch(line)[1]
	case strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: "):
		if g.panicked[test] == "" {
			g.panicked[test] = line
		}
	default:
		if verdict := verdictLine.FindStringSubmatch(line); verdict != nil {
			g.said[verdict[1]] = true
		}
	}
}

// close says of a test whose process panicked while it spoke that it failed.
func (g *goEvents) close() {
	for test, panicked := range g.panicked {
		g.record.end(test, pipelines.CaseFailed, panicked, pipelines.Position{})
	}
}

// message is what a test last said, and where.
func (g *goEvents) message(test string) (string, pipelines.Position) {
	place := pipelines.Position{}
	found := logged.FindStringSubmatch(g.last[test])
	if found != nil {
		place.Path = strings.TrimPrefix(g.unit+"/"+found[1], "./")
		place.Line, _ = strconv.Atoi(found[2]) // digits
	}
	switch {
	case g.panicked[test] != "":
		return g.panicked[test], pipelines.Position{}
	case found == nil:
		return "", place
	}
	return found[1] + ":" + found[2] + ": " + found[3], place
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
