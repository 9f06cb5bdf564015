package sim

import "lifeboat/providers"

// What can be wrong with production alone (Faults.Production).
const (
	DeadService = "service" // its machine is well, and its services are down
	DeadServer  = "server"  // its machine answers nobody, and does not hear a soft stop
	DeadZone    = "zone"    // so does all of its zone, and EC2 says so
)

// sicken makes production as ill as the fault plan wants it.
func (s *state) sicken() {
	m, f := s.machines[s.spec.Roles.Instance], &s.spec.Faults
	if m == nil || f.Production == "" {
		return
	}
	m.instance.State, m.instance.StateReason = providers.InstanceRunning, ""
	if f.Production == DeadService {
		m.instance.Checks = providers.ChecksOK
		m.turns = []turn{{state: providers.InstanceRunning, up: true}}
		for name := range m.units {
			m.units[name] = unit{stopped: true}
		}
		return
	}
	m.instance.Checks = providers.ChecksImpaired
	m.turns = []turn{{state: providers.InstanceRunning}}
}

// frozen says that the machine is said to run, and that not even its kernel answers.
func (m *machine) frozen(t turn) bool {
	return m.instance != nil && m.instance.Checks == providers.ChecksImpaired && t.state == providers.InstanceRunning && !t.up
}

// zoneState is EC2's word on a zone; "" is available.
func (s *state) zoneState(zone string) string {
	if m := s.machines[s.spec.Roles.Instance]; s.spec.Faults.Production == DeadZone && m != nil && m.instance.Zone == zone {
		return "unavailable"
	}
	return s.spec.ZoneStates[zone]
}
