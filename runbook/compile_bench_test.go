package runbook

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// longRunbook is a runbook of n steps: chains, joins, texts, outputs and conditions as in a real one.
func longRunbook(n int) []byte {
	var b strings.Builder
	b.WriteString("lifeboat: 1\nkind: runbook\nname: long\ninputs:\n  data: {title: Which, default: a}\nsteps:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - id: launch%d\n    title: Launch ${{ estate.standby.image }} number %d\n    why: Because ${{ inputs.data }} says so.\n", i, i)
		if i%4 == 0 {
			b.WriteString("    uses: instance.launch\n    budget: 30s\n    with: {image: \"${{ estate.standby.image }}\", type: m7i.large}\n")
			continue
		}
		fmt.Fprintf(&b, "    uses: volume.attach\n    needs: [launch%d]\n    if: inputs.data == \"a\" || steps.launch%d.instance != \"\"\n", i-1, i/4*4)
		fmt.Fprintf(&b, "    with: {volume: \"${{ estate.standby.volume.id }}\", instance: \"x-${{ lower(steps.launch%d.instance) }}\"}\n", i/4*4)
	}
	return []byte(b.String())
}

// BenchmarkParseCompile200 is what happens between the command and the first line on the screen.
func BenchmarkParseCompile200(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the program does
	text := longRunbook(200)
	estateText, err := os.ReadFile("testdata/estate.yaml")
	if err != nil {
		b.Fatal(err)
	}
	estate, err := ParseEstate("estate.yaml", estateText)
	if err != nil {
		b.Fatal(err)
	}
	catalog := testCatalog()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		rb, err := Parse("long.yaml", text)
		if err != nil {
			b.Fatal(err)
		}
		p, err := Compile(CompileInput{Runbook: rb, Estate: estate, Catalog: catalog, Mode: Live})
		if err != nil {
			b.Fatal(err)
		}
		if len(p.Steps) != 200 {
			b.Fatal(len(p.Steps))
		}
	}
}

// BenchmarkParse200 is its first half.
func BenchmarkParse200(b *testing.B) {
	text := longRunbook(200)
	for b.Loop() {
		if _, err := Parse("long.yaml", text); err != nil {
			b.Fatal(err)
		}
	}
}
