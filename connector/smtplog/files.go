package smtplog

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Files returns the logs of fsys and its folders in the order in which to read them, and the other files that are there: a log is what is
// named *.LOG or *.LOG.gz, in any case. The files of a set, RECV2026112008-1.LOG, RECV2026112008-2.LOG, ... RECV2026112008-10.LOG,
// come by their numbers. An error of fsys ends it.
func Files(fsys fs.FS) (logs, others []string, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		lower := strings.ToLower(name)
		if strings.HasSuffix(lower, ".log") || strings.HasSuffix(lower, ".log.gz") {
			logs = append(logs, name)
		} else {
			others = append(others, name)
		}
		return nil
	})
	slices.SortFunc(logs, CompareFiles)
	return logs, others, err
}

// CompareFiles orders the names of logs by folder, then by what stands before the last dash, then by the number behind it.
func CompareFiles(a, b string) int {
	dirA, dirB := path.Dir(a), path.Dir(b)
	setA, nA := numbered(path.Base(a))
	setB, nB := numbered(path.Base(b))
	return cmp.Or(cmp.Compare(dirA, dirB), cmp.Compare(setA, setB), cmp.Compare(nA, nB), cmp.Compare(a, b))
}

// numbered takes RECV2026112008-10.LOG apart into what stands before the dash and the number.
func numbered(base string) (set string, n int) {
	base = strings.ToLower(base)
	stem := strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".log")
	dash := strings.LastIndexByte(stem, '-')
	if dash < 0 {
		return stem, 0
	}
	n, err := strconv.Atoi(stem[dash+1:])
	if err != nil {
		return stem, 0
	}
	return stem[:dash], n
}
