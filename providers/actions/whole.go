package actions

import (
	"context"

	"lifeboat/providers"
)

// whole fills a set's gaps with providers that say that they are not there, so that no action needs to ask.
func whole(s providers.Set) providers.Set {
	if s.Archives == nil {
		s.Archives = absentArchives{}
	}
	if s.Instances == nil {
		s.Instances = absent{}
	}
	if s.Volumes == nil {
		s.Volumes = absent{}
	}
	if s.Snapshots == nil {
		s.Snapshots = absent{}
	}
	if s.Disks == nil {
		s.Disks = absent{}
	}
	if s.Images == nil {
		s.Images = absent{}
	}
	if s.Addresses == nil {
		s.Addresses = absent{}
	}
	if s.Records == nil {
		s.Records = absent{}
	}
	if s.Identity == nil {
		s.Identity = absent{}
	}
	if s.Shell == nil {
		s.Shell = absent{}
	}
	if s.Web == nil {
		s.Web = absent{}
	}
	if s.Names == nil {
		s.Names = absent{}
	}
	if s.Power == nil {
		s.Power = noPower{}
	}
	if s.Places == nil {
		s.Places = noPlaces{}
	}
	if s.Objects == nil {
		s.Objects = noObjects{}
	}
	if s.Holdings == nil {
		s.Holdings = absent{}
	}
	if s.Copies == nil {
		s.Copies = absent{}
	}
	if s.Topics == nil {
		s.Topics = absent{}
	}
	if s.Messenger == nil {
		s.Messenger = absent{}
	}
	return s
}

// absent is every provider that is not there.
type absent struct{}

func gone(op, where string) error {
	return providers.Errorf(providers.Missing, op, where, "this catalog has no such provider: it can plan, not act")
}

func (absent) Launch(_ context.Context, region string, _ providers.Launch) (providers.Instance, error) {
	return providers.Instance{}, gone("launch", region)
}

func (absent) Instance(_ context.Context, region, _ string) (providers.Instance, error) {
	return providers.Instance{}, gone("read instance", region)
}

func (absent) FindInstances(_ context.Context, region string, _ map[string]string) ([]providers.Instance, error) {
	return nil, gone("find instances", region)
}

func (absent) Terminate(_ context.Context, region, _ string) error { return gone("terminate", region) }

func (absent) HostKeys(_ context.Context, region, _ string) ([]string, error) {
	return nil, gone("read host keys", region)
}

func (absent) Volume(_ context.Context, region, _ string) (providers.Volume, error) {
	return providers.Volume{}, gone("read volume", region)
}

func (absent) FindVolumes(_ context.Context, region string, _ map[string]string) ([]providers.Volume, error) {
	return nil, gone("find volumes", region)
}

func (absent) Attach(_ context.Context, region, _, _, _ string) error { return gone("attach", region) }

func (absent) Detach(_ context.Context, region, _, _ string) error { return gone("detach", region) }

func (absent) Snapshot(_ context.Context, region, _ string) (providers.Snapshot, error) {
	return providers.Snapshot{}, gone("read snapshot", region)
}

func (absent) FindSnapshots(_ context.Context, region, _ string, _ map[string]string) ([]providers.Snapshot, error) {
	return nil, gone("find snapshots", region)
}

func (absent) CreateSnapshot(_ context.Context, region, _, _ string, _ map[string]string) (providers.Snapshot, error) {
	return providers.Snapshot{}, gone("create snapshot", region)
}

func (absent) CopySnapshot(_ context.Context, region string, _ providers.SnapshotCopy) (providers.Snapshot, error) {
	return providers.Snapshot{}, gone("copy snapshot", region)
}

func (absent) DeleteSnapshot(_ context.Context, region, _ string) error {
	return gone("delete snapshot", region)
}

func (absent) CreateVolume(_ context.Context, region string, _ providers.NewVolume) (providers.Volume, error) {
	return providers.Volume{}, gone("create volume", region)
}

func (absent) DeleteVolume(_ context.Context, region, _ string) error {
	return gone("delete volume", region)
}

func (absent) Hydration(_ context.Context, region, _ string) (providers.Hydration, error) {
	return providers.Hydration{}, gone("read hydration", region)
}

func (absent) Image(_ context.Context, region, _ string) (providers.Image, error) {
	return providers.Image{}, gone("read image", region)
}

func (absent) FindImages(_ context.Context, region string, _ map[string]string) ([]providers.Image, error) {
	return nil, gone("find images", region)
}

func (absent) CopiesOf(_ context.Context, region, _ string) ([]providers.Image, error) {
	return nil, gone("find copies of an image", region)
}

func (absent) LaunchedFrom(_ context.Context, region, _ string) ([]string, error) {
	return nil, gone("find the machines of an image", region)
}

func (absent) CopyImage(_ context.Context, region string, _ providers.ImageCopy) (providers.Image, error) {
	return providers.Image{}, gone("copy image", region)
}

func (absent) CreateImage(_ context.Context, region, _, _ string, _ bool, _ map[string]string) (providers.Image, error) {
	return providers.Image{}, gone("create image", region)
}

func (absent) RegisterImage(_ context.Context, region string, _ providers.Image) (providers.Image, error) {
	return providers.Image{}, gone("register image", region)
}

func (absent) Deregister(_ context.Context, region, _ string) error {
	return gone("deregister image", region)
}

func (absent) Shared(_ context.Context, region, _ string) ([]string, error) {
	return nil, gone("read launch permissions", region)
}

func (absent) Share(_ context.Context, region, _ string, _ []string) error {
	return gone("change launch permissions", region)
}

func (absent) Address(_ context.Context, region, _ string) (providers.Address, error) {
	return providers.Address{}, gone("read address", region)
}

func (absent) FindAddresses(_ context.Context, region string, _ map[string]string) ([]providers.Address, error) {
	return nil, gone("find addresses", region)
}

func (absent) Associate(_ context.Context, region, _, _, _ string) error {
	return gone("associate", region)
}

func (absent) Disassociate(_ context.Context, region, _, _ string) error {
	return gone("disassociate", region)
}

func (absent) Zone(context.Context, string, string) (providers.Zone, error) {
	return providers.Zone{}, gone("find hosted zone", "")
}

func (absent) Record(context.Context, string, string, string) (providers.Record, error) {
	return providers.Record{}, gone("read record", "")
}

func (absent) Change(context.Context, string, *providers.Record, *providers.Record) (string, error) {
	return "", gone("change record", "")
}

func (absent) Changed(context.Context, string) (bool, error) { return false, gone("follow change", "") }

func (absent) Account(_ context.Context, region string) (providers.Account, error) {
	return providers.Account{}, gone("read account", region)
}

func (absent) Run(_ context.Context, host providers.Host, _ providers.Command) (providers.Result, error) {
	return providers.Result{}, gone("ssh", host.String())
}

func (absent) Get(_ context.Context, url, _ string) (providers.Page, error) {
	return providers.Page{}, gone("GET", url)
}

func (absent) Servers(_ context.Context, name string) ([]string, error) {
	return nil, gone("find name servers", name)
}

func (absent) Ask(_ context.Context, server, _, _ string) (providers.Answer, error) {
	return providers.Answer{}, gone("ask", server)
}

func (absent) Publish(_ context.Context, region, _, _, _ string) (string, error) {
	return "", gone("publish", region)
}

func (absent) Send(context.Context, string, string, string) error { return gone("send", "") }

func (absent) Resolve(_ context.Context, resolver, _, _ string) (providers.Answer, error) {
	return providers.Answer{}, gone("resolve", resolver)
}

func (absent) Resolvers(context.Context) ([]string, error) {
	return nil, gone("find resolvers", "")
}
