package providers

import (
	"context"
	"time"
)

// VolumeMaker makes and removes volumes.
type VolumeMaker interface {
	// CreateVolume returns when it is accepted; the volume is creating. The same Token gives the same volume, with other
	// words Mismatch.
	CreateVolume(ctx context.Context, region string, v NewVolume) (Volume, error)
	// DeleteVolume removes a free volume; one in use is Conflict, one that is gone is no error.
	DeleteVolume(ctx context.Context, region, id string) error
	// Hydration says how much of a volume made from a snapshot has arrived. Until then a read of what has not is slow.
	Hydration(ctx context.Context, region, id string) (Hydration, error)
}

// NewVolume is a volume to make.
type NewVolume struct {
	Token      string
	Zone       string
	Snapshot   string
	SizeGiB    int    // 0: the snapshot's
	Type       string // "" is gp3
	IOPS       int
	Throughput int // MiB/s
	// Rate asks for the snapshot's blocks to arrive at this rate, in MiB/s (100 to 300); 0 leaves them to arrive when
	// they are read.
	Rate   int
	KMSKey string
	Tags   map[string]string
}

// Hydration is how far a volume has been filled from its snapshot.
type Hydration struct {
	Done     float64 // 0 to 1
	Complete bool
	Known    bool // false: nobody tells, as of a volume without a rate
	Left     time.Duration
}

// Snapshots are the copies of volumes at one moment. Neither making nor copying one has a token: tag it, and look for the
// tag before making another.
type Snapshots interface {
	Snapshot(ctx context.Context, region, id string) (Snapshot, error)
	// FindSnapshots returns those of this account that are of the volume (any when "") and bear all the tags, newest
	// first.
	FindSnapshots(ctx context.Context, region, volume string, tags map[string]string) ([]Snapshot, error)
	// CreateSnapshot returns when it is accepted: what the volume holds at that moment is what the snapshot will have.
	CreateSnapshot(ctx context.Context, region, volume, description string, tags map[string]string) (Snapshot, error)
	// CopySnapshot copies into region.
	CopySnapshot(ctx context.Context, region string, c SnapshotCopy) (Snapshot, error)
	// DeleteSnapshot: one that an image needs is Conflict, one that is gone is no error.
	DeleteSnapshot(ctx context.Context, region, id string) error
}

// SnapshotCopy is a snapshot to copy.
type SnapshotCopy struct {
	FromRegion, Snapshot string
	KMSKey               string // of the target region; "" keeps it as it is, or the region's default when encrypted
	Description          string
	Tags                 map[string]string
}

// Snapshot is a snapshot as it was read.
type Snapshot struct {
	ID, Region, Volume string
	State              string  // pending, completed, error, ...
	Progress           float64 // 0 to 1
	Started            time.Time
	SizeGiB            int
	Encrypted          bool
	KMSKey             string
	Description        string
	Tags               map[string]string
}

// ImageMaker makes, shares and removes machine images.
type ImageMaker interface {
	// CopyImage copies into region and returns when it is accepted. The same Token gives the same image, with other words
	// Mismatch. Neither tags nor launch permissions are carried: Tags are all that the copy and its snapshots get. A key
	// that cannot be used shows later: the image is then failed.
	CopyImage(ctx context.Context, region string, c ImageCopy) (Image, error)
	// CreateImage makes an image of a machine. It has no token. A name that is taken is Conflict.
	CreateImage(ctx context.Context, region, instance, name string, noReboot bool, tags map[string]string) (Image, error)
	// RegisterImage makes an image of snapshots: of the image given, Name, Architecture, BootMode, Virtualization,
	// RootDevice, ENA, IMDS, TPM, Disks and Tags count. A name that is taken is Conflict.
	RegisterImage(ctx context.Context, region string, i Image) (Image, error)
	// Deregister removes the image and leaves its snapshots; one that is gone is no error.
	Deregister(ctx context.Context, region, id string) error
	// Shared lists the accounts that may launch the image, sorted ("all" is everybody, an ARN an organization); Share makes
	// it those and no others. An image that is still pending is NotReady.
	Shared(ctx context.Context, region, id string) ([]string, error)
	Share(ctx context.Context, region, id string, accounts []string) error
}

// ImageCopy is an image to copy.
type ImageCopy struct {
	Token             string
	FromRegion, Image string
	Name, Description string
	KMSKey            string // of the target region; "" leaves it as it is
	Tags              map[string]string
}
