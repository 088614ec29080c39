package shim

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// leftovers hears what terraform test prints, for the resources that it could not destroy:
// it keeps no state of them. Text and JSON are understood.
type leftovers struct {
	found []string
	read  *io.PipeReader
	write *io.PipeWriter
	done  chan struct{}
}

func listen() *leftovers {
	l := &leftovers{done: make(chan struct{})}
	l.read, l.write = io.Pipe()
	go l.hear()
	return l
}

func (l *leftovers) hear() {
	defer close(l.done)
	listing := false
	in := bufio.NewReaderSize(l.read, 1<<20)
	for {
		line, long, err := in.ReadLine()
		if err != nil {
			return
		}
		for long { // no line of ours is that long
			_, long, err = in.ReadLine()
			if err != nil {
				return
			}
		}
		listing = l.line(string(line), listing)
	}
}

// line takes one line up, and says whether a list goes on.
func (l *leftovers) line(line string, listing bool) bool {
	var said struct {
		Type    string `json:"type"`
		Cleanup struct {
			Failed []struct{ Instance string } `json:"failed_resources"`
		} `json:"test_cleanup"`
	}
	if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &said) == nil {
		for _, r := range said.Cleanup.Failed {
			l.add(r.Instance)
		}
		return false
	}
	if strings.Contains(line, "left the following resources in") {
		return true
	}
	if address, ok := strings.CutPrefix(line, "  - "); ok && listing {
		l.add(address)
	}
	return listing && strings.TrimSpace(line) != "" || listing && len(l.found) == 0
}

func (l *leftovers) add(address string) {
	if address = strings.TrimSpace(address); !slices.Contains(l.found, address) {
		l.found = append(l.found, address)
	}
}

// close waits for the end of what was printed.
func (l *leftovers) close() []string {
	_ = l.write.Close()
	<-l.done
	return l.found
}
