// Package psexport reads what the Exchange Management Shell writes and turns it into a [connector.Topology]:
//
//	Get-ReceiveConnector | Export-Clixml connectors.xml
//	Get-ReceiveConnector | ConvertTo-Json -Depth 3 > connectors.json
//	Get-ExchangeServer   | Export-Clixml servers.xml
//
// and the native JSON form of a topology. The dialect is told from the content, never from the name of the file. Any number
// of files, in any order and mix, become one topology.
//
// Nothing is dropped without a word: what cannot be parsed is an error, what the export has lost is a [Warning], and the
// property is named in Missing of the server or connector, so that answers that rest on it say so.
//
// An export never holds the addresses of the servers. They come from the native JSON or from [Reader.AddServer].
package psexport
