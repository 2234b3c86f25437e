package topotest

import (
	"fmt"
	"slices"

	"github.com/receiveconnector/receiveconnector/connector"
	"github.com/receiveconnector/receiveconnector/connector/smtplog"
)

// Clients turns real clients into cases: each client of receive logs must go on reaching the connector that the logs have, and what they show
// it to do - to authenticate, to encrypt, to send mail, to relay if the log has the right - must go on working: a case for
// each peer that it was. Why tells how many sessions there were, and when. Cases come by connector and endpoint, those of a
// connector in a group.
//
// Left out, and counted, are sessions that no case can be about: the log does not tell the endpoint or the server, or they are of clients
// that were too many to be kept.
func Clients(traffic *smtplog.Traffic) (cases []Case, left int) {
	for _, through := range traffic.Connectors() {
		if through.Direction != smtplog.Receive {
			continue
		}
		left += through.Beyond
		for i := range through.Clients {
			c := &through.Clients[i]
			id, ok := c.ID()
			if !ok || !c.Local.IsValid() || !c.Remote.Addr().IsValid() {
				left += c.Sessions
				continue
			}
			cases = append(cases, clientCases(id, c)...)
		}
	}
	return cases, left
}

// clientCases makes the cases of one client.
func clientCases(id connector.ID, c *smtplog.Client) (cases []Case) {
	base := Case{
		Group: id.String(),
		Conn:  connector.Conn{Server: id.Server, Local: c.Local, Remote: c.Remote.Addr()},
		Want:  id,
		Why:   fmt.Sprintf("%d sessions, %s to %s", c.Sessions, c.First.Format("2006-01-02"), c.Last.Format("2006-01-02")),
	}
	if c.Sessions == 1 {
		base.Why = "1 session, " + c.First.Format("2006-01-02")
	}
	at := make(map[connector.Peer]int)
	uses := c.Uses()
	granted := c.Traits.Seen().Has(smtplog.RelayGranted) && isOne(uses)
	for _, u := range uses {
		if u.Stage == connector.StageForeignRecipient && !granted {
			continue // nobody knows
		}
		i, ok := at[u.Peer]
		if !ok {
			i = len(cases)
			at[u.Peer] = i
			one := base
			one.Peer = &u.Peer
			cases = append(cases, one)
		}
		switch u.Stage {
		case connector.StageAuthenticate:
			cases[i].Authentication = connector.Authenticated
		case connector.StageEncrypt:
			cases[i].Encryption = connector.StepDone
		case connector.StageAcceptedRecipient:
			cases[i].Mail = connector.StepDone
		case connector.StageForeignRecipient:
			cases[i].Relay = connector.StepDone
		}
	}
	if len(cases) == 0 {
		cases = append(cases, base)
	}
	return cases
}

// isOne tells whether uses are those of one peer, so that a right which the log has is its.
func isOne(uses []smtplog.Use) bool {
	var peers []connector.Peer
	for _, u := range uses {
		if u.Stage != connector.StageEncrypt && !slices.Contains(peers, u.Peer) {
			peers = append(peers, u.Peer)
		}
	}
	return len(peers) == 1
}
