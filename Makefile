# The two targets that a user needs are demo and test; the rest is for those who work on lifeboat.

GO      ?= go
BIN     := bin/lifeboat
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)

# The program is to stay small enough for a slow copy at 3 A.M. What is not on the way to a frame or through a runbook's files
# is compiled without inlining, and HTTP/2 is left out (AWS and every web server speak 1.1): together a ninth of its size. The
# senders of chat, mail and pagers cost a megabyte, the kinds of the whole estate another: its limit is 25 MB. On Linux Go
# itself looks names up, as it mostly does there anyway: the way to the C library's resolver is another 100 kB.
INLINE := lifeboat/runbook github.com/charmbracelet/... github.com/clipperhouse/... go.yaml.in/...
COMMA  := ,
TAGS   := nethttpomithttp2$(if $(filter linux,$(shell $(GO) env GOOS)),$(COMMA)netgo)
SMALL  := -tags $(TAGS) -gcflags='all=-l' $(foreach p,$(INLINE),-gcflags='$(p)=')

.PHONY: build demo test race lint check bench soak pictures tools clean

build: ## the program, in bin/
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' $(SMALL) -o $(BIN) ./cmd/lifeboat

demo: build ## the shipped failover on the simulated estate; needs nothing else
	$(BIN) demo --speed 10

test: tools ## every test; installs what the tests need where it can
	$(GO) test -timeout 25m ./...

race: tools
	$(GO) test -race -timeout 40m ./runbook/... ./store/... ./providers/... ./cmd/...

lint:
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@out=$$($(GO) tool gofumpt -l .); if [ -n "$$out" ]; then echo "not formatted (run: go tool gofumpt -w .):"; echo "$$out"; exit 1; fi

check: lint test ## what runs before a change lands

bench: tools
	$(GO) test -run '^$$' -bench . -benchtime 1s -timeout 40m ./...

soak: tools ## the full figures of the reliability tests; takes hours
	LIFEBOAT_SOAK=1 $(GO) test -timeout 12h ./...

pictures: build ## those of the README, anew, from the program; says what is missing where it cannot
	@bash .ci/pictures

# What the tests talk to: an ssh server, rsync, strace, and moto, an emulator of AWS. A test whose tool is missing says so
# and skips; with CI=true it fails.
tools:
	@bash .ci/tools

clean:
	rm -rf bin
