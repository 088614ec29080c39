package helm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// pause is between two questions of the smoke check.
const pause = 2 * time.Second

// smoke asks the service until the right answer comes, or the time is over.
func (r *running) smoke(ctx context.Context) pipelines.Result {
	s := r.service.Smoke
	if (s.URL == "") == (s.Service == "") {
		return found("smoke", &pipelines.Error{Err: errors.New("service.smoke has to name either url or service"), Hint: "write it like {service: orders:http, path: /healthz}"})
	}
	within := time.Minute
	if s.Within != "" {
		var err error
		if within, err = time.ParseDuration(s.Within); err != nil || within <= 0 {
			return found("smoke", &pipelines.Error{Err: fmt.Errorf("service.smoke.within is %q", s.Within), Hint: `write it like "1m"`})
		}
	}
	question := r.throughServer
	if s.URL != "" {
		question = r.directly
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for tries := 1; ; tries++ {
		err := question(limited)
		if err == nil {
			return pipelines.Result{Judged: map[string]int{"questions": tries}}
		}
		if limited.Err() == nil {
			select {
			case <-limited.Done():
			case <-time.After(pause):
				continue
			}
		}
		return found("smoke", &pipelines.Error{Err: fmt.Errorf("the right answer did not come within %v, asked %d times: %w", within, tries, err),
			Hint: "revision " + fmt.Sprint(r.outcome.Revision) + " is deployed all the same: penstock helm-rollback --env " + r.Environment})
	}
}

// throughServer asks a service of the cluster through the API server.
func (r *running) throughServer(ctx context.Context) error {
	path := r.service.Smoke.Path
	if path == "" {
		path = "/"
	}
	out, err := r.run(ctx, nil, r.kubectl, proxyArgv(r.place, r.service.Smoke.Service, path)...)
	if err != nil {
		return err
	}
	return judge("asking "+r.service.Smoke.Service+path, out)
}

// directly asks a URL. A redirect is an answer.
func (r *running) directly(ctx context.Context) error {
	want := r.service.Smoke.Status
	if want == 0 {
		want = http.StatusOK
	}
	address := strings.ReplaceAll(r.service.Smoke.URL, "{env}", r.Environment)
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return fmt.Errorf("the URL %q is not one of http or https without a password", address)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "penstock")
	asker := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := asker.Do(request)
	if err != nil {
		return fmt.Errorf("asking: %s", printable.Text(err.Error(), 300))
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode != want {
		return fmt.Errorf("asking %s: the answer is %d, not %d", address, response.StatusCode, want)
	}
	return nil
}
