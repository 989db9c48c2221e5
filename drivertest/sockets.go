package drivertest

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// sockets lists the sockets of this process by inode. ok is false where that
// cannot be known.
func sockets() (inodes map[string]bool, ok bool) {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, false
	}
	inodes = map[string]bool{}
	for _, file := range files {
		link, err := os.Readlink("/proc/self/fd/" + file.Name())
		if err != nil {
			continue // it was the folder itself
		}
		if inode, isSocket := strings.CutPrefix(link, "socket:["); isSocket {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes, true
}

// networkSockets describes the sockets of this process that are neither in before
// nor Unix sockets.
func networkSockets(before map[string]bool) (opened []string) {
	now, _ := sockets()
	maps.DeleteFunc(now, func(inode string, _ bool) bool { return before[inode] })
	if len(now) == 0 {
		return nil
	}
	for _, kind := range []string{"tcp", "tcp6", "udp", "udp6"} {
		table, err := os.ReadFile("/proc/self/net/" + kind)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(table)) {
			if fields := strings.Fields(line); len(fields) > 9 && now[fields[9]] {
				opened = append(opened, kind+" from "+fields[1]+" to "+fields[2])
			}
		}
	}
	return slices.Sorted(slices.Values(opened))
}
