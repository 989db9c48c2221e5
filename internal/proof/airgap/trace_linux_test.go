package airgap

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/enactdev/enact/internal/proof/strace"
	"github.com/enactdev/enact/internal/testkit"
)

// watched are the calls that have to do with sockets, what could make sockets unseen,
// and what the child prints.
const watched = "trace=%network,?io_uring_setup,write"

// sockets is what a child did with sockets, by the attempt in which it did it. What
// came before the first attempt is in 0.
type sockets map[int][]string

// watch runs a child under strace, and returns what it printed as well.
func watch(t *testing.T, role string, args ...string) (sockets, []string) {
	t.Helper()
	strace.Need(t)
	executable, err := os.Executable()
	testkit.Check(t, err)
	output := filepath.Join(t.TempDir(), "trace")
	options := []string{"-f", "--seccomp-bpf", "-s", "1024", "-e", watched, "-o", output, executable}
	child := testkit.StartCommand(t, role, exec.Command("strace", append(options, args...)...))
	printed := child.Rest()
	return readTrace(t, output), printed
}

// begins is what the child prints before each attempt, as strace shows it.
var begins = regexp.MustCompile(`^write\(1, "begin ([0-9]+)\\n"`)

// readTrace reads what strace wrote about a process that ended well.
func readTrace(t *testing.T, file string) sockets {
	t.Helper()
	f, err := os.Open(file)
	testkit.Check(t, err)
	defer f.Close()
	made, attempt, ended := sockets{}, 0, false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		_, call, _ := strings.Cut(lines.Text(), " ")
		call = strings.TrimLeft(call, " ")
		switch {
		case strings.HasPrefix(call, "--- "):
		case strings.HasPrefix(call, "+++ "):
			ended = ended || strings.HasPrefix(call, "+++ exited with 0 ")
		case strings.HasPrefix(call, "write("):
			if number := begins.FindStringSubmatch(call); number != nil {
				attempt, _ = strconv.Atoi(number[1])
			}
		case strings.HasPrefix(call, "<... write resumed"):
		default:
			made[attempt] = append(made[attempt], call)
		}
	}
	testkit.Check(t, lines.Err())
	if !ended {
		t.Fatal("the trace does not have the end of the child; it is not whole")
	}
	return made
}

var (
	families = regexp.MustCompile(`sa_family=([^,}]+)`)
	paths    = regexp.MustCompile(`sun_path=(@?"[^"]*")`)
	makes    = regexp.MustCompile(`^socket(pair)?\(`)
	serves   = regexp.MustCompile(`^(bind|listen|accept4?)\(`)
	rings    = regexp.MustCompile(`^io_uring_setup\(`)
)

// others returns the calls that have to do with anything else than being a client of
// the Unix socket with this path. Without one they are all of them.
func others(calls []string, allowed string) (found []string) {
	for _, call := range calls {
		bad := allowed == "" || serves.MatchString(call) || rings.MatchString(call) ||
			makes.MatchString(call) && !strings.HasPrefix(call, "socket(AF_UNIX, ")
		for _, family := range families.FindAllStringSubmatch(call, -1) {
			bad = bad || family[1] != "AF_UNIX"
		}
		for _, path := range paths.FindAllStringSubmatch(call, -1) {
			bad = bad || path[1] != strconv.Quote(allowed)
		}
		if bad {
			found = append(found, call)
		}
	}
	return found
}

// reaches: there is a call that connects to an address, as strace shows it.
func reaches(calls []string, address string) bool {
	return slices.ContainsFunc(calls, func(call string) bool {
		return strings.HasPrefix(call, "connect(") && strings.Contains(call, address)
	})
}
