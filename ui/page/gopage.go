package page

import (
	"slices"
	"strconv"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// goCommand is one thing that the line behind `:` can do. Make turns what was typed after its name into a message, or says
// what is missing.
type goCommand struct {
	name, args, what string
	make             func(n Names, words []string) (msg tea.Msg, missing string)
}

func goCommands() []goCommand {
	return []goCommand{
		{"home", "", "is it well, what runs, what to do", goTo(Route{Where: AtHome})},
		{"history", "[WORDS]", "the runs that have all these words", func(_ Names, w []string) (tea.Msg, string) {
			return Open{Route{Where: AtHistory, Find: strings.Join(w, " ")}}, ""
		}},
		{"runbook", "NAME", "what it does, and start it", goRunbook},
		{"run", "NAME", "the same; nothing starts yet", goRunbook},
		{"show", "ID", "one run: what happened when", func(_ Names, w []string) (tea.Msg, string) {
			if len(w) != 1 {
				return nil, "show which run? show ID; history lists them"
			}
			return Open{Route{Where: AtShow, Run: runbook.RunID(w[0])}}, ""
		}},
		{"replay", "ID [SPEED]", "one run again, 1 to 60 times faster", goReplay},
		{"theme", "NAME", goThemeNames(), goTheme},
		{"help", "", "the keys of the page you were on", goTo(Route{Where: AtHelp})},
		{"quit", "", "leave lifeboat; runs go on", func(Names, []string) (tea.Msg, string) { return Leave{}, "" }},
	}
}

func goTo(r Route) func(Names, []string) (tea.Msg, string) {
	return func(Names, []string) (tea.Msg, string) { return Open{r}, "" }
}

// goRunbook takes a runbook's name, or its beginning where nothing else begins so. What home has not listed is tried as it is.
func goRunbook(n Names, w []string) (tea.Msg, string) {
	if len(w) == 0 {
		return nil, "which runbook? " + orElse(strings.Join(sortedNames(n.Books), ", "), "runbook NAME; home lists them")
	}
	name := strings.Join(w, " ")
	ref, known := n.Books[name]
	if fit := goFitting(sortedNames(n.Books), name); !known && len(fit) == 1 {
		ref = n.Books[fit[0]]
	}
	return Open{Route{Where: AtRunbook, Choice: Choice{Runbook: orElse(ref, name)}}}, ""
}

func goReplay(_ Names, w []string) (tea.Msg, string) {
	if len(w) == 0 || len(w) > 2 {
		return nil, "replay which run? replay ID [SPEED]; history lists them"
	}
	r := Route{Where: AtReplay, Run: runbook.RunID(w[0])}
	if len(w) == 2 {
		speed, err := strconv.ParseFloat(strings.TrimSuffix(w[1], "x"), 64)
		if err != nil || !(speed >= 1 && speed <= 60) {
			return nil, strconv.Quote(w[1]) + " is no speed: 1 to 60, such as 10"
		}
		r.Speed = speed
	}
	return Open{r}, ""
}

func goTheme(_ Names, w []string) (tea.Msg, string) {
	if len(w) == 1 && slices.Contains(theme.Names(), theme.Name(w[0])) {
		return SetTheme{Name: theme.Name(w[0])}, ""
	}
	return nil, "which theme? " + goThemeNames()
}

func goThemeNames() string {
	var out []string
	for _, n := range theme.Names() {
		out = append(out, string(n))
	}
	return strings.Join(out, ", ")
}

// goParse is what a line asks for; missing says why nothing can be done. An empty line asks for nothing. The beginning of a
// name is enough when nothing else begins so.
func goParse(n Names, line string) (msg tea.Msg, missing string) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, ""
	}
	name := strings.ToLower(words[0])
	found := goMatching(name)
	for _, c := range found {
		if c.name == name || len(found) == 1 {
			return c.make(n, words[1:])
		}
	}
	if len(found) > 1 {
		return nil, strconv.Quote(words[0]) + " could be " + goNames(found, " or ")
	}
	return nil, "there is no " + strconv.Quote(words[0]) + ": " + goNames(goCommands(), ", ")
}

// goFitting are the names that begin so.
func goFitting(names []string, prefix string) []string {
	var out []string
	for _, n := range names {
		if strings.HasPrefix(n, prefix) {
			out = append(out, n)
		}
	}
	return out
}

func goMatching(prefix string) []goCommand {
	return slices.DeleteFunc(goCommands(), func(c goCommand) bool { return !strings.HasPrefix(c.name, prefix) })
}

func goNames(cs []goCommand, between string) string {
	names := make([]string, len(cs))
	for i, c := range cs {
		names[i] = c.name
	}
	return strings.Join(names, between)
}

// goComplete adds to the line what can only follow: the rest of a name, of a runbook, a run or a theme.
func goComplete(n Names, line string) string {
	name, arg, has := strings.Cut(line, " ")
	name = strings.ToLower(name)
	if !has {
		found := goMatching(name)
		if len(found) == 0 || name == "" {
			return line
		}
		names := make([]string, len(found))
		for i, c := range found {
			names[i] = c.name
		}
		whole := goCommon(names)
		if len(found) == 1 && found[0].args != "" {
			whole += " "
		}
		return whole
	}
	if fit := goFitting(goArgs(n, name), arg); len(fit) > 0 {
		return name + " " + goCommon(fit)
	}
	return line
}

// goChoices are what could follow, where that is more than one thing.
func goChoices(n Names, line string) string {
	name, arg, has := strings.Cut(line, " ")
	if fit := goFitting(goArgs(n, strings.ToLower(name)), arg); has && len(fit) > 1 {
		return strings.Join(fit, ", ")
	}
	return ""
}

// goArgs is what can stand behind a name.
func goArgs(n Names, name string) []string {
	switch name {
	case "theme":
		return strings.Split(goThemeNames(), ", ")
	case "run", "runbook":
		return sortedNames(n.Books)
	case "show", "replay":
		var out []string
		for _, r := range n.Runs {
			out = append(out, string(r))
		}
		return out
	}
	return nil
}

// goCommon is the longest beginning that all of them share.
func goCommon(all []string) string {
	out := all[0]
	for _, s := range all[1:] {
		for !strings.HasPrefix(s, out) {
			out = out[:len(out)-1]
		}
	}
	return out
}

// goPage is the line behind `:`, with what it understands above it.
type goPage struct {
	frame
	field   widget.Field
	missing string
}

// NewGo makes the line behind `:`.
func NewGo(env *Env) Page { return &goPage{frame: frame{env: env}} }

func (p *goPage) Title() string { return "go to" }
func (p *goPage) Typing() bool  { return true }

func (p *goPage) ShortHelp() []key.Binding {
	return []key.Binding{Named(KeyEnter, "go"), Press("tab", "complete"), Named(KeyBack, "close")}
}

func (p *goPage) Update(msg tea.Msg) tea.Cmd {
	k, isKey := msg.(tea.KeyPressMsg)
	if !isKey {
		if paste, is := msg.(tea.PasteMsg); is {
			p.field.Insert(paste.Content)
			p.missing = ""
		}
		return nil
	}
	switch k.String() {
	case "esc":
		return Then(Back{})
	case "backspace":
		if p.field.Text() == "" {
			return Then(Back{})
		}
	case "tab":
		before := p.field.Text()
		p.field.Set(goComplete(p.env.Names, before))
		if p.missing = ""; p.field.Text() == before {
			p.missing = goChoices(p.env.Names, before)
		}
		return nil
	case "enter":
		return p.enter()
	}
	if used, _ := p.field.Key(k); used {
		p.missing = ""
	}
	return nil
}

// enter closes the line first, so that what opens lies where the line was called from.
func (p *goPage) enter() tea.Cmd {
	do, missing := goParse(p.env.Names, p.field.Text())
	switch {
	case do != nil:
		return tea.Sequence(Then(Back{}), Then(do))
	case missing != "":
		p.missing = missing
		return nil
	}
	return Then(Back{})
}

func (p *goPage) View() string {
	th := p.env.Theme
	typed, _ := p.field.View(p.w - 3)
	line := " " + th.Key.Render(":") + typed
	below := []string{line}
	if p.missing != "" && p.h > 1 {
		var why []string
		for _, l := range widget.Wrap(p.missing, p.w-4) {
			why = append(why, " "+th.Warn.Render(th.Sign.Warn+" "+l))
		}
		below = append(why[:min(len(why), p.h-1)], line)
	}
	if p.h >= 8 {
		below = append(below, widget.Footer(th, p.ShortHelp(), "", p.w))
	}
	return widget.Screen(th, append(p.list(p.h-len(below)), below...), p.w, p.h)
}

// list is what can be typed, in exactly height lines, the last ones just above the field. What does not fit to the letters
// typed so far is dim.
func (p *goPage) list(height int) []string {
	if height < 1 {
		return nil
	}
	th := p.env.Theme
	name, _, _ := strings.Cut(strings.ToLower(p.field.Text()), " ")
	lines := []string{" " + th.Head.Render("GO TO"), ""}
	for _, c := range goCommands() {
		if height < len(goCommands())+3 && !strings.HasPrefix(c.name, name) && len(goMatching(name)) > 0 {
			continue // on a small screen there is room for what fits alone
		}
		style, what := th.Text, th.Dim
		if name != "" && !strings.HasPrefix(c.name, name) {
			style = th.Dim
		} else if name != "" {
			style, what = th.Strong, th.Text
		}
		left := style.Render(c.name)
		if c.args != "" {
			left += " " + th.Dim.Render(c.args)
		}
		lines = append(lines, "   "+widget.Fit(th, left, 20)+" "+what.Render(c.what))
	}
	lines = append(lines, "")
	if len(lines) > height {
		return lines[len(lines)-height:]
	}
	return append(make([]string, height-len(lines)), lines...)
}

// Cursor is where the next letter goes: in the last line but the footer.
func (p *goPage) Cursor() (x, y int, shown bool) {
	_, x = p.field.View(p.w - 3)
	y = p.h - 1
	if p.h >= 8 {
		y--
	}
	return min(x+2, p.w-1), y, p.w > 0 && p.h > 0
}
