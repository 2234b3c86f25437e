package audit

import "github.com/receiveconnector/receiveconnector/connector"

var rc903 = &Check{
	ID:       idUnknownRights,
	Title:    "rights beyond the permission groups are not known",
	Severity: Note,
	Run:      checkRC903,
	Doc: `PermissionGroups shows Custom where extended rights were granted or denied beside the groups, and the
export of the connector does not say which. Whether anonymous clients may relay hangs on them, and so may whether
Exchange servers can submit.

Get-ADPermission -Identity of the connector tells them.

Source: Custom appears by itself (observed); the rights of anonymous relay: allow anonymous relay (documented).`,
}

func checkRC903(p *Pass) error {
	for _, c := range p.Connectors() {
		custom := c.PermissionGroups.Has(connector.GroupCustom) && len(c.Rights) == 0
		if custom || c.Missing.Has(connector.PropertyRights) {
			p.Report(Finding{Subject: c.ID, Certainty: Certain,
				Message: "whether clients may relay without authenticating is not known; Get-ADPermission tells the rights beyond the groups"})
		}
	}
	return nil
}
