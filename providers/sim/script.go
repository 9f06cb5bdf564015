package sim

import (
	"strings"
)

// sh runs a script of the simplest kind: commands joined by && in which a word may be "$1", "$2"..., and the last may be
// `> FILE`. What all of them do is one effect: of a file that is written and then renamed, the file under its new name.
func (c *shell) sh() outcome {
	if len(c.argv) < 3 || c.argv[1] != "-c" {
		return outcome{takes: c.takes(c.s.spec.Delays.Command, "sh")}
	}
	var all outcome
	for text := range strings.SplitSeq(c.argv[2], "&&") {
		one := *c
		words, to := scriptWords(text, c.argv[3:])
		if len(words) == 0 {
			continue
		}
		one.argv = words
		o := one.run()
		all.takes += o.takes
		all.err += o.err
		if to == "" {
			all.out += o.out
		} else {
			o.effect = &Entry{Effect: "write", Path: to, Text: o.out}
		}
		switch {
		case o.effect == nil || o.effect.Effect == "mkdir" && all.effect == nil && c.kind(strings.TrimSuffix(o.effect.Path, "/.")) != "":
		case o.effect.Effect == "mv" && all.effect != nil && all.effect.Path == o.effect.Path:
			all.effect.Path = o.effect.Text
		default:
			all.effect = o.effect
		}
		if all.status = o.status; o.status != 0 {
			break
		}
	}
	return all
}

// scriptWords splits one command of a script; args are what "$0", "$1"... stand for.
func scriptWords(text string, args []string) (words []string, to string) {
	for _, w := range strings.Fields(text) {
		quoted := strings.HasPrefix(w, `"`)
		w = strings.Trim(w, `"`)
		if quoted && strings.HasPrefix(w, "$") && len(w) > 1 {
			rest := w[2:]
			if n := int(w[1] - '0'); n >= 0 && n < len(args) {
				w = args[n] + rest
			}
		}
		words = append(words, w)
	}
	if n := len(words); n >= 2 && words[n-2] == ">" {
		return words[:n-2], words[n-1]
	}
	return words, ""
}

// mv renames a file.
func (c *shell) mv() outcome {
	names := c.args()
	if len(names) != 2 {
		return c.fail(1, "missing file operand")
	}
	return outcome{effect: &Entry{Effect: "mv", Path: names[0], Text: names[1]}}
}

func (s *state) rename(e Entry) {
	m := s.machines[e.ID]
	from, old := s.disk(m, e.Path)
	to, name := s.disk(m, e.Text)
	if text, ok := from[old]; ok {
		to[name] = text
		delete(from, old)
	}
}
