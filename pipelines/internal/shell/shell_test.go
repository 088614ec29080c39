package shell

import (
	"os/exec"
	"strings"
	"testing"
)

// A shell sees the words that were given.
func TestLine(t *testing.T) {
	words := []string{"plain", "", "with space", "it's", `back\slash`, "$HOME `id` $(id) ;|&<>*?~#!", "new\nline", "-x=/a,b:c@d+e%", "ü"}
	line := Line(words...)
	if !strings.HasPrefix(line, "plain '' 'with space' ") {
		t.Errorf("it is %s", line)
	}
	out, err := exec.Command("sh", "-c", "printf '%s\\0' "+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); len(got) != len(words) || strings.Join(got, "|") != strings.Join(words, "|") {
		t.Errorf("a shell sees %q, not %q", got, words)
	}
}
