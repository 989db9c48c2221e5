//go:build unix

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// underUmask runs f with a umask, which is the whole process's.
func underUmask(mask int, f func()) {
	old := syscall.Umask(mask)
	defer syscall.Umask(old)
	f()
}

func modeOf(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	testkit.Check(t, err)
	return info.Mode()
}

func TestFileIsItsOwnersOnly(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077} {
		t.Run(fmt.Sprintf("umask %03o", mask), func(t *testing.T) {
			path := newFile(t)
			underUmask(mask, func() {
				b := open(t, dsnFor(path))
				setKey(t, b, "key", "value")
				wantValue(t, b.Tenant("t").State, "key", "value")
				for _, name := range []string{path, path + "-wal", path + "-shm"} {
					if mode := modeOf(t, name); mode != 0o600 {
						t.Errorf("%s has mode %v, want -rw------- whatever the umask is", filepath.Base(name), mode)
					}
				}
			})
		})
	}
}

// TestFileThatCannotBe: the error says which file and what to do, and nothing is
// made or changed.
func TestFileThatCannotBe(t *testing.T) {
	for name, test := range map[string]struct {
		path  string
		kind  error
		words []string
	}{
		"a missing folder":                    {"missing/enact.db", driver.ErrUnavailable, []string{"folder", "missing/enact.db", "create it"}},
		"a missing folder, two deep":          {"missing/too/enact.db", driver.ErrUnavailable, []string{"folder", "create it"}},
		"a folder":                            {"folder", driver.ErrInvalid, []string{"folder", "not a regular file"}},
		"a folder with a slash":               {"folder/", driver.ErrInvalid, []string{"folder", "not a regular file"}},
		"a folder by a dot":                   {".", driver.ErrInvalid, []string{"not a regular file"}},
		"a parent that is a file":             {"text/enact.db", driver.ErrInvalid, []string{"text", "should be the folder"}},
		"a grandparent that is a file":        {"text/more/enact.db", driver.ErrUnavailable, []string{"text/more", "folder"}},
		"a named pipe":                        {"pipe", driver.ErrInvalid, []string{"pipe", "not a regular file"}},
		"a link to a device":                  {"null", driver.ErrInvalid, []string{"null", "not a regular file"}},
		"a link that leads nowhere":           {"dangling", driver.ErrUnavailable, []string{"dangling"}},
		"a file that nobody may write":        {"readonly.db", driver.ErrUnavailable, []string{"readonly.db", "chmod u+w"}},
		"an empty file that nobody may write": {"empty.db", driver.ErrUnavailable, []string{"empty.db", "chmod u+w"}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			t.Chdir(folder)
			testkit.Check(t, errors.Join(
				os.Mkdir("folder", 0o700), os.WriteFile("text", []byte("text"), 0o600), os.WriteFile("empty.db", nil, 0o444),
				syscall.Mkfifo("pipe", 0o600), os.Symlink(os.DevNull, "null"), os.Symlink("nowhere", "dangling")))
			makeStore(t, filepath.Join(folder, "readonly.db"))
			testkit.Check(t, os.Chmod("readonly.db", 0o444))
			before := contents(t, folder)
			testkit.Within(t, "opening "+name, func() {
				b, err := connect(context.Background(), "sqlite:"+test.path)
				if err == nil {
					shutdown(t, b)
				}
				testkit.WantError(t, "open "+name, err, test.kind, test.words...)
			})
			checkUntouched(t, folder, before)
			if mode := modeOf(t, "readonly.db"); mode != 0o444 {
				t.Errorf("the mode of readonly.db has become %v", mode)
			}
		})
	}
}

// nobody owns no files.
const nobody = 65534

func init() { roles["try"] = childTries }

// childTries opens a store, writes and reads in it, and prints what comes of it.
func childTries(ctx context.Context, args []string) error {
	err := withStore(ctx, args[0], func(b *backend) error {
		if _, err := b.Tenant("t").State.Set(ctx, "key", []byte("by nobody"), driver.SetOptions{}); err != nil {
			return err
		}
		_, err := b.Tenant("t").State.Get(ctx, "key")
		return err
	})
	fmt.Println(errors.Is(err, driver.ErrUnavailable), err)
	return nil
}

// tryAsNobody runs childTries without the privileges of root, which no permission
// stops.
func tryAsNobody(t *testing.T, path string) (unavailable bool, text string) {
	t.Helper()
	executable, err := os.Executable()
	testkit.Check(t, err)
	cmd := exec.Command(executable, dsnFor(path))
	if os.Geteuid() == 0 {
		cmd.Path = reachableCopy(t, executable)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	outcome, text, _ := strings.Cut(testkit.StartCommand(t, "try", cmd).Rest()[0], " ")
	return outcome == "true", text
}

// reachableCopy puts a program where everybody may start it; the folder in which
// the go command builds tests is its owner's.
func reachableCopy(t *testing.T, program string) string {
	t.Helper()
	source, err := os.Open(program)
	testkit.Check(t, err)
	defer source.Close()
	copied, err := os.OpenFile(filepath.Join(everybodysFolder(t), "child"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	testkit.Check(t, err)
	_, err = io.Copy(copied, source)
	testkit.Check(t, errors.Join(err, copied.Close()))
	return copied.Name()
}

// everybodysFolder can be entered by everybody, unlike t.TempDir.
func everybodysFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "enact-sqlite-test-")
	testkit.Check(t, err)
	t.Cleanup(func() {
		os.Chmod(folder, 0o700)
		os.RemoveAll(folder)
	})
	testkit.Check(t, os.Chmod(folder, 0o755))
	return folder
}

// giveToNobody makes a file the property of the user that tryAsNobody is.
func giveToNobody(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() == 0 {
		testkit.Check(t, os.Chown(path, nobody, nobody))
	}
}

func TestFileWithoutPermission(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, folder, path string){
		"a new file in a folder that is not writable": func(t *testing.T, folder, path string) {
			testkit.Check(t, os.Chmod(folder, 0o555))
		},
		"an own file in a folder that is not writable": func(t *testing.T, folder, path string) {
			makeStore(t, path)
			giveToNobody(t, path)
			testkit.Check(t, os.Chmod(folder, 0o555))
		},
		"an empty own file in a folder that is not writable": func(t *testing.T, folder, path string) {
			testkit.Check(t, os.WriteFile(path, nil, 0o600))
			giveToNobody(t, path)
			testkit.Check(t, os.Chmod(folder, 0o555))
		},
		"somebody else's file": func(t *testing.T, folder, path string) {
			makeStore(t, path)
			giveToNobody(t, folder)
			testkit.Check(t, os.Chmod(path, 0o444))
			if os.Geteuid() == 0 {
				testkit.Check(t, os.Chmod(path, 0o644))
			}
		},
		"somebody else's secret file": func(t *testing.T, folder, path string) {
			makeStore(t, path)
			giveToNobody(t, folder)
			testkit.Check(t, os.Chmod(path, 0o000))
		},
		"a folder that cannot be entered": func(t *testing.T, folder, path string) {
			testkit.Check(t, os.Chmod(folder, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := everybodysFolder(t)
			path := filepath.Join(folder, "enact.db")
			prepare(t, folder, path)
			var before map[string]string
			if os.Geteuid() == 0 { // who may look into everything
				before = contents(t, folder)
			}
			unavailable, text := tryAsNobody(t, path)
			if !unavailable {
				t.Errorf("opening %s and writing gave %q, want an error that matches ErrUnavailable", name, text)
			}
			if !strings.Contains(text, "enact.db") {
				t.Errorf("opening %s gave %q, want it to name enact.db", name, text)
			}
			if before != nil {
				checkUntouched(t, folder, before)
			}
		})
	}
	t.Run("an own folder, to compare", func(t *testing.T) {
		folder := everybodysFolder(t)
		giveToNobody(t, folder)
		if _, text := tryAsNobody(t, filepath.Join(folder, "enact.db")); text != "<nil>" {
			t.Errorf("opening and writing as nobody in an own folder gave %q, want no error", text)
		}
	})
}

// TestFileOfAnotherKind: a file that is not this driver's, or from its future, is
// refused and left byte for byte as it is.
func TestFileOfAnotherKind(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(t *testing.T, path string)
		kind    error
		words   []string
	}{
		"a short text": {func(t *testing.T, path string) {
			testkit.Check(t, os.WriteFile(path, []byte("hello"), 0o600))
		}, driver.ErrInvalid, []string{"not an SQLite database", "name another"}},
		"a long text": {func(t *testing.T, path string) {
			testkit.Check(t, os.WriteFile(path, []byte(strings.Repeat("All work and no play makes Jack a dull boy.\n", 1000)), 0o600))
		}, driver.ErrInvalid, []string{"not an SQLite database"}},
		"zeros": {func(t *testing.T, path string) {
			testkit.Check(t, os.WriteFile(path, make([]byte, 8192), 0o600))
		}, driver.ErrInvalid, []string{"not an SQLite database"}},
		"another application's database": {func(t *testing.T, path string) {
			db := outside(t, path)
			mustExec(t, db, "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('Ada')")
			closed(t, db)
		}, driver.ErrInvalid, []string{"another application"}},
		"another application's database in WAL mode": {func(t *testing.T, path string) {
			db := outside(t, path)
			mustExec(t, db, "PRAGMA journal_mode = WAL", "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('Ada')")
			closed(t, db)
		}, driver.ErrInvalid, []string{"another application"}},
		"another application's database with tables like ours": {func(t *testing.T, path string) {
			makeStore(t, path)
			db := outside(t, path)
			mustExec(t, db, "PRAGMA application_id = 7")
			closed(t, db)
		}, driver.ErrInvalid, []string{"another application"}},
		"another application's database without tables, by its version": {func(t *testing.T, path string) {
			db := outside(t, path)
			mustExec(t, db, "PRAGMA user_version = 1")
			closed(t, db)
		}, driver.ErrInvalid, []string{"another application"}},
		"another application's database without tables, by its ID": {func(t *testing.T, path string) {
			db := outside(t, path)
			mustExec(t, db, "PRAGMA application_id = 7")
			closed(t, db)
		}, driver.ErrInvalid, []string{"another application"}},
		"a newer schema": {func(t *testing.T, path string) {
			makeStore(t, path)
			db := outside(t, path)
			mustExec(t, db, fmt.Sprintf("PRAGMA user_version = %d", len(migrations)+1))
			closed(t, db)
		}, driver.ErrUnsupported, []string{fmt.Sprintf("version %d", len(migrations)+1), "newer release"}},
		"a schema version that cannot be": {func(t *testing.T, path string) {
			makeStore(t, path)
			db := outside(t, path)
			mustExec(t, db, "PRAGMA user_version = -1")
			closed(t, db)
		}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			test.prepare(t, path)
			before := contents(t, filepath.Dir(path))
			b, err := openRecovering(t, dsnFor(path))
			switch {
			case b != nil:
				shutdown(t, b)
				t.Errorf("%s was opened, want it refused", name)
			case test.kind != nil:
				testkit.WantError(t, "open "+name, err, test.kind, append(test.words, path)...)
			}
			checkUntouched(t, filepath.Dir(path), before)
		})
	}
}

func openRecovering(t *testing.T, dsn string) (b *backend, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("opening %s panicked, want an error: %v", dsn, p)
		}
	}()
	return connect(t.Context(), dsn)
}

// TestFileThatIsDamaged: the error says so, and is none that asks to try again.
func TestFileThatIsDamaged(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path))
	testkit.Must(b.Tenant("t").Events.Append(t.Context(), "execution", driver.Expectation{}, someEvents("e", 2000, []byte("payload"))))(t)
	shutdown(t, b)
	raw, err := os.ReadFile(path)
	testkit.Check(t, err)
	for i := len(raw) / 2; i < len(raw); i++ {
		raw[i] = 0xff
	}
	testkit.Check(t, os.WriteFile(path, raw, 0o600))
	b, err = connect(t.Context(), dsnFor(path))
	if err == nil {
		defer shutdown(t, b)
		for _, err = range b.Tenant("t").Events.Load(t.Context(), "execution", 0) {
			if err != nil {
				break
			}
		}
	}
	if err == nil || !strings.Contains(err.Error(), "is damaged") || !strings.Contains(err.Error(), path) || errors.Is(err, driver.ErrUnavailable) {
		t.Errorf("a file of which half is overwritten gave %v, want an error that says that %s is damaged", err, path)
	}
}

// TestFileInUseByAnotherApplication refuses a database that somebody else has open,
// and does not disturb them.
func TestFileInUseByAnotherApplication(t *testing.T) {
	path := newFile(t)
	db := outside(t, path)
	mustExec(t, db, "PRAGMA journal_mode = WAL", "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('Ada')", "BEGIN IMMEDIATE", "INSERT INTO customers VALUES ('Bob')")
	_, err := connect(t.Context(), dsnFor(path))
	testkit.WantError(t, "open a database in use", err, driver.ErrInvalid, "another application")
	mustExec(t, db, "COMMIT")
	if n := valueOf[int](t, db, "SELECT count(*) FROM customers"); n != 2 {
		t.Errorf("the other application sees %d rows, want the 2 that it has written", n)
	}
	if mode := valueOf[string](t, db, "PRAGMA journal_mode"); mode != "wal" {
		t.Errorf("the other application's journal mode has become %q, want \"wal\"", mode)
	}
	closed(t, db)
	checkIntegrity(t, path)
}

// TestFileThatIsEmpty is taken, and keeps the mode that its owner gave it.
func TestFileThatIsEmpty(t *testing.T) {
	path := newFile(t)
	testkit.Check(t, os.WriteFile(path, nil, 0o640))
	testkit.Check(t, os.Chmod(path, 0o640))
	makeStore(t, path)
	wantValue(t, open(t, dsnFor(path)).Tenant("t").State, "key", "value")
	if mode := modeOf(t, path); mode != 0o640 {
		t.Errorf("the mode of the file has become %v, want the -rw-r----- that its owner chose", mode)
	}
}

// TestFileByALink: a symbolic link leads to the file, with the journal beside the
// file, so that those who use either name share it.
func TestFileByALink(t *testing.T) {
	path, link := newFile(t), newFile(t)
	makeStore(t, path)
	testkit.Check(t, os.Symlink(path, link))
	byLink, byName := open(t, dsnFor(link)), open(t, dsnFor(path))
	wantValue(t, byLink.Tenant("t").State, "key", "value")
	setKey(t, byLink, "key", "changed")
	wantValue(t, byName.Tenant("t").State, "key", "changed")
	if names := namesIn(t, filepath.Dir(link)); !slices.Equal(names, []string{"enact.db"}) {
		t.Errorf("beside the link there is %q, want the link alone", names)
	}
}

// checkGone: the file is not where it was, and the store says so.
func checkGone(t *testing.T, b *backend, how string) {
	t.Helper()
	for range 2 {
		testkit.WantError(t, "HealthCheck of a file that was "+how, b.HealthCheck(t.Context()), driver.ErrUnavailable, b.path)
		for _, call := range testkit.Writes(b.Tenant("t")) {
			name, write := call.Name, call.Do
			testkit.WantError(t, name+" into a file that was "+how, write(t.Context(), b.Tenant("t"), "gone"), driver.ErrUnavailable, b.path)
		}
	}
}

// checkBack: the file is there again, and everything works without opening it
// again (B3).
func checkBack(t *testing.T, b *backend) {
	t.Helper()
	if err := b.HealthCheck(t.Context()); err != nil {
		t.Errorf("HealthCheck of a file that is back: %v, want nil (B3)", err)
	}
	s := b.Tenant("t")
	for _, call := range testkit.Writes(b.Tenant("t")) {
		name, write := call.Name, call.Do
		if err := write(t.Context(), s, "back"); err != nil {
			t.Errorf("%s into a file that is back: %v, want nil (B3)", name, err)
		}
	}
	for range 2 * defaultReaders {
		wantValue(t, s.State, "key", "value")
	}
	if entry, err := s.State.Get(t.Context(), "gone"); err == nil {
		t.Errorf("the key %q, whose Set was refused with ErrUnavailable, is there: %+v (B9)", "gone", entry)
	}
}

// aside is where a test moves the files of a store.
func aside(path string) string { return path + ".aside" }

func TestFileDeletedWhileOpen(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path))
	testkit.Prepare(t, b)
	setKey(t, b, "key", "value")
	testkit.Check(t, os.Remove(path))
	checkGone(t, b, "deleted")
	if exists(path) {
		t.Error("the file that was deleted has been made anew behind its owner's back")
	}
}

// TestFileMovedAwayAndBack tries it with connections that have been used before
// the file was moved, and with none.
func TestFileMovedAwayAndBack(t *testing.T) {
	for _, test := range []struct {
		name string
		warm bool
	}{{"no reader connected yet", false}, {"readers connected", true}} {
		t.Run(test.name, func(t *testing.T) {
			path := newFile(t)
			b := open(t, dsnFor(path))
			s := b.Tenant("t")
			testkit.Prepare(t, b)
			setKey(t, b, "key", "value")
			if test.warm {
				useEveryReader(t, b)
			}
			testkit.Check(t, os.Rename(path, aside(path)))
			checkGone(t, b, "moved away")
			for range 2 * defaultReaders {
				if entry, err := s.State.Get(t.Context(), "key"); err == nil && string(entry.Value) != "value" || err != nil && !errors.Is(err, driver.ErrUnavailable) {
					t.Errorf("Get while the file is moved away returned %q, %v, want \"value\" or ErrUnavailable", entry.Value, err)
				}
			}
			if exists(path) {
				t.Errorf("a file has been made at %s, where one was moved away: reading makes no files", path)
			}
			if !exists(path + "-wal") {
				t.Error("the -wal file is gone while the file was moved away: what was acknowledged is in it (E1)")
			}
			testkit.Check(t, os.Rename(aside(path), path))
			checkBack(t, b)
			checkOtherProcessSees(t, path, "key", "value")
			setKey(t, b, "key", "written after the file was back")
			checkOtherProcessSees(t, path, "key", "written after the file was back")
		})
	}
}

func init() { roles["read"] = childReads }

// childReads prints the value of a key.
func childReads(ctx context.Context, args []string) error {
	return withStore(ctx, args[0], func(b *backend) error {
		entry, err := b.Tenant("t").State.Get(ctx, args[1])
		fmt.Printf("%q %v\n", entry.Value, err)
		return nil
	})
}

// checkOtherProcessSees: what this process was told to be stored is in the file,
// where any other process finds it.
func checkOtherProcessSees(t *testing.T, path, key, want string) {
	t.Helper()
	got := testkit.StartChild(t, "read", dsnFor(path), key).Rest()[0]
	if want := fmt.Sprintf("%q <nil>", want); got != want {
		t.Errorf("another process that opens the file reads %s, want %s (E1, B7)", got, want)
	}
}

// TestFileMovedAwayFromTheSweeper: the sweeper reads by itself, and must leave a
// place alone from which the file was moved.
func TestFileMovedAwayFromTheSweeper(t *testing.T) {
	path := newFile(t)
	b := open(t, dsnFor(path, "sweep_interval=2ms"))
	setKey(t, b, "key", "value")
	testkit.Check(t, os.Rename(path, aside(path)))
	time.Sleep(100 * time.Millisecond) // dozens of sweeps
	if exists(path) {
		t.Error("the sweeper has made a file where one was moved away")
	}
	if !exists(path + "-wal") {
		t.Error("the sweeper has deleted the -wal file of a file that was moved away: what was acknowledged is in it (E1)")
	}
	testkit.Check(t, os.Rename(aside(path), path))
	wantValue(t, b.Tenant("t").State, "key", "value")
	checkOtherProcessSees(t, path, "key", "value")
}

// TestFileReplacedWhileOpen puts another store in the place of the one that is
// open: nothing of it may be read or changed, and the first one goes on when it is
// back.
func TestFileReplacedWhileOpen(t *testing.T) {
	path, impostor := newFile(t), newFile(t)
	other := open(t, dsnFor(impostor))
	setKey(t, other, "key", "impostor")
	shutdown(t, other)
	b := open(t, dsnFor(path))
	s := b.Tenant("t")
	testkit.Prepare(t, b)
	setKey(t, b, "key", "value")
	before := contents(t, filepath.Dir(impostor))

	// The journal belongs to the file and moves with it.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		testkit.Check(t, os.Rename(path+suffix, aside(path)+suffix))
	}
	testkit.Check(t, os.Rename(impostor, path))
	checkGone(t, b, "replaced")
	for range 2 * defaultReaders {
		if entry, err := s.State.Get(t.Context(), "key"); err == nil && string(entry.Value) != "value" || err != nil && !errors.Is(err, driver.ErrUnavailable) {
			t.Errorf("Get while another file is in the place returned %q, %v, want \"value\" or ErrUnavailable", entry.Value, err)
		}
	}
	testkit.Check(t, os.Rename(path, impostor))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		testkit.Check(t, os.Rename(aside(path)+suffix, path+suffix))
	}
	checkUntouched(t, filepath.Dir(impostor), before)
	checkBack(t, b)
	checkOtherProcessSees(t, path, "key", "value")
}
