package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

// children are what this test binary does when it is started as a child.
var children = map[string]func(Store, *bufio.Scanner) error{"half": childHalf, "lock": childLock, "write": childWrite, "count": childCount}

func TestMain(m *testing.M) {
	storetest.Main(m, func(role, address string, in *bufio.Scanner) error {
		s, err := Open(context.Background(), address)
		if err != nil {
			return err
		}
		return children[role](s, in)
	})
}

// filled is content that shows whether it is whole: one byte, many times.
func filled(i, size int) []byte { return bytes.Repeat([]byte{byte(i)}, size) }

const size = 300_000

// childWrite creates objects and replaces one, over and over, and tells what is done.
func childWrite(s Store, _ *bufio.Scanner) error {
	ctx := context.Background()
	for i := 0; ; i++ {
		if err := s.Create(ctx, fmt.Sprintf("%d/%d", os.Getpid(), i), bytes.NewReader(filled(i, size))); err != nil {
			return err
		}
		content, version, err := s.Read(ctx, "one")
		if err != nil {
			return err
		}
		_ = content.Close()
		if err := s.Replace(ctx, "one", filled(i, size), version); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// Writers killed at any moment: what they said was done is there, and all that is
// there is whole.
func TestKilledWritersLeaveNothingHalf(t *testing.T) {
	for kind, c := range map[string]struct {
		address func(*testing.T) string
		rounds  int
	}{
		"directory": {func(t *testing.T) string { return t.TempDir() }, 60},
		"s3":        {func(t *testing.T) string { return storetest.NewS3(t).Address("x") }, 10},
	} {
		t.Run(kind, func(t *testing.T) {
			address := c.address(t)
			s, err := Open(t.Context(), address)
			if err == nil {
				err = s.Create(t.Context(), "one", bytes.NewReader(filled(0, size)))
			}
			if err != nil {
				t.Fatal(err)
			}
			told := map[string]bool{}
			for range c.rounds {
				writer := storetest.StartChild(t, "write", address)
				for range 1 + rand.IntN(2) {
					told[fmt.Sprintf("%d/%s", writer.Cmd.Process.Pid, writer.Line(t))] = true
				}
				time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond) // anywhere in the next write
				writer.Kill(t)
			}
			found, err := s.List(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range found {
				delete(told, entry.Name)
				got, _ := read(t, s, entry.Name)
				if len(got) != size || got != string(filled(int(got[0]), size)) {
					t.Errorf("%s is not whole: %d bytes", entry.Name, len(got))
				}
			}
			if len(told) > 0 || len(found) <= c.rounds {
				t.Errorf("%d objects are there, these are not: %v", len(found), told)
			}
		})
	}
}

const counts = 25

// childCount adds 1 to a number, counts times, by comparing and swapping.
func childCount(s Store, _ *bufio.Scanner) error {
	ctx := context.Background()
	for done := 0; done < counts; {
		content, version, err := s.Read(ctx, "number")
		if err != nil {
			return err
		}
		text, err := io.ReadAll(content)
		_ = content.Close()
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(text))
		if err != nil {
			return err
		}
		err = s.Replace(ctx, "number", []byte(strconv.Itoa(n+1)), version)
		if err != nil && !errors.Is(err, ErrChanged) {
			return err
		}
		if err == nil {
			done++
		}
	}
	return nil
}

// Processes that compare and swap at once lose no step.
func TestProcessesCompareAndSwap(t *testing.T) {
	const processes = 6
	for kind, address := range map[string]string{"directory": t.TempDir(), "s3": ""} {
		t.Run(kind, func(t *testing.T) {
			if address == "" {
				address = storetest.NewS3(t).Address("x")
			}
			s, err := Open(t.Context(), address)
			if err == nil {
				err = create(t, s, "number", "0")
			}
			if err != nil {
				t.Fatal(err)
			}
			var started []*storetest.Child
			for range processes {
				started = append(started, storetest.StartChild(t, "count", address))
			}
			for _, c := range started {
				if err := c.Cmd.Wait(); err != nil {
					t.Error(err)
				}
			}
			if got, _ := read(t, s, "number"); got != strconv.Itoa(processes*counts) {
				t.Errorf("got %s, want %d", got, processes*counts)
			}
		})
	}
}
