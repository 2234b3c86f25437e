package connector_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/topotest"
)

// storyFiles are the stories of the project: those in testdata, and the one the program embeds.
func storyFiles(t testing.TB) []string {
	files, err := filepath.Glob("../testdata/topologies/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return append(files, "../examples/rcaudit/founding_story.txtar")
}

func loadStory(t testing.TB, file string) *topotest.Fixture {
	t.Helper()
	f, err := topotest.Load(os.DirFS(filepath.Dir(file)), filepath.Base(file))
	require.NoError(t, err)
	return f
}

// UPDATE_GOLDEN=1 writes what the library says today; read the difference before you commit it.
func TestStories(t *testing.T) {
	for _, file := range storyFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f := loadStory(t, file)
			if os.Getenv("UPDATE_GOLDEN") != "" {
				updated, err := f.Updated()
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(file, []byte(updated), 0o644))
				f = loadStory(t, file)
			}
			require.NotEmpty(t, f.Story)
			f.Check(t)
		})
	}
}
