package redact

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{5,}`)
	hexRun    = regexp.MustCompile(`(?:[0-9a-fA-F]{2}[:\s]?){4,}`)
	jsonRune  = regexp.MustCompile(`\\u[0-9a-fA-F]{4}`)
)

// decodings are the texts that a text may stand for: each run of it decoded as
// base64 of either alphabet, from each of four positions since it may be cut out
// of a longer one, and as hex; and the whole without escapes of URLs, JSON and HTML.
func decodings(text string) []string {
	var list []string
	if len(text) > 1<<20 {
		return nil
	}
	if strings.ContainsAny(text, "%+") {
		if plain, err := url.QueryUnescape(text); err == nil {
			list = append(list, plain)
		}
		if plain, err := url.PathUnescape(text); err == nil {
			list = append(list, plain)
		}
	}
	if strings.Contains(text, `\`) {
		list = append(list, unescaped(text))
	}
	if strings.Contains(text, "&") {
		list = append(list, html.UnescapeString(text))
	}
	for _, run := range base64Run.FindAllString(text, 64) {
		list = append(list, fromBase64(run)...)
	}
	for _, run := range hexRun.FindAllString(text, 64) {
		if raw, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(run)); err == nil {
			list = append(list, string(raw))
		}
	}
	return list
}

func fromBase64(run string) []string {
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	var list []string
	for from := range min(4, len(run)) {
		cut := run[from:]
		if len(cut)%4 == 1 {
			cut = cut[:len(cut)-1]
		}
		if raw, err := base64.RawStdEncoding.DecodeString(cut); err == nil {
			list = append(list, string(raw))
		}
	}
	return list
}

// unescaped takes the escapes of JSON, Go and HCL out.
func unescaped(text string) string {
	text = jsonRune.ReplaceAllStringFunc(text, func(s string) string {
		n, err := strconv.ParseUint(s[2:], 16, 32)
		if err != nil {
			return s
		}
		return string(rune(n))
	})
	return strings.NewReplacer(`\"`, `"`, `\n`, "\n", `\t`, "\t", `\/`, "/", `\\`, `\`, `\r`, "\r").Replace(text)
}

// readable tells whether decoded bytes are text, rather than what any text gives
// when it is taken for base64.
func readable(s string) bool {
	if len(s) < shortest || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return false
		}
	}
	return true
}
