// Package runbooks holds the runbooks that are shipped with lifeboat, and the estate of the demo, as files.
//
// They are ordinary runbooks: everything in them comes from the estate, so that they work for any estate, and they may be
// copied and changed. The package refuses to hold anything else.
//
//	text, err := runbooks.FS.ReadFile("failover.yaml")
package runbooks

import (
	"embed"
	"io/fs"
	"strings"
)

// FS holds the files, without a folder: "failover.yaml", "estate.yaml".
//
//go:embed *.yaml
var FS embed.FS

// Names lists the runbooks that are shipped, without ".yaml".
func Names() []string {
	files, _ := fs.Glob(FS, "*.yaml") // the pattern is well formed
	var names []string
	for _, f := range files {
		if f != "estate.yaml" {
			names = append(names, strings.TrimSuffix(f, ".yaml"))
		}
	}
	return names
}
