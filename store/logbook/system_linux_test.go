package logbook

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lifeboat/store"
)

func TestNetworkFileSystemsAreRefused(t *testing.T) {
	err := unfit("/srv/store", 0x6969)
	if !errors.As(err, new(*store.ErrUnfit)) || !strings.Contains(fmt.Sprint(err), "NFS") {
		t.Errorf("got %v", err)
	}
	if err := unfit("/srv/store", 0xef53); err != nil { // ext4
		t.Errorf("got %v", err)
	}
}
