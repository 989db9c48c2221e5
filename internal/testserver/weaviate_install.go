package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// weaviateFolder is where the server is kept, in the user's cache.
func weaviateFolder() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "enact-testserver", "weaviate-"+weaviateVersion)
}

func weaviateProgram() string { return filepath.Join(weaviateFolder(), "weaviate-server") }

// InstallWeaviate compiles the server into the user's cache, once for each version. It
// is a program of its own, outside of this module: its client does not compile against
// a server of this version.
func InstallWeaviate() error {
	folder, program := weaviateFolder(), weaviateProgram()
	if _, err := os.Stat(program); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return err
	}
	// Whoever is first puts the folder in its place, whole.
	made, err := os.MkdirTemp(filepath.Dir(folder), "installing-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	install := exec.Command("go", "install", "github.com/weaviate/weaviate/cmd/weaviate-server@"+weaviateVersion)
	install.Dir = made
	install.Env = append(os.Environ(), "GOBIN="+made, "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=")
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("go install of the Weaviate server, which needs the Go module proxy: %w: %s", err, out)
	}
	if err := os.Rename(made, folder); err != nil {
		if _, there := os.Stat(program); there != nil {
			return err
		}
	}
	return nil
}
