package page

import (
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/ui/widget"
)

// readingColumn is what stands beside the rows on a wide screen: every reading with its source.
func (h *home) readingColumn(w, n int) []string {
	th := h.env.Theme
	if !h.looked {
		return []string{th.Head.Render("READINGS"), th.Dim.Render("asking" + th.Sign.Ellipsis)}
	}
	out := make([]string, 0, n)
	out = append(out, th.Head.Render("READINGS"))
	for i := range h.readings {
		if len(out) >= n {
			out[n-1] = th.Dim.Render(th.Sign.Ellipsis + " e shows all")
			break
		}
		r := &h.readings[i]
		style, sign, _ := verdictLook(th, r.Verdict)
		out = append(out, style.Render(sign)+" "+th.Dim.Render(widget.Fit(th, r.Group, 8))+r.Name)
		origin := h.origin(r)
		if widget.Width(r.Value)+widget.Width(origin)+5 <= w {
			out = append(out, "  "+r.Value+th.Dim.Render(" "+th.Sign.Dot+" "+origin))
		} else {
			out = append(out, "  "+r.Value, "  "+th.Dim.Render(origin))
		}
		if r.Do != "" && r.Verdict != Well {
			for _, l := range widget.Wrap(th.Sign.Arrow+" "+r.Do, max(1, w-2)) {
				out = append(out, "  "+th.Strong.Render(l))
			}
		}
	}
	for i := range out {
		out[i] = widget.Cut(th, out[i], w)
	}
	return out[:min(n, len(out))]
}

// origin is where a value comes from, and its age where it is older than the rest: the line of the state says when all
// others were taken.
func (h *home) origin(r *Reading) string {
	text := r.Source
	if r.Limit != "" {
		text += ", limit " + r.Limit
	}
	if h.readAt.Sub(r.At) > 15*time.Second && !r.At.IsZero() {
		text += ", " + ago(h.env.Now().Sub(r.At))
	}
	return text
}

// detailLines are all readings in full.
func (h *home) detailLines() []string {
	th := h.env.Theme
	if !h.looked {
		return []string{"   asking" + th.Sign.Ellipsis + "; each probe has its own deadline; the page is whole without them"}
	}
	if len(h.readings) == 0 {
		return []string{"   there is nothing to read: no probe exists for this estate"}
	}
	var out []string
	for i := range h.readings {
		r := &h.readings[i]
		style, sign, word := verdictLook(th, r.Verdict)
		out = append(out, "   "+style.Render(widget.Fit(th, sign+" "+word, 10))+th.Dim.Render(widget.Fit(th, r.Group, 9))+th.Strong.Render(r.Name))
		for _, l := range widget.Wrap(r.Value, max(1, h.w-7)) {
			out = append(out, "     "+l)
		}
		about := r.Source
		if !r.At.IsZero() {
			about += ", " + ago(h.env.Now().Sub(r.At))
		}
		if r.Limit != "" {
			about += ", limit " + r.Limit
		}
		out = append(out, "     "+th.Dim.Render(about))
		if r.Do != "" {
			for _, l := range widget.Wrap(th.Sign.Arrow+" "+r.Do, max(1, h.w-7)) {
				out = append(out, "     "+l)
			}
		}
		if !h.tight() {
			out = append(out, "")
		}
	}
	return out
}

func (h *home) detailBody() []string {
	th := h.env.Theme
	lines := h.detailLines()
	n := h.body()
	first := max(0, min(h.down, len(lines)-n))
	out := lines[first:min(len(lines), first+n)]
	if more := len(lines) - first - n; more > 0 && n > 1 {
		out = append(append([]string(nil), out[:n-1]...), th.Dim.Render("   "+th.Sign.Ellipsis+" more below"))
	}
	return out
}

func (h *home) detailKey(msg tea.KeyPressMsg) tea.Cmd {
	end := max(0, len(h.detailLines())-max(1, h.body()))
	switch {
	case key.Matches(msg, KeyBack, KeyQuit), msg.String() == "e":
		h.detail = false
	case msg.String() == "r":
		return h.letter("r")
	default:
		h.down, _ = scrolled(msg, h.down, h.body()-1, end)
	}
	return nil
}
