package providers

import "context"

// Power turns machines on and off. None of its calls has a token: look first. All return when EC2 has accepted; what is
// so already, or on the way there, is no error. A machine that is gone is Conflict.
type Power interface {
	// Start may meet NoCapacity: a stopped machine holds no place.
	Start(ctx context.Context, region, id string) error
	// Stop with force does not wait for the machine to agree.
	Stop(ctx context.Context, region, id string, force bool) error
	Reboot(ctx context.Context, region, id string) error
	// Regroup gives the machine's first network interface exactly these security groups (ids).
	Regroup(ctx context.Context, region, id string, groups []string) error
}

// Places say what a region offers. They are read before anything is made there.
type Places interface {
	Zones(ctx context.Context, region string) ([]AvailabilityZone, error)
	// Offered lists the machine types that the zone offers, sorted. It says nothing of capacity.
	Offered(ctx context.Context, region, zone string) ([]string, error)
	// MachineTypes describes types by name; one that the region does not know is left out.
	MachineTypes(ctx context.Context, region string, names []string) ([]MachineType, error)
	// Subnets lists the subnets of the network, all networks when it is "".
	Subnets(ctx context.Context, region, vpc string) ([]Subnet, error)
	// Groups lists the security groups that have one of the names or ids; those that do not exist are left out. An empty
	// vpc is any.
	Groups(ctx context.Context, region, vpc string, names []string) ([]Group, error)
}

// AvailabilityZone is a zone and its state: available, impaired, unavailable, information.
type AvailabilityZone struct{ Name, State string }

// MachineType is what a type is.
type MachineType struct {
	Name          string
	CPUs          int
	MemoryMiB     int
	Architectures []string
	Nitro         bool
}

// Subnet is a subnet and the zone that it lies in.
type Subnet struct {
	ID, VPC, Zone string
	Default       bool // the zone's default subnet
	Tags          map[string]string
}

// Group is a security group. In and Out say how many rules let something in and out: one that has none isolates.
type Group struct {
	ID, Name, VPC string
	In, Out       int
	Tags          map[string]string
}
