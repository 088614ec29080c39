package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// eachAddress runs a test on each kind of store that can hold a ledger.
func eachAddress(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("directory", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("s3", func(t *testing.T) { test(t, storetest.NewS3(t).Address("ledger")) })
}

func eachStore(t *testing.T, test func(*testing.T, *Ledger)) {
	eachAddress(t, func(t *testing.T, address string) { test(t, open(t, address)) })
}

func open(t *testing.T, address string) *Ledger {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return New(s)
}

// children are what this test binary does when it is started as a child.
var children = map[string]func(context.Context, *Ledger, *bufio.Scanner) error{
	"race": childRace, "record": childRecord,
}

func TestMain(m *testing.M) {
	storetest.Main(m, func(role, address string, in *bufio.Scanner) error {
		var l *Ledger
		if address != "" {
			s, err := store.Open(context.Background(), address)
			if err != nil {
				return err
			}
			l = New(s)
		}
		return children[role](context.Background(), l, in)
	})
}

const rounds = 200

// childRace takes a lease whenever it is told to, says whether it has it, and
// gives it back when told to.
func childRace(ctx context.Context, l *Ledger, in *bufio.Scanner) error {
	for in.Scan() {
		o, err := NewOwner("racer", CI{})
		if err != nil {
			return err
		}
		lease, err := l.Acquire(ctx, "live/race", o, time.Minute)
		var held *HeldError
		switch {
		case err == nil:
			fmt.Println("won")
		case errors.As(err, &held):
			fmt.Println("held by", held.Owner.PID)
		default:
			return err
		}
		in.Scan()
		if lease != nil {
			if err := lease.Release(ctx); err != nil {
				return err
			}
		}
		fmt.Println("done")
	}
	return in.Err()
}

func TestTwoProcessesRaceForTheLease(t *testing.T) {
	eachAddress(t, func(t *testing.T, address string) {
		racers := []*storetest.Child{storetest.StartChild(t, "race", address), storetest.StartChild(t, "race", address)}
		wins := [2]int{}
		for round := range rounds {
			for _, r := range racers {
				if _, err := fmt.Fprintln(r.In, "go"); err != nil {
					t.Fatal(err)
				}
			}
			said := [2]string{racers[0].Line(t), racers[1].Line(t)}
			switch {
			case said[0] == "won" && said[1] == fmt.Sprint("held by ", racers[0].Cmd.Process.Pid):
				wins[0]++
			case said[1] == "won" && said[0] == fmt.Sprint("held by ", racers[1].Cmd.Process.Pid):
				wins[1]++
			default:
				t.Fatalf("round %d: %q", round, said)
			}
			for _, r := range racers {
				_, _ = fmt.Fprintln(r.In, "on")
			}
			for _, r := range racers {
				r.Line(t)
			}
		}
		t.Logf("%d rounds, won %v", rounds, wins)
	})
}

// childRecord writes entries and tells each that it was told is written.
func childRecord(ctx context.Context, l *Ledger, _ *bufio.Scanner) error {
	o, err := NewOwner("writer", CI{})
	if err != nil {
		return err
	}
	fmt.Println(o.Run)
	j, err := l.Begin("live/record", o)
	for i := 0; err == nil; i++ {
		event := Progress
		if i == 0 {
			event = Intent
		}
		if err = j.Record(ctx, Entry{Event: event, Payload: Payload{Note: fmt.Sprint("entry ", i)}}); err == nil {
			fmt.Println(i)
		}
	}
	return err
}

// Every entry that Record returned for is there after a kill -9, and no gap.
func TestEntriesSurviveAKill(t *testing.T) {
	eachAddress(t, func(t *testing.T, address string) {
		l := open(t, address)
		const kills = 25
		for kill := range kills {
			c := storetest.StartChild(t, "record", address)
			run := c.Line(t)
			told := kill%7 + 1
			for range told {
				c.Line(t)
			}
			c.Kill(t)
			for c.Out.Scan() { // what it told before it died
				told++
			}
			there, err := l.Run(t.Context(), "live/record", run)
			if err != nil || len(there.Entries) < told {
				t.Fatalf("%d of %d entries, %v", len(there.Entries), told, err)
			}
			for i, e := range there.Entries {
				if e.Note != fmt.Sprint("entry ", i) {
					t.Errorf("entry %d is %q", i, e.Note)
				}
			}
		}
		open, err := l.Unfinished(t.Context())
		if err != nil || len(open) != kills {
			t.Errorf("%d unfinished, %v", len(open), err)
		}
	})
}
