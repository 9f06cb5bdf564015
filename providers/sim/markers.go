package sim

import (
	"encoding/json"
	"time"

	"lifeboat/providers"
)

// keep puts a copy of the data on the root disk of a machine, with its marker.
func (m *machine) keep(path string, data Data, spec *Spec) {
	for name, text := range marker(path, data, spec) {
		m.files[name] = text
	}
	data.Torn = data.Torn || spec.Faults.IncompleteNightly && data.Age > 0
	m.local[path] = &data
}

// marker is the file that says when a copy was whole.
func marker(path string, data Data, spec *Spec) map[string]string {
	files := map[string]string{}
	if data.Age <= 0 {
		return files
	}
	end := spec.Start.Add(-time.Duration(data.Age)).UTC()
	says := providers.CopyMarker{
		Started: end.Add(-20 * time.Minute), Completed: end, Source: "production", Files: data.files(), Bytes: data.Bytes, By: "nightly-copy",
	}
	if spec.Faults.IncompleteNightly {
		says.Completed, says.Last, says.Files, says.Bytes = time.Time{}, end.Add(-24*time.Hour), 0, 0
	}
	text, err := json.Marshal(says)
	if err != nil {
		panic(err) // it has times, text and numbers
	}
	files[path+"/"+providers.MarkerFile] = string(text) + "\n"
	return files
}

// lose empties a folder of a machine.
func (s *state) lose(e Entry) {
	m := s.machines[e.ID]
	delete(m.local, e.Path)
	m.files[e.Path+"/."] = ""
}
