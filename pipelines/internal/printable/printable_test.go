package printable

import "testing"

func TestText(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"plain", 100, "plain"},
		{"two\nlines\tmore", 100, "two lines more"},
		{"\x1b[31mred\a", 100, `\x1b[31mred\a`},
		{"bad \xff utf-8", 100, `bad \xff utf-8`},
		{"right\u202eleft", 100, `right\u202eleft`},
		{"naïve 名前", 8, "naïve 名前"},
		{"naïve 名前", 7, "naïve 名..."},
	} {
		if got := Text(c.in, c.limit); got != c.want {
			t.Errorf("Text(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	if got, want := Path("a\nb\x1b[2J.tf"), `a\nb\x1b[2J.tf`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
