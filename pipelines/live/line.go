package live

import (
	"bytes"
	"encoding/json"
)

// line is one of terraform's machine-readable output.
type line struct {
	Type string `json:"type"`
	Hook struct {
		Resource struct {
			Addr string `json:"addr"`
		} `json:"resource"`
		Action string `json:"action"`
	} `json:"hook"`
}

// listener tells what is in the lines that are written to it.
type listener struct {
	hear func(line)
	rest []byte
}

// longest bounds one line that is looked into, in bytes.
const longest = 4 << 20

func (s *listener) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		text, rest, ended := bytes.Cut(s.rest, []byte("\n"))
		if !ended {
			break
		}
		var l line
		if json.Unmarshal(text, &l) == nil {
			s.hear(l)
		}
		s.rest = rest
	}
	if len(s.rest) > longest {
		s.rest = nil
	}
	return len(p), nil
}
