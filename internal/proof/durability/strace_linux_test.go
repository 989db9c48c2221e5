package durability

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// traced are the system calls that change files, sync them or map them, as far as
// there are such on this architecture.
const traced = "?open,?openat,?openat2,?creat,?write,?writev,?pwrite64,?pwritev,?pwritev2,?fsync,?fdatasync,?sync,?syncfs,?sync_file_range," +
	"?ftruncate,?truncate,?fallocate,?unlink,?unlinkat,?rename,?renameat,?renameat2,?link,?linkat,?symlink,?symlinkat,?mmap,?copy_file_range," +
	"?sendfile,?splice,?io_uring_setup"

// readTrace reads what "strace -f -y -xx" wrote about a process that made a database
// and used it.
func readTrace(r io.Reader) (*trace, error) {
	tr := &trace{}
	unfinished := map[string]*call{} // by thread; nil: does not concern us
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	for lines.Scan() {
		thread, text, _ := strings.Cut(lines.Text(), " ")
		text = strings.TrimLeft(text, " ")
		switch {
		case strings.HasPrefix(text, "---"):
		case strings.HasPrefix(text, "+++"):
			if c := unfinished[thread]; c != nil {
				if err := c.killed(); err != nil {
					return nil, err
				}
			}
			delete(unfinished, thread)
		case strings.HasPrefix(text, "<... "):
			if c := unfinished[thread]; c != nil {
				if err := tr.end(c, text); err != nil {
					return nil, err
				}
			}
			delete(unfinished, thread)
		default:
			c, err := tr.parseCall(text)
			if err != nil {
				return nil, err
			}
			if c != nil {
				tr.steps = append(tr.steps, step{c, true})
			}
			if strings.HasSuffix(text, "<unfinished ...>") {
				unfinished[thread] = c
			} else if c != nil {
				if err := tr.end(c, text); err != nil {
					return nil, err
				}
			}
		}
	}
	return tr, lines.Err()
}

// end notes how a call ended, which is behind the last " = ".
func (tr *trace) end(c *call, text string) error {
	result := text[strings.LastIndex(text, " = ")+len(" = "):]
	if result == "?" {
		return c.killed()
	}
	c.failed = strings.HasPrefix(result, "-1")
	if n, err := strconv.Atoi(result); c.name == "pwrite64" && (err != nil || n != len(c.data)) {
		return fmt.Errorf("a write of %d bytes to %s ended with %s; the model knows only whole writes", len(c.data), c.path, result)
	}
	tr.steps = append(tr.steps, step{c, false})
	return nil
}

// killed: the process has ended inside this call. A sync has not happened then; what
// becomes of another call is unknown.
func (c *call) killed() error {
	if c.syncs() || c.acknowledges != nil {
		return nil
	}
	return fmt.Errorf("the child ended inside a call that changes %s, so that nobody knows what it has done; run the test again", c.path)
}

// parseCall returns the call that a line is about, nil if it does not concern the
// files of the database. One that does and that the model of the disk does not know
// is an error, so that nothing is overlooked.
func (tr *trace) parseCall(text string) (*call, error) {
	name, rest, _ := strings.Cut(text, "(")
	end := strings.LastIndex(rest, ") = ")
	if end < 0 {
		end = strings.LastIndex(rest, " <unfinished ...>")
	}
	if end < 0 {
		return nil, fmt.Errorf("this line of the trace cannot be read: %.200s", text)
	}
	args := strings.Split(rest[:end], ", ")
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	c := &call{name: name}
	switch name {
	case "io_uring_setup":
		return nil, fmt.Errorf("the child uses io_uring, which strace cannot look into")
	case "write":
		data := unquoted(arg(1))
		if !strings.HasPrefix(string(data), "acknowledged ") || !strings.HasPrefix(arg(0), "1<") {
			return nil, tr.unknownIfOurs(text, fdPath(arg(0)))
		}
		c.acknowledges = &acknowledgement{}
		_, err := fmt.Sscanf(string(data), acknowledgementFormat, &c.acknowledges.writer, &c.acknowledges.number, &c.acknowledges.receipt)
		return c, err
	case "open", "openat":
		c.name = "open"
		if name == "openat" {
			args = args[1:]
		}
		flags := arg(1)
		c.path = string(unquoted(arg(0)))
		c.creates = strings.Contains(flags, "O_CREAT")
		if tr.database == "" && strings.Contains(flags, "O_EXCL") && path.Base(c.path) == databaseName {
			tr.database = c.path
		}
		if strings.Contains(flags, "O_TRUNC") {
			return nil, tr.unknownIfOurs(text, c.path)
		}
		if !c.creates {
			return nil, nil
		}
	case "pwrite64":
		c.path, c.data = fdPath(arg(0)), unquoted(arg(1))
		c.offset, _ = strconv.ParseInt(arg(3), 10, 64)
	case "ftruncate":
		c.path = fdPath(arg(0))
		c.offset, _ = strconv.ParseInt(arg(1), 10, 64)
	case "fsync", "fdatasync":
		c.path = fdPath(arg(0))
		if c.path == path.Dir(tr.database) {
			return c, nil
		}
	case "unlink", "unlinkat":
		c.name = "unlink"
		if name == "unlinkat" {
			args = args[1:]
		}
		c.path = string(unquoted(arg(0)))
	case "mmap":
		if !strings.Contains(arg(2), "PROT_WRITE") || !strings.Contains(arg(3), "MAP_SHARED") {
			return nil, nil
		}
		return nil, tr.unknownIfOurs(text, fdPath(arg(4)))
	default:
		for i := range args {
			for _, p := range []string{fdPath(args[i]), string(unquoted(args[i]))} {
				if err := tr.unknownIfOurs(text, p); err != nil {
					return nil, err
				}
			}
		}
		return nil, nil
	}
	if !tr.isOurs(c.path) {
		return nil, nil
	}
	return c, nil
}

// isOurs: the index of the WAL beside the database is not, since it does not outlive
// the processes that share it.
func (tr *trace) isOurs(p string) bool {
	return tr.database != "" && strings.HasPrefix(p, tr.database) && p != tr.database+"-shm"
}

func (tr *trace) unknownIfOurs(text, p string) error {
	if tr.isOurs(p) {
		return fmt.Errorf("the model of the disk does not know this call: %.200s", text)
	}
	return nil
}

// fdPath is the path in a file descriptor such as "7<\x2f\x74>".
func fdPath(arg string) string {
	_, name, found := strings.Cut(arg, "<")
	name, closed := strings.CutSuffix(name, ">")
	if !found || !closed {
		return "" // or the file is deleted, and what happens to it of no importance
	}
	return string(unescaped(name))
}

func unquoted(arg string) []byte {
	arg, begins := strings.CutPrefix(arg, `"`)
	arg, ends := strings.CutSuffix(arg, `"`)
	if !begins || !ends {
		return nil // a pointer, or data that were cut off, which end finds
	}
	return unescaped(arg)
}

// unescaped reads a string in which every byte is written as \x and two digits; any
// other is taken as it is.
func unescaped(s string) []byte {
	raw := make([]byte, 0, len(s)/4)
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			raw = append(raw, digit(s[i+2])<<4|digit(s[i+3]))
			i += 3
			continue
		}
		raw = append(raw, s[i])
	}
	return raw
}

func digit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

func readTraceFile(file string) (*trace, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readTrace(f)
}
