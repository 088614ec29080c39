package config

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestServiceEnvironments(t *testing.T) {
	s := read(t, inEnvironment(", enabled: false, opt_out: [{part: image, reason: r, owner: ines, expires: 2026-11-30}]")).Service
	e, err := s.In("dvlp")
	if err != nil || e.On() || e.Position.Line != 7 {
		t.Errorf("got %+v, %v", e, err)
	}
	_, err = s.In("pprd") // of live.environments, but the service does not run there
	var known *Error
	if !errors.As(err, &known) || !strings.Contains(known.Cause.Hint, `there are "dvlp"`) || known.Cause.Position.Line != 3 {
		t.Errorf("got %v", err)
	}
	for day, want := range map[string]string{"2026-11-30T23:59:59Z": "", "2026-12-01T00:00:00Z": "penstock.yaml:7:91: image of \"dvlp\" is left out until 2026-11-30, which is over; ines answers for it"} {
		now, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		found, err := e.Waived("image", now)
		if want == "" && (err != nil || found == nil || found.Owner != "ines") {
			t.Errorf("%s: %+v, %v", day, found, err)
		}
		if want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: got %v, want %s", day, err, want)
		}
	}
	if found, err := e.Waived("service-iac", time.Unix(0, 0)); found != nil || err != nil {
		t.Errorf("what is not left out: %+v, %v", found, err)
	}
}
