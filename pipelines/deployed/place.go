package deployed

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
)

// place is where terraform finds the states: a directory, or a bucket.
type place struct {
	dir                              string
	bucket, prefix, region, endpoint string
}

func placeOf(address string) (place, error) {
	scheme, _, remote := strings.Cut(address, "://")
	if !remote || scheme == "file" {
		dir, err := filepath.Abs(strings.TrimPrefix(strings.TrimPrefix(address, "file://"), "localhost"))
		return place{dir: dir}, err
	}
	u, err := url.Parse(address)
	if err != nil || scheme != "s3" {
		return place{}, &pipelines.Error{Err: fmt.Errorf("opening the states %q: terraform cannot keep states there", scheme+"://..."),
			Hint: "give a directory or s3://bucket/prefix"}
	}
	p := place{bucket: u.Host, prefix: strings.Trim(u.Path, "/"), region: u.Query().Get("region"), endpoint: u.Query().Get("endpoint")}
	if p.prefix != "" {
		p.prefix += "/"
	}
	return p, nil
}

// InDirectory says whether terraform writes the states as files, one call at a time.
func (s *States) InDirectory() bool { return s.place.dir != "" }

// File is the path of a name in a directory of states.
func (s *States) File(name string) string {
	return filepath.Join(s.place.dir, filepath.FromSlash(name))
}

// Override is the content of the file that puts the state of a deployment here: a backend
// in an override file takes the place of whatever the configuration says.
func (s *States) Override(run, deployment string) ([]byte, error) {
	state, others := record.StateName(run, deployment), record.WorkspacesName(run, deployment)
	kind, settings := "local", map[string]any{"path": s.File(state), "workspace_dir": s.File(others)}
	if !s.InDirectory() {
		kind, settings = "s3", map[string]any{"bucket": s.place.bucket, "key": s.place.prefix + state,
			"workspace_key_prefix": s.place.prefix + others, "use_lockfile": true}
		if s.place.region != "" {
			settings["region"] = s.place.region
		}
		if s.place.endpoint != "" { // a server of one's own: there is no account to ask about
			settings["endpoints"] = map[string]any{"s3": s.place.endpoint}
			for _, name := range []string{"use_path_style", "skip_credentials_validation", "skip_metadata_api_check",
				"skip_region_validation", "skip_requesting_account_id"} {
				settings[name] = true
			}
		}
	}
	return json.MarshalIndent(map[string]any{
		"//":        "written by penstock for one test: the state lies outside of the sandbox",
		"terraform": map[string]any{"backend": map[string]any{kind: settings}},
	}, "", "  ")
}
