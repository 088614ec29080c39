package values

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// Directory keeps parameters as files, for work without a cloud:
// DIR/dvlp/orders/sqs_queues/orders/url is the parameter of that name, its last line
// end left out, and DIR/secrets/KEY, whatever is in it, says that there is the secret KEY.
type Directory string

// secretsDir holds a file for each secret that there is.
const secretsDir = "secrets"

// Look reads the files. Links out of the directory are not followed.
func (d Directory) Look(ctx context.Context, names []string) (map[string]Parameter, error) {
	root, err := d.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	found := map[string]Parameter{}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		value, err := read(root, strings.TrimPrefix(name, "/"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the parameter %q: %w", name, err)
		}
		found[name] = Parameter{Value: strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")}
	}
	return found, nil
}

// Without looks for the files, and does not open them.
func (d Directory) Without(_ context.Context, keys []string) ([]string, error) {
	root, err := d.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var missing []string
	for _, key := range keys {
		file := path.Join(secretsDir, key)
		if !fs.ValidPath(file) || !strings.HasPrefix(file, secretsDir+"/") {
			return nil, fmt.Errorf("looking for the secret %q: it is no path beneath %s", key, secretsDir)
		}
		switch _, err := root.Stat(file); {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, key)
		case err != nil:
			return nil, fmt.Errorf("looking for the secret %q: %w", key, err)
		}
	}
	return missing, nil
}

func (d Directory) open() (*os.Root, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("opening the directory of parameters: %w", err),
			Hint: "put parameters there as files, such as " + path.Join(string(d), "dvlp/orders/iam/role/arn")}
	}
	return root, nil
}

// read reads a file that is one: a named pipe would be waited for.
func read(root *os.Root, name string) (string, error) {
	info, err := root.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is not a regular file")
	}
	file, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxValue+3))
	return string(content), err
}
