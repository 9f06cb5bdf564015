package bolt_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/storetest"
)

const (
	damageDir  = "BOLT_TEST_DIR" // set in a child that looks at damaged libraries: where good.db lies
	damageFrom = "BOLT_TEST_FROM"
	damageTo   = "BOLT_TEST_TO"
	damageRuns = 40
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(damageDir); dir != "" {
		damageChild(dir)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestDamage damages a library in many ways and looks at it as its users do. A look may say that it is damaged or return
// what was filed; it must never return anything else, and never end the process.
func TestDamage(t *testing.T) {
	rounds := 200
	if os.Getenv("LIFEBOAT_SOAK") != "" {
		rounds = 1500
	}
	good, err := os.ReadFile(filled(t, damageRuns))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "good.db"), good, 0o600); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for from := 0; from < rounds; {
		lines, died := runDamageChild(t, dir, from, rounds)
		for _, line := range lines {
			verdict, what, _ := strings.Cut(line, " ")
			seen[verdict]++
			if verdict == "silent" {
				t.Errorf("round %d: %s", from, what)
			}
			from++
		}
		if died != "" {
			t.Errorf("round %d: the process ended: %s", from, died)
			seen["died"]++
			from++
		}
	}
	t.Logf("%d faults: %v", rounds, seen)
}

func runDamageChild(t *testing.T, dir string, from, to int) (lines []string, died string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), damageDir+"="+dir, damageFrom+"="+strconv.Itoa(from), damageTo+"="+strconv.Itoa(to), "GOMEMLIMIT=512MiB")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		lines = append(lines, s.Text())
	}
	if err := cmd.Wait(); err != nil {
		died = fmt.Sprintf("%v: %.600s", err, stderr.String())
	}
	return lines, died
}

// damageChild prints a line for each round: "told", "unharmed" or "silent".
func damageChild(dir string) {
	good, err := os.ReadFile(filepath.Join(dir, "good.db"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	from, _ := strconv.Atoi(os.Getenv(damageFrom))
	to, _ := strconv.Atoi(os.Getenv(damageTo))
	path := filepath.Join(dir, "history.db")
	for i := from; i < to; i++ {
		image, how := damage(good, uint64(i))
		if err := os.WriteFile(path, image, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(lookAt(path, how))
	}
}

// damage changes one place.
func damage(good []byte, seed uint64) (image []byte, how string) {
	rng := rand.New(rand.NewPCG(7, seed))
	image = bytes.Clone(good)
	used := len(bytes.TrimRight(good, "\x00"))
	at := rng.IntN(used)
	page := at / 4096 * 4096
	switch seed % 6 {
	case 0, 1:
		image[at] ^= 1 << rng.IntN(8)
		return image, fmt.Sprintf("a bit at %d", at)
	case 2:
		image[page+rng.IntN(64)] = byte(rng.IntN(256)) // where a page keeps its headers
		return image, fmt.Sprintf("the head of page %d", page/4096)
	case 3:
		clear(image[page : page+4096])
		return image, fmt.Sprintf("page %d zeroed", page/4096)
	case 4:
		copy(image[page:page+4096], good[rng.IntN(used)/4096*4096:][:4096])
		return image, fmt.Sprintf("page %d overwritten by another", page/4096)
	}
	return image[:at], fmt.Sprintf("cut at %d", at)
}

func lookAt(path, how string) string {
	ctx := context.Background()
	l := bolt.New(path)
	specs := storetest.Specs(damageRuns + 1)
	told := 0
	look := func(what string, err error, right bool) string {
		switch {
		case errors.As(err, new(*store.ErrDamaged)), errors.As(err, new(*store.ErrNewer)):
			told++
		case err != nil:
			return fmt.Sprintf("silent %s: %s: an error without a type: %v", how, what, err)
		case !right:
			return fmt.Sprintf("silent %s: %s is wrong", how, what)
		}
		return ""
	}
	list, err := l.Runs(ctx, store.Query{})
	right := len(list) == damageRuns
	for i := range list {
		right = right && reflect.DeepEqual(list[i], store.Summarize(specs[damageRuns-1-i].Events()))
	}
	verdict := look("the list", err, right)
	for i := 0; i < damageRuns; i += 5 {
		got, events, err := l.Run(ctx, specs[i].ID)
		right := reflect.DeepEqual(got, store.Summarize(specs[i].Events())) && reflect.DeepEqual(events, specs[i].Events())
		verdict = max(verdict, look("run "+string(specs[i].ID), err, right))
	}
	_, verifyErr := bolt.Verify(ctx, path)
	verdict = max(verdict, look("verify", verifyErr, told == 0 && verdict == ""))
	verdict = max(verdict, look("filing", l.File(ctx, specs[damageRuns].Events()), true))
	if verifyErr == nil && told == 0 && verdict == "" {
		_, err := bolt.Verify(ctx, path)
		verdict = look("verify after filing", err, err == nil)
	}
	switch {
	case verdict != "":
		return verdict
	case told > 0:
		return "told " + how
	}
	return "unharmed " + how
}
