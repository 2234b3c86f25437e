package connector

// Mark says how a rule about Exchange is known.
type Mark uint8

const (
	Documented Mark = iota + 1 // Microsoft documents it
	Observed                   // widely observed, or read off a real export or trace
	Inferred                   // concluded from documented and observed facts
	Product                    // known from study of the product; not documented and not verified on a server
	Unknown                    // no acceptable source; the library says so instead of guessing
)

// String prints "documented", "observed", "inferred", "product" or "unknown".
func (m Mark) String() string {
	switch m {
	case Documented:
		return "documented"
	case Observed:
		return "observed"
	case Inferred:
		return "inferred"
	case Product:
		return "product"
	case Unknown:
		return "unknown"
	}
	return ""
}

// Basis is what an answer rests on: the rule in words, how it is known, and where it is written.
type Basis struct {
	Rule   string
	Mark   Mark
	Source string
}

// String prints the rule, its mark and its source.
func (b Basis) String() string {
	s := b.Rule
	if b.Mark != 0 {
		s += " [" + b.Mark.String()
		if b.Source != "" {
			s += ": " + b.Source
		}
		s += "]"
	}
	return s
}
