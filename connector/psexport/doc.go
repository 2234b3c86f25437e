// Package psexport reads what the Exchange Management Shell writes and turns it into a [connector.Topology]:
//
//	Get-ReceiveConnector | Export-Clixml connectors.xml          all there is
//	Get-ReceiveConnector | ConvertTo-Json -Depth 3 > c.json      Windows PowerShell and 7
//	Get-ReceiveConnector | Export-Csv c.csv                      loses lists; scripts join them, with anything
//	Get-ReceiveConnector | Format-List > c.txt                   cuts lists behind $FormatEnumerationLimit
//	Get-ReceiveConnector                                         Format-Table: what its columns hold
//
// and, in the same dialects, alone or mixed in one file, Get-ExchangeServer, Get-ADPermission, Get-TransportService and
// Get-TransportServer, Get-EdgeSubscription, Get-DatabaseAvailabilityGroup and Get-DatabaseAvailabilityGroupNetwork, Get-MailboxDatabase and
// Get-PublicFolderDatabase, Get-NetIPAddress and Resolve-DnsName; and the native JSON of a topology. A transcript with prompts
// and warnings is fine, and so are copies from web pages.
//
// # From a file to the topology
//
//  1. The encoding is told from the first bytes: UTF-8, UTF-16 with or without a mark, else the Windows or OEM code page under
//     which the text looks most like words, with a warning.
//  2. The dialect is told from the content, never from the name of the file, and read object by object.
//  3. The cmdlet is told from the type of an object, else from its properties, else from the prompt in front of it.
//  4. Its properties become fields of the model. What cannot be parsed is an error. What the export has lost - a column that
//     is not there, a list cut off with dots, the name of a type instead of a value - is a [Warning] with its place, and the
//     property is named in Missing of the server or connector, so that every answer that it could change says so.
//  5. Files are merged in the order they were read. What two of them tell differently is a warning too; the first stands, and
//     the property is in Missing and in Conflicting.
//  6. [Reader.Topology] brings addresses, rights and settings to the servers and connectors they belong to, so that the
//     order of the files does not matter for them.
//
// No export of connectors or servers holds the addresses of the servers. They come from Resolve-DnsName, from Get-NetIPAddress
// over a remote session, from the networks of a DAG, from a table of Name and IPAddress that somebody made, from the native JSON
// or from [Reader.AddServer].
//
// # Leniency
//
// Read as what they plainly mean are: dashes of any kind in a range, with or without blanks; no-break spaces and invisible
// marks; true and false in the words of spreadsheets in other languages; AdminDisplayVersion in any language; names of
// properties in any case, and those that Select-Object computed ($_.Bindings -join ';').
//
// # Writing
//
// [WriteJSON] and [WriteText] write a topology in forms that can be kept beside code, reviewed in a diff, and read again.
package psexport
