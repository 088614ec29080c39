package skim

import "unicode/utf8"

// expression reads one; broken: a new line does not end it, as within brackets.
func (s *skimmer) expression(broken bool) bool {
	if s.depth++; s.depth > maxDepth {
		return false
	}
	for n := 0; ; n++ {
		if n == maxChain || !s.operand(broken) || !s.gap(broken) {
			return false
		}
		if !s.operator() {
			break
		}
		if !s.gap(broken) {
			return false
		}
	}
	s.depth--
	if !s.take('?') {
		return true
	}
	s.depth++
	ok := s.gap(broken) && s.expression(broken) && s.take(':') && s.peek() != ':' && s.gap(broken) && s.expression(broken)
	s.depth--
	return ok
}

// operator takes one between two operands.
func (s *skimmer) operator() bool {
	next := byte(0)
	if s.at+1 < len(s.src) {
		next = s.src[s.at+1]
	}
	length := 0
	switch c := s.peek(); c {
	case '=', '!', '&', '|':
		if next == '=' && (c == '=' || c == '!') || next == c && (c == '&' || c == '|') {
			length = 2
		}
	case '<', '>':
		if length = 1; next == '=' {
			length = 2
		} else if next == c {
			return false
		}
	case '+', '-', '*', '%':
		length = 1
	case '/':
		if next != '/' && next != '*' {
			length = 1
		}
	}
	s.at += length
	return length > 0
}

func (s *skimmer) operand(broken bool) bool {
	if s.take('!') || s.take('-') {
		if !s.gap(broken) || s.peek() == '!' || s.peek() == '-' {
			return false
		}
	}
	c := s.peek()
	switch {
	case c == '"':
		return s.template()
	case c >= '0' && c <= '9':
		return s.number()
	case c == '[':
		return s.list(']')
	case c == '{':
		return s.object()
	case c == '(':
		s.at++
		return s.gap(true) && s.expression(true) && s.take(')') && s.steps()
	}
	name := s.identifier()
	if name == nil {
		return false
	}
	if s.peek() == '(' && (s.isNamed(name) || !s.list(')')) {
		return false
	}
	return s.steps()
}

func (s *skimmer) number() bool {
	digits := func() bool {
		start := s.at
		for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
			s.at++
		}
		return s.at > start
	}
	ok := digits() && (!s.take('.') || digits())
	return ok && s.peek() != '.' && !letter(s.peek())
}

// steps are the attributes and indexes behind a value.
func (s *skimmer) steps() bool {
	for range maxChain {
		switch {
		case s.take('.'):
			if s.identifier() == nil {
				return false
			}
		case s.take('['):
			if !s.take('*') && !(s.gap(false) && s.expression(false)) || !s.take(']') {
				return false
			}
		default:
			return true
		}
	}
	return false
}

// list reads the items of brackets or the arguments of a call.
func (s *skimmer) list(end byte) bool {
	s.at++
	if !s.gap(true) || s.isFor() {
		return false
	}
	for !s.take(end) {
		if !s.expression(true) {
			return false
		}
		if s.take(',') {
			if !s.gap(true) {
				return false
			}
		} else if s.peek() != end {
			return false
		}
	}
	return true
}

// isFor: a for expression follows, which is left to the parser.
func (s *skimmer) isFor() bool {
	start := s.at
	name := s.identifier()
	s.at = start
	return string(name) == "for"
}

func (s *skimmer) object() bool {
	s.at++
	for {
		if !s.lines() || s.isFor() {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.key() {
			return false
		}
		s.spaces()
		if !s.assigns() && !(s.take(':') && s.peek() != ':') {
			return false
		}
		if s.spaces(); !s.expression(false) {
			return false
		}
		if !s.take(',') && s.peek() != '}' && !s.endOfLine() {
			return false
		}
	}
}

func (s *skimmer) key() bool {
	switch s.peek() {
	case '"':
		return s.template()
	case '(':
		s.at++
		return s.gap(true) && s.expression(true) && s.take(')')
	}
	return s.identifier() != nil
}

// template reads a string and its interpolations, of one line.
func (s *skimmer) template() bool {
	if s.depth++; s.depth > maxDepth {
		return false
	}
	s.at++
	for s.at < len(s.src) {
		c, next := s.src[s.at], byte(0)
		if s.at+1 < len(s.src) {
			next = s.src[s.at+1]
		}
		s.at++
		switch {
		case c == '"':
			s.depth--
			return true
		case c < ' ', c == '%' && (next == '{' || next == '%'), c == '$' && next == '$':
			return false
		case c == '\\':
			if next != '"' && next != '\\' && next != 'n' && next != 't' && next != 'r' {
				return false
			}
			s.at++
		case c == '$' && next == '{':
			s.at++
			if s.spaces(); !s.expression(false) || !s.take('}') {
				return false
			}
		case c >= utf8.RuneSelf:
			_, size := utf8.DecodeRune(s.src[s.at-1:])
			if size == 1 {
				return false
			}
			s.at += size - 1
		}
	}
	return false
}

// gap passes over spaces; broken: also over new lines and comments.
func (s *skimmer) gap(broken bool) bool {
	if broken {
		return s.lines()
	}
	s.spaces()
	return true
}

func (s *skimmer) spaces() {
	for s.at < len(s.src) && s.src[s.at] == ' ' {
		s.at++
	}
}

// peek is the next byte, 0 at the end.
func (s *skimmer) peek() byte {
	if s.at < len(s.src) {
		return s.src[s.at]
	}
	return 0
}

func (s *skimmer) take(c byte) bool {
	if s.at < len(s.src) && s.src[s.at] == c {
		s.at++
		return true
	}
	return false
}

// assigns takes a single equals sign.
func (s *skimmer) assigns() bool {
	if s.peek() != '=' || s.at+1 < len(s.src) && (s.src[s.at+1] == '=' || s.src[s.at+1] == '>') {
		return false
	}
	s.at++
	return true
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// identifier takes one in ASCII; nil where there is none.
func (s *skimmer) identifier() []byte {
	start := s.at
	if !letter(s.peek()) {
		return nil
	}
	for c := s.peek(); letter(c) || c >= '0' && c <= '9' || c == '-'; c = s.peek() {
		s.at++
	}
	if s.peek() >= utf8.RuneSelf { // it goes on
		s.at = start
		return nil
	}
	return s.src[start:s.at]
}
