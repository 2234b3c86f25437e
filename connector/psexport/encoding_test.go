package psexport_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/psexport"
)

const exotic = "Relé 𝄞 реле 中继"

// Every encoding a shell writes gives the same model, however the file comes in pieces.
func TestEncodings(t *testing.T) {
	top := &connector.Topology{Connectors: []connector.ReceiveConnector{{ID: connector.ID{Server: "EX01", Name: exotic},
		SizeEnabled: connector.SizeEnabled, MaxMessageSize: 36 * connector.MB}}}
	for dialect, write := range dialects {
		text := write(top)
		for name, data := range map[string][]byte{
			"UTF-8": []byte(text), "UTF-8 with mark": []byte("\xef\xbb\xbf" + text),
			"UTF-16 LE": inUTF16("\ufeff"+text, binary.LittleEndian), "UTF-16 BE": inUTF16("\ufeff"+text, binary.BigEndian),
			"UTF-16 LE without mark": inUTF16(text, binary.LittleEndian), "UTF-16 BE without mark": inUTF16(text, binary.BigEndian),
		} {
			for how, in := range map[string]io.Reader{"at once": bytes.NewReader(data), "byte by byte": iotest.OneByteReader(bytes.NewReader(data)), "with the end": iotest.DataErrReader(bytes.NewReader(data))} {
				var r psexport.Reader
				require.NoError(t, r.Read(name, in), dialect+" "+name)
				got, warnings, _ := r.Topology()
				assert.Empty(t, lines(warnings))
				require.True(t, top.Equal(got), "%s %s %s", dialect, name, how)
			}
		}
	}
}

func inUTF16(s string, order binary.AppendByteOrder) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

// A file that is not UTF-8 is read in the code page under which it looks most like words, with a warning at the first byte that
// tells it, wherever that is.
func TestCodePages(t *testing.T) {
	for _, row := range []struct{ page, name, bytes string }{
		{"Windows-1252 (Western European)", "Relé für Ärzte – größer", "Rel\xe9 f\xfcr \xc4rzte \x96 gr\xf6\xdfer"},
		{"OEM 850 (Western European)", "Relé für größere Ämter", "Rel\x82 f\x81r gr\x94\xe1ere \x8emter"},
		{"Windows-1250 (Central European)", "Przekaźnik główny łączność", "Przeka\x9fnik g\xb3\xf3wny \xb3\xb9czno\x9c\xe6"},
		{"OEM 852 (Central European)", "Przekaźnik główny łączność", "Przeka\xabnik g\x88\xa2wny \x88\xa5czno\x98\x86"},
		{"Windows-1251 (Cyrillic)", "Реле для принтеров", "\xd0\xe5\xeb\xe5 \xe4\xeb\xff \xef\xf0\xe8\xed\xf2\xe5\xf0\xee\xe2"},
		{"OEM 866 (Cyrillic)", "Реле для принтеров", "\x90\xa5\xab\xa5 \xa4\xab\xef \xaf\xe0\xa8\xad\xe2\xa5\xe0\xae\xa2"},
	} {
		for _, before := range []string{"", strings.Repeat("# a line of ASCII\r\n", 10_000), strings.Repeat("# UTF-8: é\n", 20_000)} {
			top, warnings := read(t, before+"Identity : EX01\\"+row.bytes+"\r\nBindings : {0.0.0.0:25}\r\n")
			require.Len(t, top.Connectors, 1)
			assert.Equal(t, row.name, top.Connectors[0].ID.Name, row.page)
			want := psexport.Warning{Source: connector.Source{File: "f0", Line: 1 + strings.Count(before, "\n")}, Lost: "not UTF-8 and read as " + row.page, Unknown: "letters beyond ASCII in names may be others"}
			assert.Contains(t, warnings, want, row.page)
		}
	}
	// The dash that Windows-1252 has is one of a range.
	top, _ := read(t, "Identity : EX01\\A\nBindings : {0.0.0.0:25}\nRemoteIPRanges : {10.0.0.1\x9610.0.0.9}\n")
	assert.Equal(t, "10.0.0.1-10.0.0.9", top.Connectors[0].RemoteIPRanges[0].String())
	// A byte that means nothing.
	top, warnings := read(t, "Identity : EX01\\Rel\xe9 f\xfcr \x81\nBindings : {0.0.0.0:25}\n")
	assert.Equal(t, "Relé für \ufffd", top.Connectors[0].ID.Name)
	assert.Contains(t, lines(warnings), "f0:1: 1 character without a meaning, so the names they stand in are known in part")
}

func TestBrokenEncodings(t *testing.T) {
	text := `{"connectors": [{"identity": "EX01\\A"}]}`
	whole := inUTF16("\ufeff\n"+text, binary.LittleEndian)
	for _, row := range []struct {
		why, in, says string
		want          error
	}{
		{"UTF-16 cut in half", string(whole[:len(whole)-1]), "f:2", psexport.ErrCutCharacter},
		{"UTF-16 cut in half, XML", string(inUTF16("\ufeff<Objs>\n<Obj>", binary.BigEndian)[:25]), "f:2", psexport.ErrCutCharacter},
		{"UTF-16 cut in half, text", string(inUTF16("\ufeffIdentity : EX01\\A\nBindings", binary.LittleEndian)[:45]), "f:2", psexport.ErrCutCharacter},
		{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00", "-Encoding UTF8", psexport.ErrUTF32},
		{"UTF-32 BE", "\x00\x00\xfe\xff\x00\x00\x00{", "-Encoding UTF8", psexport.ErrUTF32},
		{"UTF-16 appended to UTF-8", "Identity : EX01\\A\n" + string(inUTF16("Identity", binary.LittleEndian)), "f:2: a NUL character", psexport.ErrNUL},
		{"NUL in JSON", "{\n\"a\x00\": 1}", "f:2: a NUL character", psexport.ErrNUL},
		{"NUL in XML", "<Objs>\n\x00</Objs>", "f:2: a NUL character", psexport.ErrNUL},
		{"NUL in UTF-16", string(inUTF16("\ufeffa\n\x00", binary.LittleEndian)), "f:2: a NUL character", psexport.ErrNUL},
		{"an executable", "MZ\x90\x00\x03\x00\x00\x00", "a NUL character", psexport.ErrNUL},
		{"a mark and no more", "\xef\xbb\xbf", "", psexport.ErrEmptyFile},
		{"a mark of UTF-16 and no more", "\xff\xfe", "", psexport.ErrEmptyFile},
	} {
		t.Run(row.why, func(t *testing.T) {
			var r psexport.Reader
			err := r.Read("f", strings.NewReader(row.in))
			require.ErrorIs(t, err, row.want)
			assert.Contains(t, err.Error(), row.says)
			_, warnings, _ := r.Topology()
			assert.Empty(t, lines(warnings), "a file that is refused needs no warning")
			var me *connector.ModelError
			require.ErrorAs(t, err, &me)
			assert.Equal(t, "f", me.Source.File)
		})
	}
}

// Half of a surrogate pair is a character without a meaning, also where a block of the file ends.
func TestSurrogates(t *testing.T) {
	for _, pad := range []int{0, 32<<10 - 30, 32<<10 - 31, 32<<10 - 32} {
		before := strings.Repeat(" ", pad)
		lone := append(inUTF16("\ufeff"+before+`{"connectors": [{"identity": "EX01\\`, binary.LittleEndian), 0x1e, 0xd8)
		lone = append(lone, inUTF16(`x"}]}`, binary.LittleEndian)...)
		top, warnings := read(t, string(lone))
		assert.Equal(t, "\ufffdx", top.Connectors[0].ID.Name)
		assert.Equal(t, []string{"f0:1: 1 character without a meaning, so the names they stand in are known in part"}, lines(warnings))
		top, warnings = read(t, string(inUTF16("\ufeff"+before+`{"connectors": [{"identity": "EX01\\𝄞𝄞𝄞𝄞𝄞𝄞"}]}`, binary.LittleEndian)))
		assert.Equal(t, "𝄞𝄞𝄞𝄞𝄞𝄞", top.Connectors[0].ID.Name)
		assert.Empty(t, warnings)
	}
}
