package forge

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
)

// TestChaos lets requests go wrong at random, in every way that is known, while a
// page, an issue and a check are kept. What is said to be done is done, whole and
// once; and after whatever else happened the next run that is left in peace leaves
// everything as it should be.
func TestChaos(t *testing.T) {
	var failures, faults int
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 88))
		h := newHub(t)
		h.perPage = 3
		for range random.IntN(8) {
			h.addComment(7, stranger, marker+"\nforged")
			h.addIssue(stranger, "forged", drift.marker(), true)
		}
		wrong := []func(http.ResponseWriter, *http.Request, http.HandlerFunc){before(502, nil, "<html>"), after(502, ""), after(504, "{}"), after(200, ""),
			after(201, "<html>"), after(201, "{}"), before(200, nil, "{}"), cutOff(false), cutOff(true), before(429, http.Header{"Retry-After": {"1"}}, ""), before(500, nil, "")}
		rate := random.IntN(60)
		storm := &fault{".", 1 << 30, func(w http.ResponseWriter, r *http.Request, real http.HandlerFunc) {
			h.mu.Lock()
			do := wrong[random.IntN(len(wrong))]
			calm := random.IntN(100) >= rate
			h.mu.Unlock()
			if calm {
				real(w, r)
				return
			}
			faults++
			do(w, r, real)
		}}
		h.faults = []*fault{storm}
		for step := range 4 {
			failures += h.stormy(random, step)
		}
		storm.times = 0
		h.calm(seed)
	}
	t.Logf("%d requests went wrong, and %d calls failed for it", faults, failures)
	if faults < 1000 || failures < 20 {
		t.Error("that is no storm")
	}
}

// stormy keeps everything once, and checks what is said to have gone well. It returns
// how much did not.
func (h *hub) stormy(random *rand.Rand, step int) (failures int) {
	h.t.Helper()
	body := fmt.Sprint("step ", step)
	if _, err := h.forge().Comment(h.t.Context(), 7, marker, body); err != nil {
		failures++
	} else if got := h.bodies(7); len(got) != 1 || got[0] != marker+"\n"+body {
		h.t.Errorf("step %d: the comments are %q", step, got)
	}
	i := drift
	i.Open, i.Body = random.IntN(2) == 0, body
	if _, err := h.forge().Issue(h.t.Context(), i); err != nil {
		failures++
	} else if n := len(h.own("open")); n != map[bool]int{true: 1}[i.Open] {
		h.t.Errorf("step %d: %d issues are open", step, n)
	}
	have := len(h.checks)
	if _, err := h.forge().Check(h.t.Context(), someCheck(120)); err != nil {
		failures++
	} else if last := h.checks[len(h.checks)-1]; len(h.checks) != have+1 || last["annotations"] != 120 || last["status"] != "completed" {
		h.t.Errorf("step %d: %d checks, the last is %v", step, len(h.checks)-have, last)
	}
	return failures
}

// calm is the run after the storm.
func (h *hub) calm(seed uint64) {
	h.t.Helper()
	comment(h.t, h.forge(), "at last")
	keep(h.t, h.forge(), drift)
	if got := h.bodies(7); len(got) != 1 || got[0] != marker+"\nat last" {
		h.t.Errorf("seed %d: the comments are %q", seed, got)
	}
	if own := h.own("open"); len(own) != 1 || own[0]["body"] != drift.marker()+"\n"+drift.Body {
		h.t.Errorf("seed %d: the issues are %v", seed, own)
	}
	forged := slices.Concat(h.comments, h.issues)
	for _, one := range forged {
		body := one["body"].(string)
		if one["user"].(object)["login"] == "mallory" && (one["state"] == "closed" || body != marker+"\nforged" && body != drift.marker()) {
			h.t.Errorf("seed %d: a stranger's is %v", seed, one)
		}
	}
}

// own are the issues of ours in a state.
func (h *hub) own(state string) []object {
	h.mu.Lock()
	defer h.mu.Unlock()
	return only(h.issues, func(i object) bool { return i["state"] == state && i["user"].(object)["login"] == bot["login"] })
}
