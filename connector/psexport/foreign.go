package psexport

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// exportInstead is what every refusal of a file ends with.
const exportInstead = "write Get-ReceiveConnector | Export-Clixml FILE and read that"

// ErrHTML reports a web page. It is an [ErrNotCLIXML].
var ErrHTML = fmt.Errorf("%w, but a web page (HTML); %s", ErrNotCLIXML, exportInstead)

var htmlTag = regexp.MustCompile(`(?i)<(?:!doctype html|html|head|body)[\s>]`)

func isHTML(head []byte) bool {
	return bytes.HasPrefix(head, []byte("<")) && htmlTag.Match(head)
}

// refusal says what an object that nobody reads is, and what to export instead.
func (v value) refusal() error {
	switch v.kind() {
	case kindInboundConnector:
		return fmt.Errorf("%w: an inbound connector of Exchange Online (Get-InboundConnector), which has no receive connectors; on a server %s", ErrOtherCmdlet, exportInstead)
	case kindSendConnector:
		return fmt.Errorf("%w: a Send connector (Get-SendConnector), which has no say about inbound connections; %s", ErrOtherCmdlet, exportInstead)
	case kindIPRange:
		return fmt.Errorf("%w: ranges without the connector they belong to; %s", ErrOtherCmdlet, exportInstead)
	}
	return fmt.Errorf("%w: %s; %s", ErrOtherCmdlet, v.describe(), exportInstead)
}

var (
	protocolLog = regexp.MustCompile(`(?m)^#(?:Software: Microsoft Exchange|Fields: date-time,)|\b\d{4}-\d\d-\d\dT[\d:.]+Z,`)
	script      = regexp.MustCompile(`(?i)\b(?:New|Set|Add|Remove)-(?:ReceiveConnector|ADPermission|CimInstance)\b|^\s*param\s*\(`)
)

// textRefusal says what a text without any object of a cmdlet looks like.
func textRefusal(lines []line) error {
	looks := "text that holds no properties of objects"
	for _, l := range lines[:min(len(lines), 1000)] {
		text := strings.TrimSpace(l.text)
		switch {
		case text == "":
			continue
		case protocolLog.MatchString(text):
			looks = "an SMTP protocol log, which does not tell how the connectors are set"
		case script.MatchString(text):
			looks = "commands of a script, not their output"
		case isRange(text):
			looks = "a list of addresses, which does not tell the connector they belong to"
		default:
			continue
		}
		break
	}
	return fmt.Errorf("%w, but %s; %s", ErrUnknownForm, looks, exportInstead)
}

func isRange(s string) bool {
	_, err := parseRange(strings.Trim(s, `"',; `))
	return err == nil
}
