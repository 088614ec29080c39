package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
)

// VerifyStage is the stage of the report that Verify returns.
const VerifyStage = "release-verify"

// Verify holds the tags of a remote against its records, from a copy of its own: no
// checkout takes part.
type Verify struct {
	// Dir is where Remote is looked up. Default: the working directory.
	Dir string
	// Remote is a name or an address. Default "origin".
	Remote string
}

// verification is one look at a remote.
type verification struct {
	repo    *repo
	remote  *refs
	ledger  *ledger
	results map[string]*pipelines.Result
	base    string
}

// Run returns one result for each module that has a tag or a record.
func (v Verify) Run(ctx context.Context) (*pipelines.Report, error) {
	if v.Remote == "" {
		v.Remote = "origin"
	}
	if err := checkRemote(v.Remote); err != nil {
		return nil, err
	}
	started := time.Now().UTC()
	remote, err := lsRemote(ctx, v.Dir, v.Remote)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "penstock-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c := &verification{remote: remote, results: map[string]*pipelines.Result{}, base: remote.head}
	if c.repo, err = v.copy(ctx, dir, remote); err != nil {
		return nil, err
	}
	if c.ledger, err = readLedger(ctx, c.repo, remote.all[Branch]); err != nil {
		return nil, err
	}
	if err := c.judge(ctx); err != nil {
		return nil, err
	}
	return c.report(started), nil
}

// copy fetches what a verification reads into a repository of its own.
func (v Verify) copy(ctx context.Context, dir string, remote *refs) (*repo, error) {
	format := "sha1"
	for _, object := range remote.all {
		if len(object) == 64 {
			format = "sha256"
		}
	}
	args := []string{"init", "--quiet", "--object-format=" + format, dir}
	out, err := run(ctx, dir, nil, nil, args...)
	if err := failed(out, err, args); err != nil {
		return nil, err
	}
	address := v.Remote
	if out, err := run(ctx, v.Dir, nil, nil, "remote", "get-url", "--end-of-options", v.Remote); err == nil && out.Exit == 0 {
		address = strings.TrimSpace(string(out.Stdout))
	}
	if info, err := os.Stat(filepath.Join(v.Dir, address)); err == nil && info.IsDir() && !filepath.IsAbs(address) {
		if address, err = filepath.Abs(filepath.Join(v.Dir, address)); err != nil { // it was relative to there
			return nil, err
		}
	}
	var specs strings.Builder
	for ref := range remote.all {
		if ref == Branch || ref == remote.head || strings.HasPrefix(ref, "refs/tags/") {
			fmt.Fprintln(&specs, ref)
		}
	}
	r := &repo{&git.Repo{Dir: dir, Top: dir, Prefix: "."}, address}
	if specs.Len() == 0 {
		return r, nil
	}
	// The address may hold a token of the user's configuration: it goes by a file of this
	// repository, and not by an argument.
	config, err := v.access(ctx)
	if err != nil {
		return nil, err
	}
	config += fmt.Sprintf("[remote \"origin\"]\n\turl = %s\n", quoted(address))
	f, err := os.OpenFile(filepath.Join(dir, ".git", "config"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(config)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return nil, err
	}
	_, err = r.git(ctx, []byte(specs.String()), "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--stdin", "origin")
	if err != nil {
		return nil, fmt.Errorf("fetching from the remote %q: %w", withoutPassword(v.Remote), err)
	}
	return r, nil
}

// access is what the user's repository is configured with to reach remotes, such as the
// header that actions/checkout leaves there.
func (v Verify) access(ctx context.Context) (string, error) {
	out, err := run(ctx, v.Dir, nil, nil, "config", "--local", "--includes", "-z", "--get-regexp", `^(http|credential|url)\.|^core\.sshcommand$`)
	if err != nil || out.Exit != 0 { // there is none, or no repository
		return "", err
	}
	var b strings.Builder
	for entry := range strings.SplitSeq(string(out.Stdout), "\x00") {
		name, value, ok := strings.Cut(entry, "\n")
		first, last := strings.IndexByte(name, '.'), strings.LastIndexByte(name, '.')
		if !ok || first < 0 {
			continue
		}
		section := name[:first]
		if last > first {
			section += " " + quoted(name[first+1:last])
		}
		fmt.Fprintf(&b, "[%s]\n\t%s = %s\n", section, name[last+1:], quoted(value))
	}
	return b.String(), nil
}

// quoted is a value of a git configuration.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

func (c *verification) result(module string) *pipelines.Result {
	if c.results[module] == nil {
		c.results[module] = &pipelines.Result{Stage: VerifyStage, Unit: module, Verdict: pipelines.Pass, Why: []string{module, "it has tags or records"}, Judged: map[string]int{"releases": 0}}
	}
	return c.results[module]
}

func (c *verification) find(module, rule, hint, format string, args ...any) {
	r := c.result(module)
	r.Findings = append(r.Findings, pipelines.Finding{Rule: rule, Verdict: pipelines.Fail, Severity: pipelines.High, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *verification) judge(ctx context.Context) error {
	if err := c.appended(ctx); err != nil {
		return err
	}
	for _, module := range slices.Sorted(maps.Keys(c.ledger.versions)) {
		list := c.ledger.versions[module]
		slices.SortFunc(list, func(a, b semver) int {
			if a.less(b) {
				return -1
			}
			return 1
		})
		if err := c.module(ctx, module, list); err != nil {
			return err
		}
	}
	c.adopted()
	return c.tags(ctx)
}

// module judges the releases of one, the oldest first.
func (c *verification) module(ctx context.Context, module string, list []semver) error {
	const unmade = "compare it with a clone of before, and bring it back"
	var log string
	var before string
	for _, version := range list {
		c.result(module).Judged["releases"]++
		record, seal, sum, err := c.ledger.release(ctx, module, version)
		if err != nil {
			c.find(module, "record-altered", unmade, "%v", err)
			before = ""
			continue
		}
		log = record.Changelog + log
		if before != "" && (record.Previous == nil || record.Previous.Record != before) {
			c.find(module, "record-altered", unmade, "the record of %s does not follow the one before it, whose digest is %s", record.Version, before)
		}
		if record.Previous != nil && record.Previous.Record != "" {
			if v, ok := parseVersion(record.Previous.Version); !ok || !slices.Contains(list, v) {
				c.find(module, "record-vanished", unmade, "the record of %s is gone, which the one of %s follows", record.Previous.Version, record.Version)
			}
		}
		before = sum
		if err := c.release(ctx, record, seal); err != nil {
			return err
		}
	}
	kept, err := c.ledger.changelog(ctx, module)
	if err != nil || kept != log {
		c.find(module, "changelog-altered", "write it anew from the records", "%q is not what the records say", changelogPath(module))
	}
	return nil
}

// release judges one release by its tag, its commit and what its record says of itself.
func (c *verification) release(ctx context.Context, r *Record, seal *Seal) error {
	const back = "push the tag as the record has it: its object and commit are in the seal"
	ref := "refs/tags/" + r.Tag
	object, there := c.remote.all[ref]
	switch {
	case !there:
		c.find(r.Module, "tag-deleted", back, "the tag %q is gone; it was on %.12s", r.Tag, r.Commit)
	case c.remote.commitOf(ref) != r.Commit:
		c.find(r.Module, "tag-moved", back, "the tag %q is on %.12s; it was on %.12s", r.Tag, c.remote.commitOf(ref), r.Commit)
	case object != seal.Object:
		c.find(r.Module, "tag-retargeted", back, "the tag %q is another object than the one that was pushed, on the same commit", r.Tag)
	}
	if sum := r.Interfaces.digest(); sum != r.InterfaceDigest {
		c.find(r.Module, "record-altered", "", "the interface in the record of %s has the digest %s, and not %s", r.Version, sum, r.InterfaceDigest)
	}
	if sum := digestOf(r.Tree.Files); sum != r.Tree.Digest {
		c.find(r.Module, "record-altered", "", "the files in the record of %s have the digest %s, and not %s", r.Version, sum, r.Tree.Digest)
	}
	return c.commit(ctx, r)
}

// commit judges whether the commit of a release is what the record says, file by file.
func (c *verification) commit(ctx context.Context, r *Record) error {
	known, err := run(ctx, c.repo.Top, nil, nil, "cat-file", "-e", r.Commit+"^{commit}")
	if err != nil {
		return err
	}
	if known.Exit != 0 {
		c.find(r.Module, "commit-gone", "bring it back with its tag", "the commit %.12s of %s is not on the remote any more", r.Commit, r.Tag)
		return nil
	}
	if tip := c.remote.all[c.base]; tip != "" {
		on, err := c.repo.ancestor(ctx, r.Commit, tip)
		if err != nil {
			return err
		}
		if !on {
			c.find(r.Module, "history-rewritten", "bring the commit back into the branch", "the commit %.12s of %s is not on %s any more", r.Commit, r.Tag, strings.TrimPrefix(c.base, "refs/heads/"))
		}
	}
	tree, err := c.repo.Tree(ctx, r.Commit)
	if err != nil {
		return err
	}
	var paths []string
	for _, f := range r.Tree.Files {
		if tree.Entries[f.Path].Mode != f.Mode {
			c.find(r.Module, "tree-differs", "", "%q is not in the commit of %s as the record says", f.Path, r.Tag)
			return nil
		}
		paths = append(paths, f.Path)
	}
	blobs, err := tree.Read(ctx, paths)
	if err != nil {
		return err
	}
	for _, f := range r.Tree.Files {
		if sum := sha256.Sum256(blobs[f.Path]); hex.EncodeToString(sum[:]) != f.SHA256 {
			c.find(r.Module, "tree-differs", "", "%q in the commit of %s has other content than the record says", f.Path, r.Tag)
		}
	}
	return nil
}

// tags judges what there is on the remote: each tag of a release has its record, and
// the one that it was made with.
func (c *verification) tags(ctx context.Context) error {
	for _, ref := range slices.Sorted(maps.Keys(c.remote.all)) {
		m := releaseTag.FindStringSubmatch(ref)
		if m == nil {
			continue
		}
		version, ok := parseVersion(m[2])
		if !ok {
			continue
		}
		module, tag := path.Clean(m[1]), strings.TrimPrefix(ref, "refs/tags/")
		c.result(module)
		said, err := c.repo.recordOf(ctx, c.remote, tag)
		if err != nil {
			return err
		}
		recorded := slices.Contains(c.ledger.versions[module], version)
		switch {
		case !recorded && said != "":
			c.find(module, "record-vanished", "bring the branch of records back", "the record of %q is gone; its digest was %s", tag, said)
		case !recorded && c.ledger.adopted[tag].Object == c.remote.all[ref]: // from before the first record
			c.result(module).Judged["adopted_tags"]++
		case !recorded && c.ledger.adopted[tag].Object != "":
			c.find(module, "tag-moved", "push it as it was", "the tag %q, made by hand, is on %.12s; it was on %.12s", tag, c.remote.commitOf(ref), c.ledger.adopted[tag].Commit)
		case !recorded:
			c.find(module, "tag-without-record", "take it away, or release through penstock release", "the tag %q has no record: no release made it", tag)
		case said == "":
			c.find(module, "tag-retargeted", "push the tag as the record has it", "the tag %q does not name its record", tag)
		default:
			if blob, err := c.ledger.tree.Read(ctx, []string{recordPath(module, version.String())}); err != nil {
				return err
			} else if sum := digest(blob[recordPath(module, version.String())]); sum != said {
				c.find(module, "record-altered", "bring the branch of records back", "the record of %q has the digest %s; the tag was made with %s", tag, sum, said)
			}
		}
	}
	return nil
}

// adopted finds tags of before the first record that are gone.
func (c *verification) adopted() {
	for _, tag := range slices.Sorted(maps.Keys(c.ledger.adopted)) {
		if _, there := c.remote.all["refs/tags/"+tag]; !there {
			c.find(path.Dir(tag), "tag-deleted", "push it as it was", "the tag %q, made by hand, is gone; it was on %.12s", tag, c.ledger.adopted[tag].Commit)
		}
	}
}

// appended judges the branch of records commit by commit: files come, and none but
// changelogs are changed.
func (c *verification) appended(ctx context.Context) error {
	if c.ledger.tip == "" {
		return nil
	}
	out, err := c.repo.git(ctx, nil, "rev-list", "--reverse", "--end-of-options", c.ledger.tip)
	if err != nil {
		return err
	}
	touched, err := c.repo.git(ctx, out, "diff-tree", "--stdin", "-r", "-z", "-m", "--raw", "--no-renames")
	if err != nil {
		return err
	}
	fields := bytes.Split(touched, []byte{0})
	for i := 0; i+1 < len(fields); i++ {
		if !bytes.HasPrefix(fields[i], []byte(":")) {
			continue
		}
		words := strings.Fields(string(fields[i]))
		i++
		p := string(fields[i])
		if what := words[len(words)-1]; what == "A" || what == "M" && path.Base(p) == "CHANGELOG.md" {
			continue
		}
		module := path.Dir(strings.TrimPrefix(p, "records/"))
		c.find(module, "record-altered", "bring the branch of records back", "%q was changed or taken away on the branch of records, to which files are only added", p)
	}
	return nil
}

// report is the results, sorted.
func (c *verification) report(started time.Time) *pipelines.Report {
	r := &pipelines.Report{Stages: []string{VerifyStage}, Started: started, Selection: pipelines.Selection{Schema: pipelines.SelectionSchema, All: true, Units: []pipelines.Unit{}}}
	for _, module := range slices.Sorted(maps.Keys(c.results)) {
		result := c.results[module]
		r.Selection.Units = append(r.Selection.Units, pipelines.Unit{Path: module, Kind: pipelines.Module, Why: result.Why})
		r.Results = append(r.Results, *result)
	}
	r.Selection.Total = len(r.Results)
	if len(r.Results) == 0 {
		r.Selection.Reason = "the remote has neither tags of releases nor records"
	}
	r.Seconds = time.Since(started).Seconds()
	r.Close()
	return r
}
