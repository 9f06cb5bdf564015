package actions

import (
	"context"
	"fmt"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func imageIsFresh(w world) runbook.Kind {
	return runbook.Kind{
		Name:          "image.fresh",
		Summary:       "prove that a copied image equals its source, or is no older than a limit",
		New:           func() runbook.Probe { return &imageFresh{w: w} },
		Outputs:       []runbook.Output{{Name: "made", Doc: "when the copied image's source was made, as 2026-01-02T03:04:05Z", Type: "string"}},
		Budget:        5 * time.Second,
		Timeout:       30 * time.Second,
		Interruptible: true,
	}
}

// imageFresh compares what a failover would launch with what production runs.
type imageFresh struct {
	Image      string           `with:"image,required" doc:"id of the copy"`
	Region     string           `with:"region" default:"region_of(with.image)" doc:"region of the copy"`
	Source     string           `with:"source" doc:"id of the image that it is to equal, such as estate.production.image"`
	FromRegion string           `with:"from_region" default:"region_of(with.source)" doc:"region of the source"`
	MaxAge     runbook.Duration `with:"max_age" doc:"a copy that is not older than this is good enough"`

	w world
}

func (a *imageFresh) Observe(ctx context.Context, _ runbook.Call) (runbook.Observation, error) {
	i, err := a.w.Images.Image(ctx, a.Region, a.Image)
	switch {
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Absent, "%s has no image %s", a.Region, a.Image), nil
	case err != nil:
		return runbook.Observation{}, err
	case i.State == "pending":
		return seen(runbook.Pending, "%s in %s is being made", i.ID, a.Region), nil
	case i.State != "available":
		return seen(runbook.Absent, "%s in %s is %s", i.ID, a.Region, i.State), nil
	}
	state, words := a.judge(ctx, i)
	o := seen(state, "%s of %s in %s %s", i.ID, date(contentOf(i)), a.Region, words)
	if state == runbook.Holds {
		o.Outputs = map[string]any{"made": contentOf(i).UTC().Format(time.RFC3339)}
	}
	return o, nil
}

// judge says whether the copy is good, and the words that follow its name.
func (a *imageFresh) judge(ctx context.Context, i providers.Image) (runbook.Holding, string) {
	old := a.w.clock.Now().Sub(contentOf(i))
	limit := ""
	if a.MaxAge > 0 && old > time.Duration(a.MaxAge) {
		limit = fmt.Sprintf("is %s old, more than %s", age(old), age(time.Duration(a.MaxAge)))
	}
	if a.Source == "" {
		switch {
		case limit != "":
			return runbook.Absent, limit
		case a.MaxAge > 0:
			return runbook.Holds, "is " + age(old) + " old"
		}
		return runbook.Unsure, "has no source and no limit of age to be held against: write source or max_age"
	}
	short, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	state, words := a.w.freshness(short, i, a.Source, a.FromRegion)
	switch {
	case state == runbook.Holds:
		return state, words
	case a.MaxAge > 0 && limit == "": // it is not the newest, or nobody can say so; it is young enough
		return runbook.Holds, "is " + age(old) + " old; it " + words
	case limit != "":
		return runbook.Absent, limit + "; it " + words
	}
	return state, words
}

// contentOf is when what an image holds was made: of a copy, when its source was.
func contentOf(i providers.Image) time.Time {
	if t, err := time.Parse(time.RFC3339, i.Tags[tagSourceMade]); err == nil {
		return t
	}
	return i.Created
}

// freshness holds a copy against the image that it is to equal, and says what it found, as what follows "it" or the copy's
// name. Unsure is a source that cannot be read.
func (w world) freshness(ctx context.Context, i providers.Image, source, region string) (runbook.Holding, string) {
	if i.ID == source {
		return runbook.Holds, "is that image itself"
	}
	s, err := w.Images.Image(ctx, region, source)
	of := i.Tags[tagSource]
	if of == "" {
		of = i.Source
	}
	switch {
	case err != nil && of == source:
		return runbook.Holds, fmt.Sprintf("is a copy of %s (which could not be read: %s)", source, reason(err))
	case err != nil:
		return runbook.Unsure, fmt.Sprintf("could not be held against %s in %s: %s", source, region, reason(err))
	case of == source:
		return runbook.Holds, fmt.Sprintf("equals its source %s", source)
	case of != "":
		return runbook.Absent, fmt.Sprintf("is a copy of %s, and production has %s of %s, %s", of, s.ID, date(s.Created), apart(s.Created.Sub(contentOf(i))))
	case i.Created.Before(s.Created):
		return runbook.Absent, fmt.Sprintf("was made before %s of %s: it cannot be a copy of it", s.ID, date(s.Created))
	}
	return runbook.Holds, fmt.Sprintf("was made after %s of %s; of what it is a copy nothing says", s.ID, date(s.Created))
}

// besideSource says, after what is said of an image, how it stands to its source; "" when none is named. To be older is no
// reason not to launch it: what counts at night is that there is one.
func (w world) besideSource(ctx context.Context, i providers.Image, source string) string {
	if _, open := runbook.NotKnown(source); source == "" || open {
		return ""
	}
	region := i.SourceRegion
	if region == "" {
		region = i.Tags[tagSourceRegion]
	}
	if region == "" {
		return ""
	}
	short, cancel := w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, words := w.freshness(short, i, source, region)
	return "; it " + words
}

func apart(d time.Duration) string {
	if d < 0 {
		return age(-d) + " older"
	}
	return age(d) + " newer"
}

// Check says the same before the night on which it counts.
func (a *imageFresh) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("image %s in %s is fresh", a.Image, a.Region)
	if c, open := notYet(what, a.Image, a.Region, a.Source); open {
		return []runbook.Check{c}
	}
	o, err := a.Observe(ctx, call)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case o.State == runbook.Holds:
		return []runbook.Check{well(what, "ec2:DescribeImages", "%s", o.Evidence)}
	}
	return []runbook.Check{notWell(what, "ec2:DescribeImages", "run copy-images, and put the id of the copy into the estate unless it is chosen by tags", "%s", o.Evidence)}
}

func (a *imageFresh) Permissions() []string { return []string{"ec2:DescribeImages"} }

// Depends are both regions: a source that does not answer leaves only the age.
func (a *imageFresh) Depends() []runbook.Dependency {
	return []runbook.Dependency{
		{Region: a.Region, Without: "the copy cannot be read"},
		{Region: a.FromRegion, Without: "the copy cannot be held against its source"},
	}
}

func (a *imageFresh) ByHand(runbook.Call) []string {
	out := []string{line(words("aws", "ec2", "describe-images", "--region", orQuestion(a.Region), "--image-ids", orQuestion(a.Image),
		"--query", "Images[].[ImageId,State,CreationDate,SourceImageId,Tags]"))}
	if a.Source != "" {
		out = append(out, line(words("aws", "ec2", "describe-images", "--region", orQuestion(a.FromRegion), "--image-ids", a.Source, "--query", "Images[].[ImageId,CreationDate]")))
	}
	return out
}
