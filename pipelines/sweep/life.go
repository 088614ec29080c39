package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// skew is how far two clocks may be apart. A run on a machine that nobody can look into
// counts as dead only when its time has been over for longer.
const skew = time.Hour

// leaseTTL is how long the lease of a sweep lasts that does not renew it.
const leaseTTL = time.Minute

// hold takes the run for this sweep: it is proven dead, what it left running has ended,
// and no other sweep is at it.
func (s *sweeping) hold(ctx context.Context, r deployed.Run) (context.Context, func(), error) {
	if err := s.dead(ctx, r); err != nil {
		return nil, nil, err
	}
	target := "sweep/" + r.ID
	lease, err := s.book.Acquire(ctx, target, s.owner, leaseTTL)
	var other *ledger.HeldError
	if errors.As(err, &other) {
		if err := s.after(ctx, other); err != nil {
			return nil, nil, err
		}
		lease, err = s.book.Acquire(ctx, target, s.owner, leaseTTL)
	}
	if err != nil {
		return nil, nil, err
	}
	kept, stop := lease.Keep(ctx)
	return kept, func() {
		stop()
		if err := lease.Release(context.WithoutCancel(ctx)); err != nil {
			s.report.Notices = append(s.report.Notices, pipelines.Notice{Message: err.Error()})
		}
	}, nil
}

// after takes a run over from a sweep that is dead.
func (s *sweeping) after(ctx context.Context, other *ledger.HeldError) error {
	life, why, err := s.rest(ctx, other.Owner)
	if err != nil {
		return err
	}
	if life == ledger.Dead || life == ledger.Unknown && s.Dead && other.Expired() {
		return s.book.Break(ctx, other.Target, other.Version)
	}
	return &pipelines.Error{Err: fmt.Errorf("sweeping the run: another sweep is at it, %s: %s", other.Owner, why),
		Hint: "wait for it to end; if it is dead, and was elsewhere, say so with --dead"}
}

// rest says whether a run is dead, once what it left running has ended: its own process is
// gone, so nobody waits for that. It is given some time to end, and is then killed, because
// terraform that ends by itself leaves a better state than one that is killed.
func (s *sweeping) rest(ctx context.Context, o ledger.Owner) (life ledger.Liveness, why string, err error) {
	ended := 0
	for deadline := time.Now().Add(s.Patience); ; {
		life, why = s.Coroner.Alive(ctx, o)
		if life != ledger.Living || !ledger.Orphaned(o) {
			break
		}
		late := time.Since(deadline)
		if late > time.Minute { // what is killed ends, unless the kernel does not let it
			break
		}
		if late > 0 {
			n, err := ledger.End(o)
			if err != nil {
				return life, why, err
			}
			ended += n
		}
		select {
		case <-ctx.Done():
			return life, why, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	if ended > 0 {
		s.report.Notices = append(s.report.Notices, pipelines.Notice{Message: fmt.Sprintf("%d processes that the run %s left running were ended", ended, o.Run)})
	}
	return life, why, nil
}

// dead returns nil where a run is proven dead and nothing of it runs any more.
func (s *sweeping) dead(ctx context.Context, r deployed.Run) error {
	o := r.Owner
	if s.own(o) { // the run sweeps after itself: what else there is of it must have ended
		o.PID = math.MaxInt32
	}
	life, why, err := s.rest(ctx, o)
	if err != nil {
		return err
	}
	switch {
	case life == ledger.Dead:
		return nil
	case life == ledger.Living:
		return &pipelines.Error{Err: fmt.Errorf("sweeping the run %s: it is alive: %s", r.ID, why), Hint: "wait for it to end"}
	case s.Dead || s.over(ctx, r):
		return nil
	}
	return &pipelines.Error{Err: fmt.Errorf("sweeping the run %s: it is not known to be dead: %s", r.ID, why),
		Hint: "sweep it on its machine; or, if you know that it is dead, say so with --dead"}
}

// own says whether a run is of this process.
func (s *sweeping) own(o ledger.Owner) bool {
	return o.PID == os.Getpid() && o.PIDStart == s.owner.PIDStart && o.Machine == s.owner.Machine
}

// over says whether the time of a run has been over for longer than clocks are apart.
func (s *sweeping) over(ctx context.Context, r deployed.Run) bool {
	now, err := s.Now, error(nil)
	if now.IsZero() {
		now, err = s.states.Store.Now(ctx)
	}
	return err == nil && now.After(r.TTL.Add(skew))
}
