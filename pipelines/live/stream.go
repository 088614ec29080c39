package live

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
)

// line is one of terraform's machine-readable output.
type line struct {
	Level string `json:"@level"`
	Type  string `json:"type"`
	Hook  struct {
		Resource struct {
			Addr string `json:"addr"`
		} `json:"resource"`
		Action string `json:"action"`
		ID     string `json:"id_value"`
	} `json:"hook"`
	Changes struct {
		Add, Change, Remove, Import int
	} `json:"changes"`
}

// stream copies terraform's output to a file, line by line, and tells what is in it.
type stream struct {
	mu   sync.Mutex
	to   io.Writer
	rest []byte
	hear func(line)
	err  error
}

// longest bounds one line that is looked into, in bytes; a longer one is only kept.
const longest = 4 << 20

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.to.Write(p); err != nil && s.err == nil {
		s.err = err // terraform goes on: an apply must not end because a log is full
	}
	s.rest = append(s.rest, p...)
	for {
		i := bytes.IndexByte(s.rest, '\n')
		if i < 0 {
			break
		}
		var l line
		if json.Unmarshal(s.rest[:i], &l) == nil && s.hear != nil {
			s.hear(l)
		}
		s.rest = s.rest[i+1:]
	}
	if len(s.rest) > longest {
		s.rest = nil
	}
	return len(p), nil
}
