package topotest

import (
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
)

// session is a peer and the decision about it, from which all else follows.
type session struct {
	match connector.Match
	peer  connector.Peer
}

// answers is what a session comes to, as far as cases can ask. Each has the doubt of its own.
type answers struct {
	authentication          connector.Authentication
	encryption, mail, relay state
	replies                 []connector.Reply // refusals, in order
	open                    bool              // whether something is granted is not known
	doubt                   connector.Doubt   // of the decision and of authentication
}

// state is how far a stage of a session is granted, with whichever sender, see [connector.Index.Reach].
type state struct {
	connector.StepState
	doubt connector.Doubt // but for one about the wording of a reply
}

// follow simulates a session. Its outcome depends on the decision and not on the source.
func (a *asker) follow(p piece, peer connector.Peer) answers {
	k := session{p.match, peer}
	got, ok := a.peers[k]
	if ok {
		return got
	}
	v := a.x.Simulate(p.conn(), peer)
	got = answers{authentication: v.Authentication, doubt: v.Doubt}
	if v.Reply.Code != 0 {
		got.replies = append(got.replies, v.Reply)
	}
	doubts := make(map[connector.Stage]connector.Doubt)
	for _, s := range v.Session() {
		got.open = got.open || s.State == connector.StepUnknown
		doubts[s.Stage] |= s.Doubt &^ connector.DoubtVersion
		if s.State == connector.StepRefused && s.Reply.Code != 0 && !slices.Contains(got.replies, s.Reply) {
			got.replies = append(got.replies, s.Reply)
		}
	}
	reach := func(stage connector.Stage) state { return state{a.x.Reach(p.conn(), peer, stage), doubts[stage]} }
	got.encryption, got.mail, got.relay = reach(connector.StageEncrypt), reach(connector.StageAcceptedRecipient), reach(connector.StageForeignRecipient)
	a.peers[k] = got
	return got
}
