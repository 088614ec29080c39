package terratest

import (
	"bytes"
	"strings"
)

// tail keeps the beginning of what is written to it, and its last lines.
type tail struct {
	head, rest []byte
}

const (
	headKept = 4 << 10
	tailKept = 4 << 10
)

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if room := headKept - len(t.head); room > 0 {
		t.head = append(t.head, p[:min(room, len(p))]...)
		p = p[min(room, len(p)):]
	}
	t.rest = append(t.rest, p...)
	if len(t.rest) > 2*tailKept {
		t.rest = append([]byte{}, t.rest[len(t.rest)-tailKept:]...)
	}
	return n, nil
}

func (t *tail) String() string { return string(t.head) + string(t.rest) }

// line is the line that says most: that of a panic, else the first that is not only the
// word of a verdict.
func (t *tail) line() string {
	first := ""
	for line := range strings.Lines(t.String()) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return line
		}
		word, _, _ := strings.Cut(line, "\t")
		if first == "" && word != "" && word != "PASS" && word != "FAIL" && word != "ok" && !strings.HasPrefix(word, "exit status ") {
			first = line
		}
	}
	return first
}

// lines hands on what is written to it, line by line; a line that is longer than most
// is handed on in parts.
type lines struct {
	each func(line []byte)
	part bytes.Buffer
}

const longestLine = 1 << 20

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.part.Write(p)
			if l.part.Len() > longestLine {
				l.flush()
			}
			break
		}
		if l.part.Len() == 0 {
			l.each(p[:i+1])
		} else {
			l.part.Write(p[:i+1])
			l.flush()
		}
		p = p[i+1:]
	}
	return n, nil
}

func (l *lines) flush() {
	if l.part.Len() > 0 {
		l.each(l.part.Bytes())
		l.part.Reset()
	}
}
