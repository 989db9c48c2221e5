package testserver

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// PGlite is a PostgreSQL server with pgvector that belongs to the tests. It keeps
// everything in memory and runs one transaction at a time; see pglite/serve.mjs.
type PGlite struct {
	// Port is that of the loopback.
	Port int

	folder string
	server *process
}

//go:embed pglite
var pgliteFiles embed.FS

// FindPGlite says what is missing to start one, nothing if all is there. Its npm
// packages are installed when it is started first.
func FindPGlite() (missing string) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return "no " + program + " is installed, which PGlite, a PostgreSQL with pgvector, needs; install Debian's packages nodejs and npm"
		}
	}
	return ""
}

// StartPGlite starts a server.
func StartPGlite() (*PGlite, error) {
	if missing := FindPGlite(); missing != "" {
		return nil, errors.New(missing)
	}
	folder, err := installPGlite()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &PGlite{Port: port, folder: folder}
	return p, p.Start()
}

// Start starts a server that was killed, empty.
func (p *PGlite) Start() (err error) {
	cmd := exec.Command("node", "serve.mjs", strconv.Itoa(p.Port))
	cmd.Dir = p.folder
	if p.server, err = start(cmd); err != nil {
		return err
	}
	return p.server.until(func() error {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port))
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// Kill ends the server at once.
func (p *PGlite) Kill() error {
	if !p.server.running() {
		return nil
	}
	if err := p.server.cmd.Process.Kill(); err != nil {
		return err
	}
	return p.server.await()
}

// DSN reaches the server, with parameters such as "enact_schema=x". It accepts that
// the server stores nothing.
func (p *PGlite) DSN(parameters ...string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable&enact_durability=server-may-lose-data", p.Port) + joined(parameters)
}

// installPGlite returns a folder with the server's program and npm packages, which
// are installed into the user's cache once for each version of them.
func installPGlite() (folder string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	files, err := fs.Sub(pgliteFiles, "pglite")
	if err != nil {
		return "", err
	}
	version := sha256.New()
	err = fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		fmt.Fprintf(version, "%s %d\n%s", path, len(content), content)
		return err
	})
	if err != nil {
		return "", err
	}
	parent := filepath.Join(cache, "enact-testserver")
	folder = filepath.Join(parent, fmt.Sprintf("pglite-%.8x", version.Sum(nil)))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	// Whoever is first puts the folder in its place, whole.
	made, err := os.MkdirTemp(parent, "installing-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(made)
	if err := os.CopyFS(made, files); err != nil {
		return "", err
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = made
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci of PGlite, which needs the npm registry: %w: %s", err, out)
	}
	if err := os.Rename(made, folder); err != nil {
		if _, there := os.Stat(folder); there != nil {
			return "", err
		}
	}
	return folder, nil
}
