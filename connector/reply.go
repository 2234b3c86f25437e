package connector

import (
	"fmt"
	"net/netip"
	"strconv"
)

// Side says who produces a reply. Zero is not set.
type Side uint8

const (
	SideSender   Side = iota + 1 // the sending server raises it by itself, although a queue shows it as the target's answer
	SideReceiver                 // the receiving server sends it
)

// String prints "sender" or "receiver".
func (s Side) String() string {
	switch s {
	case SideSender:
		return "sender"
	case SideReceiver:
		return "receiver"
	}
	return ""
}

// Reply is an SMTP reply and who produces it. The zero Reply means that there is none; a Code of 0 beside a Side means
// that there is one and that its code is unknown. An empty Enhanced or Text is not known, or not asserted.
type Reply struct {
	Side     Side
	Code     int
	Enhanced string // 5.7.3
	Text     string
}

// String prints "451 5.7.3 Cannot achieve Exchange Server authentication", or as much of it as is known.
func (r Reply) String() string {
	if r.Code == 0 {
		return ""
	}
	s := strconv.Itoa(r.Code)
	if r.Enhanced != "" {
		s += " " + r.Enhanced
	}
	if r.Text != "" {
		s += " " + r.Text
	}
	return s
}

// The replies of a session that goes well. Texts that nobody recorded are not asserted.
var (
	replyBanner        = Reply{SideReceiver, 220, "", ""}
	replyOK            = Reply{SideReceiver, 250, "", ""}
	replyReady         = Reply{SideReceiver, 220, "2.0.0", "SMTP server ready"}
	replyAuthenticated = Reply{SideReceiver, 235, "", ""}
	replyUnknown       = Reply{Side: SideReceiver} // there is one, and its code is unknown
)

// The replies of one that does not.
var (
	// cannotAchieve is raised by the sending server (product; the queue reads as if the target had said it).
	cannotAchieve    = Reply{SideSender, 451, "5.7.3", "Cannot achieve Exchange Server authentication"}
	startTLSInsisted = Reply{SideSender, 451, "5.7.3", "STARTTLS is required to send mail"}
	temporaryFailure = Reply{SideReceiver, 454, "4.7.0", "Temporary authentication failure"}
	unrecognized     = Reply{SideReceiver, 500, "5.3.3", "Unrecognized command"}
	unsuccessful     = Reply{SideReceiver, 535, "5.7.3", "Authentication unsuccessful"}
	notOffered       = Reply{SideReceiver, 504, "5.7.4", "Unrecognized authentication type"}
)

// wording is a reply whose text depends on the version of the receiver.
type wording struct {
	until2013, later Reply
	basis            Basis
}

var (
	wordingNotAuthenticated = wording{
		Reply{SideReceiver, 530, "5.7.1", "Client was not authenticated"},
		Reply{SideReceiver, 530, "5.7.57", "SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"},
		Basis{"nobody authenticated, and anonymous clients may not submit (permission group AnonymousUsers)", Documented, "NDR; the later wording is observed"}}
	wordingRelay = wording{
		Reply{SideReceiver, 550, "5.7.1", "Unable to relay"},
		Reply{SideReceiver, 550, "5.7.54", "SMTP; Unable to relay recipient in non-accepted domain"},
		Basis{"a recipient outside the accepted domains needs ms-Exch-SMTP-Accept-Any-Recipient", Documented, "NDR, allow anonymous relay"}}
	wordingSender = wording{
		Reply{SideReceiver, 550, "5.7.1", "Client does not have permissions to send as this sender"},
		Reply{SideReceiver, 550, "5.7.60", "SMTP; Client does not have permissions to send as this sender"},
		Basis{"a sender of an accepted domain needs ms-Exch-SMTP-Accept-Authoritative-Domain-Sender, any other one " +
			"ms-Exch-SMTP-Accept-Any-Sender", Documented, "Receive connectors; the wording is observed"}}
	wordingStartTLS = wording{
		Reply{SideReceiver, 530, "5.7.0", "Must issue a STARTTLS command first"},
		Reply{SideReceiver, 451, "5.7.3", "STARTTLS is required to send mail"},
		Basis{"RequireTLS is $true, and the session is in clear; which versions say which is inferred", Observed, "techcommunity 4445548"}}
)

// of returns the wording of a generation, the later one with a doubt if it is not known which that is.
func (w wording) of(g Generation) (Reply, Doubt) {
	switch g {
	case Generation2007, Generation2010, Generation2013:
		return w.until2013, 0
	case 0, later:
		return w.later, DoubtVersion
	}
	return w.later, 0
}

// QueueError returns what the queue of the sending server shows as LastError for a reply, by the generation of the
// sender: the bare reply on 2007, the 4.4.0 wrapper on 2010 and 2013, the 4.4.395 wrapper on 2016, 2019 and SE. An unknown
// generation gives the bare reply. A valid endpoint is named by 2013. Sources: KB979175 and Exchange 2007 help
// (documented); the 4.4.395 form and the endpoint are observed, and early 2016 builds still wrote 4.4.0.
func QueueError(sender Generation, r Reply, endpoint netip.AddrPort) string {
	if r.Code == 0 {
		return ""
	}
	switch {
	case sender == Generation2007:
		return fmt.Sprintf("%d %s %q", r.Code, r.Enhanced, r.Text)
	case sender == Generation2010 || sender == Generation2013:
		s := fmt.Sprintf(`451 4.4.0 Primary target IP address responded with: "%s." Attempted failover to alternate host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all alternate hosts.`, r)
		if sender == Generation2013 && endpoint.IsValid() && !endpoint.Addr().IsUnspecified() {
			s += " The last endpoint attempted was " + endpoint.String()
		}
		return s
	case sender >= Generation2016:
		return "451 4.4.395 Target host responded with error. -> " + r.String()
	}
	return r.String()
}
