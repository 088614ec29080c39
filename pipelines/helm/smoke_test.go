package helm

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
)

func TestSmokeOfAURL(t *testing.T) {
	s := newShop(t)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/dvlp/healthz" || asked.Add(1) < 2 { // the first answer is that of what ran before
			http.Error(w, "not yet", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	s.config.Service.Smoke = config.Smoke{URL: server.URL + "/{env}/healthz"}
	s.want(s.deploy(), pipelines.Pass)
	if asked.Load() != 2 {
		t.Errorf("it was asked %d times", asked.Load())
	}
	s.config.Service.Smoke = config.Smoke{URL: server.URL + "/other", Within: "1s"}
	o := s.want(s.deploy(), pipelines.Fail)
	s.says(o, "[smoke/smoke]", "the answer is 503, not 200", "penstock helm-rollback --env dvlp")
	if o.Revision != 1 || !o.Unchanged { // what is deployed already is asked all the same
		t.Errorf("revision %d is said to be deployed", o.Revision)
	}
	s.config.Service.Smoke = config.Smoke{URL: server.URL + "/other", Status: 503, Within: "1s"}
	s.want(s.deploy(), pipelines.Pass)
	for bad, want := range map[config.Smoke]string{{URL: "ftp://x"}: "is not one of http", {Path: "/x"}: "either url or service", {URL: server.URL, Service: "a:b"}: "either url or service"} {
		bad.Within = "1s"
		s.config.Service.Smoke = bad
		s.says(s.want(s.deploy(), pipelines.Fail), want)
	}
}

// A service of the cluster is asked through the API server, which takes no loopback
// address: the test's server listens at another address of this machine.
func TestSmokeThroughTheServer(t *testing.T) {
	s := newShop(t)
	address := outside()
	if address == "" {
		t.Skip("SKIPPED: this machine has loopback addresses alone: nothing was asked through the API server")
	}
	listener, err := net.Listen("tcp4", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Skip("SKIPPED: " + err.Error())
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			http.Error(w, "no", http.StatusTeapot)
		}
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	// The API server asks pods alone, so there has to be one, of which the address is said.
	pods := "/api/v1/namespaces/" + s.namespace + "/pods"
	err = s.cluster.Create(pods, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"orders-0"},"spec":{"containers":[{"name":"app","image":"x"}]}}`)
	if err == nil {
		_, _, err = s.cluster.Do(http.MethodPatch, pods+"/orders-0/status", fmt.Appendf(nil, `{"status":{"podIP":%q,"podIPs":[{"ip":%q}]}}`, address, address))
	}
	if err == nil {
		err = s.cluster.Create("/api/v1/namespaces/"+s.namespace+"/endpoints", fmt.Sprintf(
			`{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"orders"},"subsets":[{"addresses":[{"ip":%q,"targetRef":{"kind":"Pod","name":"orders-0","namespace":%q}}],"ports":[{"name":"http","port":%s}]}]}`,
			address, s.namespace, port))
	}
	if err != nil {
		t.Fatal(err)
	}
	s.config.Service.Smoke = config.Smoke{Service: "orders:http", Path: "/healthz", Within: "10s"}
	s.want(s.deploy(), pipelines.Pass)
	s.config.Service.Smoke = config.Smoke{Service: "orders:http", Path: "/other", Within: "1s"}
	s.says(s.want(s.deploy(), pipelines.Fail), "[smoke/smoke]", "asking orders:http/other")
}

// outside is an address of this machine that is not loopback; "" where there is none.
func outside() string {
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		ip, _, err := net.ParseCIDR(a.String())
		if err == nil && ip.To4() != nil && ip.IsGlobalUnicast() && !strings.HasPrefix(ip.String(), "127.") {
			return ip.String()
		}
	}
	return ""
}
