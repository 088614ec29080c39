// Package skim reads HCL that is written plainly, as nearly all of it is, without
// building a tree: ten times as fast as the parser, which a catalog of thousands of
// files notices. It knows less of the language than the parser does, on purpose:
// what it does not know is no error, but left to the parser.
package skim

import (
	"bytes"
	"unicode/utf8"
)

// Plain says for certain that a source is HCL without an error, and that nothing in
// it is of the kind that terraform fmt rewrites beyond spaces: a whole value in an
// interpolation, the type of a variable in an old form, a label that is not plain.
// False says nothing. It hears of the type of each block and of each function
// called: where named returns true the answer is false.
func Plain(src []byte, named func(name []byte) bool) bool {
	s := &skimmer{src: src, named: named}
	return s.body(true, false)
}

type skimmer struct {
	src   []byte
	at    int
	depth int
	named func([]byte) bool
	// arguments are the names in the bodies that are open: one may not come twice.
	arguments [][]byte
}

const (
	maxDepth     = 50
	maxChain     = 100 // operators or steps in a row: for the parser they are depth, too
	maxArguments = 200 // of one body: they are compared with each other
)

// body reads to the end of the source or before the brace that closes a block.
func (s *skimmer) body(top, variable bool) bool {
	if s.depth++; s.depth > maxDepth {
		return false
	}
	mine := len(s.arguments)
	for {
		if !s.lines() {
			return false
		}
		if s.peek() == '}' || s.at == len(s.src) {
			s.depth, s.arguments = s.depth-1, s.arguments[:mine]
			return (s.at == len(s.src)) == top
		}
		name := s.identifier()
		if name == nil {
			return false
		}
		s.spaces()
		ok := false
		if s.assigns() {
			ok = s.first(mine, name) && s.argument(variable && string(name) == "type")
		} else {
			ok = !s.isNamed(name) && s.block(top && string(name) == "variable")
		}
		if !ok || !s.endOfLine() {
			return false
		}
	}
}

func (s *skimmer) isNamed(name []byte) bool { return s.named != nil && s.named(name) }

// first: no argument of the same body has this name already.
func (s *skimmer) first(mine int, name []byte) bool {
	if len(s.arguments)-mine >= maxArguments {
		return false
	}
	for _, other := range s.arguments[mine:] {
		if bytes.Equal(name, other) {
			return false
		}
	}
	s.arguments = append(s.arguments, name)
	return true
}

// argument reads the value of an argument.
func (s *skimmer) argument(typeOfVariable bool) bool {
	s.spaces()
	rest := s.src[s.at:]
	switch {
	case typeOfVariable:
		start := s.at
		if name := s.identifier(); name == nil || legacy[string(name)] && s.peek() != '(' {
			return false
		}
		s.at = start
	case bytes.HasPrefix(rest, []byte(`"${`)):
		return false
	case bytes.HasPrefix(rest, []byte("<<")):
		return s.heredoc()
	}
	return s.expression(false)
}

var legacy = map[string]bool{"list": true, "map": true, "set": true}

// block reads the labels and the body of a block.
func (s *skimmer) block(variable bool) bool {
	for s.peek() == '"' {
		end := bytes.IndexByte(s.src[s.at+1:], '"')
		if end < 0 {
			return false
		}
		for _, c := range s.src[s.at+1 : s.at+1+end] {
			if c < ' ' || c > '~' || c == '\\' || c == '$' || c == '%' {
				return false
			}
		}
		s.at += end + 2
		s.spaces()
	}
	if !s.take('{') {
		return false
	}
	s.spaces()
	if s.take('}') {
		return true
	}
	return s.endOfLine() && s.body(false, variable) && s.take('}')
}

// heredoc reads one without interpolations.
func (s *skimmer) heredoc() bool {
	s.at += len("<<")
	s.take('-')
	marker := s.identifier()
	if marker == nil || !s.take('\n') {
		return false
	}
	for {
		line, _, more := bytes.Cut(s.src[s.at:], []byte{'\n'})
		if !more || !readable(line) || bytes.Contains(line, []byte("${")) || bytes.Contains(line, []byte("%{")) {
			return false
		}
		s.at += len(line)
		if bytes.Equal(bytes.TrimSpace(line), marker) {
			return true
		}
		s.at++
	}
}

// lines passes over what is empty or only a comment.
func (s *skimmer) lines() bool {
	for {
		s.spaces()
		switch {
		case s.take('\n'):
		case s.atComment():
			if !s.comment() {
				return false
			}
		default:
			return true
		}
	}
}

// endOfLine reads the end of a line, with a comment or without.
func (s *skimmer) endOfLine() bool {
	s.spaces()
	if s.atComment() {
		return s.comment()
	}
	return s.take('\n')
}

func (s *skimmer) atComment() bool {
	return s.peek() == '#' || s.peek() == '/' && s.at+1 < len(s.src) && s.src[s.at+1] == '/'
}

// comment reads to the end of the line.
func (s *skimmer) comment() bool {
	line, _, more := bytes.Cut(s.src[s.at:], []byte{'\n'})
	s.at += len(line) + 1
	return more && readable(line)
}

// readable is text without control characters except tabs.
func readable(text []byte) bool {
	plain := true
	for _, c := range text {
		if c < ' ' && c != '\t' {
			return false
		}
		plain = plain && c < utf8.RuneSelf
	}
	return plain || utf8.Valid(text)
}
