// Serve starts the API of a cluster for scripts, with a namespace and workloads that
// report themselves as ready, until its standard input ends.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/penstock-dev/penstock/pipelines/internal/kubetest"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: serve DIR NAMESPACE HOST: writes DIR/kubeconfig with HOST in place of the loopback address, and prints the port")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, namespace, host string) error {
	c, err := kubetest.Start(dir)
	if err != nil {
		return err
	}
	defer c.Stop()
	if err := c.Namespace(namespace); err != nil {
		return err
	}
	at, err := url.Parse(c.URL)
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(c.CA)
	if err != nil {
		return err
	}
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://%s:%s", tls-server-name: kubernetes, certificate-authority-data: %s}}]
users: [{name: test, user: {token: %s}}]
contexts: [{name: dvlp, context: {cluster: test, user: test}}]
current-context: dvlp
`, host, at.Port(), base64.StdEncoding.EncodeToString(ca), kubetest.Admin)
	if err := os.WriteFile(dir+"/kubeconfig", []byte(text), 0o600); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go c.Ready(ctx, nil)
	fmt.Println(at.Port())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
