// Package kubetest starts the real API of a Kubernetes cluster on loopback: etcd and
// kube-apiserver, as .ci/kube installs them. Nothing runs in it: what a workload would
// report of itself, the tests report (Ready).
package kubetest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Cluster is an API server with its etcd.
type Cluster struct {
	// URL of the API server, such as https://127.0.0.1:40001.
	URL string
	// CA is a file with the certificate by which it is known.
	CA    string
	dir   string
	asker *http.Client
	stop  []func()
	logs  []*os.File
}

// Tokens of the users that the cluster knows: one of system:masters, and one without rights.
const (
	Admin = "admin-token"
	Squad = "squad-token"
)

// Programs are what the cluster needs, where they are; missing says what is not there.
func Programs() (etcd, apiserver, missing string) {
	cache := os.Getenv("PENSTOCK_CACHE")
	if cache == "" {
		home, _ := os.UserHomeDir()
		cache = filepath.Join(home, ".cache", "penstock")
	}
	etcd, err := exec.LookPath("etcd")
	if err != nil {
		return "", "", "etcd is not on PATH"
	}
	apiserver = filepath.Join(cache, "bin", "kube-apiserver")
	if _, err := os.Stat(apiserver); err != nil {
		return "", "", "there is no kube-apiserver: .ci/kube builds it"
	}
	return etcd, apiserver, ""
}

// Start starts a cluster whose files lie in dir, and waits until it answers.
func Start(dir string) (*Cluster, error) {
	etcd, apiserver, missing := Programs()
	if missing != "" {
		return nil, errors.New(missing)
	}
	ports, err := free(3)
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, URL: "https://127.0.0.1:" + ports[2], CA: filepath.Join(dir, "certs", "apiserver.crt")}
	client, peer := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	err = c.start(etcd, "--name", "test", "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "test="+peer)
	if err == nil {
		err = c.files()
	}
	if err == nil {
		err = c.start(apiserver, "--etcd-servers", client, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", ports[2],
			"--cert-dir", filepath.Join(dir, "certs"), "--token-auth-file", filepath.Join(dir, "tokens.csv"), "--authorization-mode", "RBAC",
			"--service-account-key-file", filepath.Join(dir, "sa.pem"), "--service-account-signing-key-file", filepath.Join(dir, "sa.pem"),
			"--service-account-issuer", "https://kubernetes.default.svc", "--service-cluster-ip-range", "10.96.0.0/24",
			"--endpoint-reconciler-type", "none", "--disable-admission-plugins", "ServiceAccount")
	}
	if err == nil {
		err = c.wait()
	}
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func free(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at once, so that they differ
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports, nil
}

// files are the key of service accounts, and who may come in.
func (c *Cluster) files() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	tokens := Admin + ",admin,1,\"system:masters\"\n" + Squad + ",squad,2\n"
	return errors.Join(os.WriteFile(filepath.Join(c.dir, "sa.pem"), text, 0o600), os.WriteFile(filepath.Join(c.dir, "tokens.csv"), []byte(tokens), 0o600))
}

func (c *Cluster) start(program string, args ...string) error {
	log, err := os.Create(filepath.Join(c.dir, filepath.Base(program)+".log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// The test binary's environment may hold what steers etcd.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "TMPDIR=" + os.TempDir()}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.logs = append(c.logs, log)
	c.stop = append(c.stop, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		log.Close()
	})
	return nil
}

func (c *Cluster) wait() error {
	var last error
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if c.asker == nil {
			if last = c.trust(); last != nil {
				continue
			}
		}
		code, body, err := c.Do(http.MethodGet, "/readyz", nil)
		if err == nil && code == http.StatusOK {
			return nil
		}
		last = fmt.Errorf("readyz: %d %s %w", code, body, err)
	}
	text, _ := os.ReadFile(c.logs[len(c.logs)-1].Name())
	return fmt.Errorf("kube-apiserver did not become ready: %w\n%s", last, text[max(0, len(text)-2000):])
}

func (c *Cluster) trust() error {
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return errors.New("the certificate cannot be read")
	}
	c.asker = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 8}}
	return nil
}

// Stop ends the processes.
func (c *Cluster) Stop() {
	for i := len(c.stop) - 1; i >= 0; i-- {
		c.stop[i]()
	}
	c.stop = nil
}

// Do asks the API server as admin. A body that begins with "{" is JSON, for PATCH a
// merge patch.
func (c *Cluster) Do(method, path string, body []byte) (int, []byte, error) {
	request, err := http.NewRequest(method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+Admin)
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := c.asker.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, text, err
}

// Create makes an object; path is that of its kind, such as /api/v1/namespaces.
func (c *Cluster) Create(path, body string) error {
	code, text, err := c.Do(http.MethodPost, path, []byte(body))
	if err == nil && code >= 300 && code != http.StatusConflict {
		err = fmt.Errorf("creating in %s: %d %s", path, code, text)
	}
	return err
}

// Namespace makes a namespace.
func (c *Cluster) Namespace(name string) error {
	return c.Create("/api/v1/namespaces", fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name))
}

// Kubeconfig writes one, with a context "test", for a server (default the cluster's own;
// a proxy in between is trusted by no certificate) and a token.
func (c *Cluster) Kubeconfig(file, server, token string) error {
	trust := "certificate-authority: " + c.CA
	if server == "" {
		server = c.URL
	}
	if strings.HasPrefix(server, "http://") {
		trust = "insecure-skip-tls-verify: false"
	}
	return os.WriteFile(file, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: %q, %s}}]
users: [{name: test, user: {token: %s}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
current-context: test
`, server, trust, token), 0o600)
}
