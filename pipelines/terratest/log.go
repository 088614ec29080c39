package terratest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// logKept is how much of a log is kept on disk: that many bytes of its beginning,
// and as many of its end.
const logKept = 4 << 20

// caseLog is the log of one case on disk. What a test prints never gathers in memory:
// beyond the beginning it goes round in a file, of which the end is what is left.
type caseLog struct {
	path string
	kept int64
	file *os.File
	// written counts all bytes, left out ones too.
	written int64
	err     error // the first; what follows it is lost
}

func newCaseLog(path string, kept int64) *caseLog { return &caseLog{path: path, kept: kept} }

// Write keeps what there is room for. It never fails: a test is not to be blamed for a
// disk that is full, and Close says it.
func (l *caseLog) Write(p []byte) (int, error) {
	n := len(p)
	if l.err == nil && l.file == nil {
		l.file, l.err = os.OpenFile(l.path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	}
	for len(p) > 0 && l.err == nil {
		at, room := l.written, l.kept-l.written
		if room <= 0 { // the ring of the end
			turn := (l.written - l.kept) % l.kept
			at, room = l.kept+turn, l.kept-turn
		}
		part := p[:min(int64(len(p)), room)]
		_, l.err = l.file.WriteAt(part, at)
		l.written += int64(len(part))
		p = p[len(part):]
	}
	l.written += int64(len(p))
	return n, nil
}

// left is how many bytes were left out.
func (l *caseLog) left() int64 { return max(0, l.written-2*l.kept) }

// Close puts the end behind the beginning, with a line between them that says how much
// is missing.
func (l *caseLog) Close() error {
	if l.file == nil {
		return l.err
	}
	if l.err == nil && l.left() > 0 {
		l.err = l.unroll()
	}
	err := errors.Join(l.err, l.file.Close())
	l.file = nil
	if err != nil {
		return fmt.Errorf("keeping the log: %w", err)
	}
	return nil
}

func (l *caseLog) unroll() error {
	whole, err := os.OpenFile(l.path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	turn := (l.written - l.kept) % l.kept
	_, err = io.Copy(whole, io.MultiReader(
		io.NewSectionReader(l.file, 0, l.kept), strings.NewReader(fmt.Sprintf("\n... %d bytes are left out ...\n", l.left())),
		io.NewSectionReader(l.file, l.kept+turn, l.kept-turn), io.NewSectionReader(l.file, l.kept, turn)))
	if err = errors.Join(err, whole.Close()); err == nil {
		err = os.Rename(whole.Name(), l.path)
	}
	if err != nil {
		_ = os.Remove(whole.Name()) // the error that matters is the first
	}
	return err
}

// excerpt is the beginning and the end of a log file, in at most pipelines.CaseOutput bytes.
func excerpt(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return ""
	}
	read := func(from, to int64) string {
		content, _ := io.ReadAll(io.NewSectionReader(file, from, to-from)) // what cannot be read is not shown
		return strings.ToValidUTF8(string(content), "")
	}
	if info.Size() <= pipelines.CaseOutput {
		return read(0, info.Size())
	}
	const part = pipelines.CaseOutput/2 - 100
	return fmt.Sprintf("%s\n... %d bytes are left out: the log has them ...\n%s", read(0, part), info.Size()-2*part, read(info.Size()-part, info.Size()))
}
