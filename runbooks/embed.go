// Package runbooks holds the runbooks that are shipped with lifeboat, and the estate of the demo, as files.
//
// They are ordinary runbooks: everything in them comes from the estate, so that they work for any estate, and they may be
// copied and changed. The package refuses to hold code.
//
//	text, err := runbooks.FS.ReadFile("failover.yaml")
package runbooks

import "embed"

// FS holds the files, without a folder: "failover.yaml", "estate.yaml".
//
//go:embed *.yaml
var FS embed.FS
