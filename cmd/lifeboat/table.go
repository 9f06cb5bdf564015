package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is rows under heads, as wide as they need to be.
type table struct {
	heads []string
	rows  [][]string
	right map[int]bool // columns of numbers
	drop  []int        // columns that may be left out, the first one first
}

// print writes the table. With a width above 0 columns are left out until it fits, or nothing is left that may go.
func (t table) print(w io.Writer, width int) {
	wide := make([]int, len(t.heads))
	for _, row := range append([][]string{t.heads}, t.rows...) {
		for i, cell := range row {
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	var out []int
	for _, i := range t.drop {
		if width <= 0 || t.total(wide, out) <= width {
			break
		}
		out = append(out, i)
	}
	for _, row := range append([][]string{t.heads}, t.rows...) {
		var cells []string
		for i, cell := range row {
			if slices.Contains(out, i) {
				continue
			}
			if t.right[i] {
				cell = fmt.Sprintf("%*s", wide[i], cell)
			} else {
				cell = fmt.Sprintf("%-*s", wide[i], cell)
			}
			cells = append(cells, cell)
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, gap), " "))
	}
}

// gap stands between two columns.
const gap = "  "

func (t table) total(wide, out []int) int {
	sum := -len(gap)
	for i, w := range wide {
		if !slices.Contains(out, i) {
			sum += w + len(gap)
		}
	}
	return sum
}
