package txtar_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector/internal/txtar"
)

func TestParse(t *testing.T) {
	a := txtar.Parse("story\r\n-- a b.txt -- \nline\n-- not --a marker\n\n-- c --\n-- d --\nno end")
	assert.Equal(t, &txtar.Archive{Comment: "story\n", Files: []txtar.File{
		{Name: "a b.txt", Data: "line\n-- not --a marker\n\n"}, {Name: "c"}, {Name: "d", Data: "no end\n"}}}, a)
	assert.Equal(t, a, txtar.Parse(txtar.Format(a)))
	assert.Equal(t, &txtar.Archive{}, txtar.Parse(""))
	assert.Equal(t, "--  --\n", txtar.Parse("--  --").Comment, "a marker has a name")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "-- a --", "x\n-- a --\ny", "-- -- --\n", "\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a := txtar.Parse(s)
		require.Equal(t, a, txtar.Parse(txtar.Format(a)))
	})
}
