package wrap

import (
	"context"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

type recordedImages struct {
	providers.Images
	r recorder
}

func (p recordedImages) Image(ctx context.Context, region, id string) (_ providers.Image, err error) {
	defer p.r.done("read image", region, id)(&err)
	return p.Images.Image(ctx, region, id)
}

func (p recordedImages) FindImages(ctx context.Context, region string, tags map[string]string) (_ []providers.Image, err error) {
	defer p.r.done("find images", region, tagWords(tags))(&err)
	return p.Images.FindImages(ctx, region, tags)
}

func (p recordedImages) CopiesOf(ctx context.Context, region, source string) (_ []providers.Image, err error) {
	defer p.r.done("find copies of an image", region, source)(&err)
	return p.Images.CopiesOf(ctx, region, source)
}

func (p recordedImages) LaunchedFrom(ctx context.Context, region, image string) (_ []string, err error) {
	defer p.r.done("find the machines of an image", region, image)(&err)
	return p.Images.LaunchedFrom(ctx, region, image)
}

type recordedCopies struct {
	providers.ImageMaker
	r recorder
}

func (p recordedCopies) CopyImage(ctx context.Context, region string, c providers.ImageCopy) (_ providers.Image, err error) {
	defer p.r.done("copy image", region, c.Image, "from="+c.FromRegion, c.Name, c.KMSKey, "token="+c.Token)(&err)
	return p.ImageMaker.CopyImage(ctx, region, c)
}

func (p recordedCopies) CreateImage(ctx context.Context, region, machine, name string, noReboot bool, tags map[string]string) (_ providers.Image, err error) {
	reboot := "reboot"
	if noReboot {
		reboot = "no-reboot"
	}
	defer p.r.done("create image", region, machine, name, reboot, tagWords(tags))(&err)
	return p.ImageMaker.CreateImage(ctx, region, machine, name, noReboot, tags)
}

func (p recordedCopies) RegisterImage(ctx context.Context, region string, i providers.Image) (_ providers.Image, err error) {
	words := []string{i.Name}
	for _, d := range i.Disks {
		words = append(words, d.Device+"="+d.Snapshot)
	}
	defer p.r.done("register image", region, append(words, tagWords(i.Tags))...)(&err)
	return p.ImageMaker.RegisterImage(ctx, region, i)
}

func (p recordedCopies) Deregister(ctx context.Context, region, id string) (err error) {
	defer p.r.done("deregister image", region, id)(&err)
	return p.ImageMaker.Deregister(ctx, region, id)
}

func (p recordedCopies) Shared(ctx context.Context, region, id string) (_ []string, err error) {
	defer p.r.done("read launch permissions", region, id)(&err)
	return p.ImageMaker.Shared(ctx, region, id)
}

func (p recordedCopies) Share(ctx context.Context, region, id string, accounts []string) (err error) {
	defer p.r.done("change launch permissions", region, id, strings.Join(accounts, ","))(&err)
	return p.ImageMaker.Share(ctx, region, id, accounts)
}

// fencedCopies lets pass what makes a new image of what is there. An image of a machine is no such thing unless the
// machine goes on running: otherwise EC2 starts it anew.
type fencedCopies struct {
	providers.ImageMaker
	may func(runbook.Target) error
	own *own
}

func picture(region, id string) runbook.Target {
	return runbook.Target{Kind: "image", ID: id, Region: region}
}

func (f fencedCopies) CreateImage(ctx context.Context, region, machine, name string, noReboot bool, tags map[string]string) (providers.Image, error) {
	if !noReboot {
		if err := f.may(instance(region, machine)); err != nil {
			return providers.Image{}, err
		}
	}
	i, err := f.ImageMaker.CreateImage(ctx, region, machine, name, noReboot, tags)
	f.own.add(err, "image", i.ID)
	return i, err
}

func (f fencedCopies) Deregister(ctx context.Context, region, id string) error {
	if err := f.may(picture(region, id)); err != nil {
		return err
	}
	return f.ImageMaker.Deregister(ctx, region, id)
}

func (f fencedCopies) Share(ctx context.Context, region, id string, accounts []string) error {
	if err := f.may(picture(region, id)); err != nil {
		return err
	}
	return f.ImageMaker.Share(ctx, region, id, accounts)
}
