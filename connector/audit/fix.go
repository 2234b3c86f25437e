package audit

import (
	"fmt"

	"github.com/receiveconnector/receiveconnector/connector"
)

// FixKind is the idea behind a fix. On equal terms the kind that comes first is the better one. Zero is not set.
type FixKind uint8

const (
	// FixAdd adds the addresses to the connector that has what they need, which so becomes the more specific one.
	FixAdd FixKind = iota + 1
	// FixCarve takes the addresses out of the connectors that take them wrongly, so that they fall back to the right one.
	FixCarve
	// FixDedicated makes a connector for the addresses alone.
	FixDedicated
	// FixMechanism gives the connector that takes the addresses the mechanism, or the permission group, that is missing.
	FixMechanism
	// FixRole gives a connector the other transport role.
	FixRole
	// FixBinding binds a connector elsewhere.
	FixBinding
	// FixSplit takes what ranges of two connectors have in common out of one of them.
	FixSplit
	// FixRemove takes entries away that decide nothing.
	FixRemove
	// FixCompact writes the same addresses as fewer entries.
	FixCompact
	// FixSetting gives other properties of a connector a value with which they agree.
	FixSetting
	// FixAccess takes from clients what they should not have: a permission group, a right.
	FixAccess
)

var fixKinds = [...]string{"", "add", "carve", "dedicated", "mechanism", "role", "binding", "split", "remove", "compact", "setting", "access"}

// String prints "add", "carve", "dedicated", "mechanism", "role", "binding", "split", "remove", "compact", "setting" or "access".
func (k FixKind) String() string {
	if int(k) < len(fixKinds) {
		return fixKinds[k]
	}
	return ""
}

// Fix is a set of changes that removes a finding. It was applied to a copy of the topology: the cmdlets accept its changes in their
// order, every connection that failed reached Exchange Server authentication, none that did before did not, the finding was
// gone, or smaller or less severe, and nothing of equal or higher severity, and above a note, was new.
type Fix struct {
	Kind  FixKind
	Title string
	// Safe: nothing moves to another connector but the addresses of the finding, at the ports it is about; nobody may relay without
	// authenticating afterwards that could not, and unless servers fail, clients can do what they could; no connector goes of which more than limits and extensions is not known, the cmdlets accept the way back, and no decision that counts is in doubt.
	Safe    bool
	Risks   []string           // why it is not safe, none if it is
	Changes []connector.Change // in an order the cmdlets accept: removals before additions
	Moves   []connector.Move   // everything the changes move
	Ranges  int                // how many entries of RemoteIPRanges the changes add and remove

	rank [8]int // by which fixes are ordered: the less, the better, from the first on
}

// String prints the title, and a warning if the fix is not safe.
func (f Fix) String() string {
	if f.Safe {
		return f.Title
	}
	return f.Title + " (not safe: read the moves)"
}

// Rejection is why a candidate is no fix. Zero is not set.
type Rejection uint8

const (
	// RejectedUnknown: what would have to be overwritten, or built on, is not known.
	RejectedUnknown Rejection = iota + 1
	// RejectedByCmdlet: New- or Set-ReceiveConnector would refuse one of the changes.
	RejectedByCmdlet
	// RejectedStillFails: a connection that failed still does.
	RejectedStillFails
	// RejectedBreaksFlow: a connection between servers that authenticated no longer does.
	RejectedBreaksFlow
	// RejectedNewFinding: another finding that is as severe appears, or grows.
	RejectedNewFinding
)

var rejections = [...]string{"", "unknown", "refused by the cmdlet", "still fails", "breaks another flow", "makes a new finding"}

// String prints "unknown", "refused by the cmdlet", "still fails", "breaks another flow" or "makes a new finding".
func (r Rejection) String() string {
	if int(r) < len(rejections) {
		return rejections[r]
	}
	return ""
}

// Rejected is a candidate that was tried and is no fix.
type Rejected struct {
	Kind    FixKind
	Title   string
	Changes []connector.Change // empty with RejectedUnknown
	Why     Rejection
	Detail  string // which property, what the cmdlet says, which connection, which finding
}

// String prints the title, the reason and the detail.
func (r Rejected) String() string { return fmt.Sprintf("%s: %s: %s", r.Title, r.Why, r.Detail) }
