package ems

import (
	"fmt"
	"slices"
	"strings"

	"github.com/receiveconnector/receiveconnector/connector"
)

// cmdlet is what is known of the parameters of a cmdlet.
type cmdlet struct {
	name       string
	parameters []string // that are read
	switches   []string // that take no value
	passedOver []string // that the model does not hold
	positional string   // the parameter of a value that stands alone
}

var (
	common         = []string{"Confirm", "WhatIf", "Verbose", "Debug"}
	permissions    = append([]string{"Deny"}, common...)
	commonValues   = []string{"DomainController", "ErrorAction", "WarningAction", "ErrorVariable", "WarningVariable", "OutVariable", "OutBuffer"}
	notInTheModel  = []string{"AdvertiseClientSettings", "AuthTarpitInterval", "Banner", "BareLinefeedRejectionEnabled", "Comment", "DefaultDomain", "ExtendedProtectionPolicy", "MaxAcknowledgementDelay", "MaxHeaderSize", "MaxInboundConnection", "MaxProtocolErrors", "MessageRateLimit", "MessageRateSource", "ProtocolLoggingLevel", "RejectReservedSecondLevelRecipientDomains", "RejectReservedTopLevelRecipientDomains", "RejectSingleLabelRecipientDomains", "RequireEHLODomain", "ServiceDiscoveryFqdn", "TarpitInterval", "TlsCertificateName", "TlsDomainCapabilities"}
	usageSwitches  = []string{"Client", "Custom", "Internal", "Internet", "Partner"}
	permissionArgs = []string{"Identity", "User", "ExtendedRights"}
)

var cmdlets = []cmdlet{
	{name: "New-ReceiveConnector", parameters: append([]string{"Server", "Usage"}, connector.Settings()...), switches: append(slices.Clone(usageSwitches), common...),
		passedOver: append(slices.Clone(notInTheModel), commonValues...), positional: "Name"},
	{name: "Set-ReceiveConnector", parameters: append([]string{"Identity"}, connector.Settings()...), switches: common,
		passedOver: append(slices.Clone(notInTheModel), commonValues...), positional: "Identity"},
	{name: "Remove-ReceiveConnector", parameters: []string{"Identity"}, switches: common, passedOver: commonValues, positional: "Identity"},
	{name: "Get-ReceiveConnector", parameters: []string{"Identity", "Server"}, switches: common, passedOver: commonValues, positional: "Identity"},
	{name: "Add-ADPermission", parameters: permissionArgs, switches: permissions, passedOver: append([]string{"AccessRights"}, commonValues...), positional: "Identity"},
	{name: "Remove-ADPermission", parameters: permissionArgs, switches: permissions, passedOver: append([]string{"AccessRights"}, commonValues...), positional: "Identity"},
	{name: "Out-Null"},
}

func cmdletOf(name string) (cmdlet, bool) {
	i := slices.IndexFunc(cmdlets, func(c cmdlet) bool { return strings.EqualFold(c.name, name) })
	if i < 0 {
		return cmdlet{}, false
	}
	return cmdlets[i], true
}

// parameter finds the parameter that a name stands for, in any case and cut short as long as it is clear.
func (c cmdlet) parameter(name string) (string, error) {
	var fits []string
	for _, known := range slices.Concat(c.parameters, c.switches, c.passedOver) {
		if strings.EqualFold(known, name) {
			return known, nil
		}
		if len(name) < len(known) && strings.EqualFold(known[:len(name)], name) {
			fits = append(fits, known)
		}
	}
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return "", ErrParameter
	}
	return "", fmt.Errorf("%w: it may stand for %s", ErrParameter, strings.Join(fits, ", "))
}

// isSwitch tells whether a parameter takes no value; what is not known takes one.
func isSwitch(cmdlet, parameter string) bool {
	c, ok := cmdletOf(cmdlet)
	if !ok {
		return false
	}
	name, err := c.parameter(parameter)
	return err == nil && slices.Contains(c.switches, name)
}
