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

// state is how far a stage of a session is granted, with whichever sender.
type state struct {
	connector.StepState
	doubt connector.Doubt
}

// take adds a step of the stage. What is granted to one sender is granted; only the wording of a reply is not asked for.
func (s *state) take(step connector.SessionStep) {
	switch step.State {
	case connector.StepDone:
		s.StepState = connector.StepDone
	case connector.StepUnknown:
		if s.StepState != connector.StepDone {
			s.StepState = connector.StepUnknown
		}
	}
	s.doubt |= step.Doubt &^ connector.DoubtVersion
}

// follow simulates a session. Its outcome depends on the decision and not on the source.
func (a *asker) follow(p piece, peer connector.Peer) answers {
	k := session{p.match, peer}
	got, ok := a.peers[k]
	if ok {
		return got
	}
	v := a.x.Simulate(p.conn(), peer)
	refused := state{StepState: connector.StepRefused}
	got = answers{authentication: v.Authentication, doubt: v.Doubt, encryption: refused, mail: refused, relay: refused}
	if v.Reply.Code != 0 {
		got.replies = append(got.replies, v.Reply)
	}
	for _, s := range v.Session() {
		got.open = got.open || s.State == connector.StepUnknown
		switch s.Stage {
		case connector.StageEncrypt:
			got.encryption.take(s)
		case connector.StageAcceptedRecipient:
			got.mail.take(s)
		case connector.StageForeignRecipient:
			got.relay.take(s)
		}
		if s.State == connector.StepRefused && s.Reply.Code != 0 && !slices.Contains(got.replies, s.Reply) {
			got.replies = append(got.replies, s.Reply)
		}
	}
	a.peers[k] = got
	return got
}
