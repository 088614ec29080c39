package helm

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/kubetest"
)

// proxy stands between helm and the API server, and answers writes with 500 from a
// certain one on: as many as bad, or for ever where that is negative.
type proxy struct {
	*httptest.Server
	good, bad atomic.Int64
	failed    atomic.Int64
}

func (s *shop) proxy() *proxy {
	s.Helper()
	to, err := url.Parse(s.cluster.URL)
	if err != nil {
		s.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(s.cluster.CA, strings.TrimSuffix(s.cluster.CA, ".crt")+".key")
	if err != nil {
		s.Fatal(err)
	}
	p := &proxy{}
	p.good.Store(1 << 40)
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.FlushInterval = -1                                                                  // watches
	forward.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // loopback, in a test
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write := r.Method != http.MethodGet && !strings.Contains(r.URL.RawQuery, "dryRun") && !strings.Contains(r.URL.Path, "selfsubject")
		if write && p.good.Add(-1) < 0 && p.bad.Add(-1) >= 0 {
			p.failed.Add(1)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"the disk of etcd is full","reason":"InternalError","code":500}`)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	p.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	p.StartTLS()
	s.Cleanup(p.Close)
	if err := s.cluster.Kubeconfig(s.kubeconfig, p.URL, kubetest.Admin); err != nil {
		s.Fatal(err)
	}
	return p
}

// A server that answers 500 half-way, at each write of a deploy in turn, for ever or
// once: the deploy is no pass, and the next one repairs and deploys.
func TestServerFailsHalfWay(t *testing.T) {
	s := newShop(t)
	p := s.proxy()
	s.config.Service.Deploy.Timeout = "20s"
	failures := 0
	for i, c := range []struct{ good, bad int64 }{{0, 1 << 40}, {1, 1 << 40}, {3, 1 << 40}, {5, 1 << 40}, {6, 1 << 40}, {7, 1 << 40}, {2, 1}} {
		s.write("dvlp-"+OwnValues, fmt.Sprintf("replicas: %d\nconfig: {RUN: \"%d\"}\npassword: p%d\n", 2+i, i, i))
		p.failed.Store(0)
		p.bad.Store(c.bad)
		p.good.Store(c.good)
		o := s.deploy()
		p.bad.Store(0)
		hit := p.failed.Load()
		t.Logf("after %d writes, %d answers of 500: %s", c.good, hit, o.Report.Verdict)
		if hit > 0 && c.bad > 1 {
			failures++
			if o.Report.Verdict != pipelines.Fail && o.Report.Verdict != pipelines.NotRun {
				t.Errorf("the verdict is %s:\n%s", o.Report.Verdict, told(o))
			}
			s.says(o, "the disk of etcd is full")
		}
		o = s.want(s.deploy(), pipelines.Pass)
		if d := s.deployment(); d.Spec.Replicas != 2+i || s.status() != "deployed" {
			t.Errorf("%d replicas, %s:\n%s", d.Spec.Replicas, s.status(), told(o))
		}
		s.unlocked()
	}
	if failures < 5 {
		t.Errorf("only %d deploys met a failure", failures)
	}
}
