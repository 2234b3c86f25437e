package connector

import "iter"

// Extensions are the keywords of an EHLO reply that a property of the connector switches off and that are on by default.
// The bit values are this library's own.
// Source: New-ReceiveConnector, the parameters named beside the constants (documented).
type Extensions uint8

const (
	ExtensionPipelining          Extensions = 1 << iota // PipeliningEnabled
	ExtensionDSN                                        // DeliveryStatusNotificationEnabled
	ExtensionEnhancedStatusCodes                        // EnhancedStatusCodesEnabled
	Extension8BitMIME                                   // EightBitMimeEnabled
	ExtensionBinaryMIME                                 // BinaryMimeEnabled
	ExtensionChunking                                   // ChunkingEnabled
	ExtensionSMTPUTF8                                   // SmtpUtf8Enabled
)

var extensionNames = []flagName{
	{uint64(ExtensionPipelining), "PIPELINING"},
	{uint64(ExtensionDSN), "DSN"},
	{uint64(ExtensionEnhancedStatusCodes), "ENHANCEDSTATUSCODES"},
	{uint64(Extension8BitMIME), "8BITMIME"},
	{uint64(ExtensionBinaryMIME), "BINARYMIME"},
	{uint64(ExtensionChunking), "CHUNKING"},
	{uint64(ExtensionSMTPUTF8), "SMTPUTF8"},
}

// switches are the properties of a connector that switch extensions, in the order of the flags.
var switches = [...]string{"PipeliningEnabled", "DeliveryStatusNotificationEnabled", "EnhancedStatusCodesEnabled",
	"EightBitMimeEnabled", "BinaryMimeEnabled", "ChunkingEnabled", "SmtpUtf8Enabled"}

// ExtensionSwitches yields the name of each property that switches an extension, and which one, in the order of an EHLO reply.
func ExtensionSwitches() iter.Seq2[string, Extensions] {
	return func(yield func(string, Extensions) bool) {
		for i, name := range switches {
			if !yield(name, 1<<i) {
				return
			}
		}
	}
}

// ParseExtensions reads "BINARYMIME, CHUNKING" in any order and case, or "None". Every error is a [*ParseError].
func ParseExtensions(s string) (Extensions, error) {
	v, err := parseFlags("EHLO extension", s, extensionNames)
	return Extensions(v), err
}

// Has tells whether all extensions of f are in e.
func (e Extensions) Has(f Extensions) bool { return e&f == f }

// String prints the keywords in the order of an EHLO reply, "None" for zero.
func (e Extensions) String() string { return printFlags(uint64(e), extensionNames) }

// AppendText appends what String returns.
func (e Extensions) AppendText(b []byte) ([]byte, error) { return append(b, e.String()...), nil }

// MarshalText returns what String returns.
func (e Extensions) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText is [ParseExtensions].
func (e *Extensions) UnmarshalText(text []byte) (err error) {
	*e, err = ParseExtensions(string(text))
	return err
}
