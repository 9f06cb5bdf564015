// Package ui is the console: the one tea.Model, which routes messages to pages, and the interface through which the program
// serves them.
//
// The law of the screen:
//
//   - The console is not the engine. It shows events that are on record and appends an operator's decisions; closing it, or
//     a panic in it, stops nothing.
//
//   - One question at a time, the best answer first. What opens by itself takes no key until the keyboard has been quiet.
//
//   - Steps that are known from the start not to be needed share one line, the last one.
//
//   - Every value has a source and an age. A sign and a word stand beside every colour.
//
//   - LIVE and DRILL differ in word, rule and badge. Confirmations are rare, and the word typed is the thing at stake.
//
//   - The footer shows only keys that work now. No single letter destroys.
//
//   - Update and View do no I/O and take at most a millisecond. View changes nothing. Layout is one pure function of size and
//     state.
//
//   - Any size from 1x1 up draws: 80x24 is complete, 120x40 shows more, 60x20 is usable, below that a plain list.
//
//   - The mouse is left to the terminal, so that text can be selected and copied there; every action has a key.
//
//   - q leaves the program from every page, and esc goes back. What lies over a page (help, a log, details) is closed by both.
//
//     err := ui.Run(ctx, console, ui.Options{Start: page.Route{Where: page.AtHome}})
package ui
