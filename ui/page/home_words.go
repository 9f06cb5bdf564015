package page

import "strings"

// cutLine is the first line of a text of several.
func cutLine(s string) (first, rest string, more bool) { return strings.Cut(s, "\n") }
