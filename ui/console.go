package ui

import "lifeboat/ui/page"

// Console is all that the screens need from the program. Each page asks for its own small part of it.
type Console interface {
	page.Overviewer
	page.Reader
	page.Previewer
	page.Starter
	page.Opener
	page.Historian
}
