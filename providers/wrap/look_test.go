package wrap_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
)

// looks are the calls that change nothing. A call that a contract gains is held for one that does until it stands here.
var looks = strings.Fields(`Instance FindInstances HostKeys Volume FindVolumes Image FindImages Address FindAddresses Zone Record
	Changed Account Get Servers Ask Resolve Resolvers Zones Offered MachineTypes Subnets Groups Snapshot FindSnapshots Hydration Shared AddressQuota
	Status Verify CopiesOf LaunchedFrom`)

// Every call of every contract that is not known for a look is refused, and says so; none of them reaches the world.
func TestLookOnlyRefusesEveryChange(t *testing.T) {
	refused := errors.New("refused")
	world := sim.NewMemory(sim.Spec{Seed: 1}, runbook.WallClock{})
	set := world.Set()
	set.Archives = archives{}
	look := wrap.LookOnly(set, func(string) error { return refused })
	fields := reflect.ValueOf(look)
	tried := 0
	for i := range fields.NumField() {
		field, name := fields.Field(i), fields.Type().Field(i).Name
		if field.IsNil() {
			t.Errorf("the world has no %s: what it would change is not tried", name)
			continue
		}
		contract := fields.Type().Field(i).Type
		for m := range contract.NumMethod() {
			method := contract.Method(m)
			if strings.Contains(" "+strings.Join(looks, " ")+" ", " "+method.Name+" ") {
				continue
			}
			tried++
			if err := call(field.MethodByName(method.Name)); !errors.Is(err, refused) {
				t.Errorf("%s.%s is not refused: %v", name, method.Name, err)
			}
		}
	}
	if tried < 25 {
		t.Errorf("only %d calls were tried", tried)
	}
	if log := world.Log(); len(log) != 0 {
		t.Errorf("something has reached the world: %+v", log)
	}
}

// call makes a call with arguments that are nothing, but for a record to change.
func call(method reflect.Value) error {
	var args []reflect.Value
	for i := range method.Type().NumIn() {
		in := method.Type().In(i)
		switch {
		case in == reflect.TypeFor[context.Context]():
			args = append(args, reflect.ValueOf(context.Background()))
		case in == reflect.TypeFor[*providers.Record]():
			args = append(args, reflect.ValueOf(&providers.Record{Name: "www.example.com", Type: "A"}))
		default:
			args = append(args, reflect.Zero(in))
		}
	}
	out := method.Call(args)
	err, _ := out[len(out)-1].Interface().(error)
	return err
}

// archives is an archive that nobody may reach.
type archives struct{ providers.Archives }
