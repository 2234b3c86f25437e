# 4 changes on EX01, EX02, EX03, EX04: each fix was made to a copy and proved by re-simulation
# Made from exported data. Read it, then run it in the Exchange Management Shell:
#   .\plan.ps1             checks that the connectors are as they were exported, then makes the changes
#   .\plan.ps1 -CheckOnly  checks, and changes nothing
#   .\plan.ps1 -Rollback   checks that the connectors are as this script left them, then undoes the changes
param([switch]$CheckOnly, [switch]$Rollback)
$ErrorActionPreference = 'Stop'

# Stops the script unless a property of a connector has these values, in any order.
function Assert-Connector($Identity, $Property, $Expected) {
    $found = @((Get-ReceiveConnector -Identity $Identity -ErrorAction Stop).$Property | ForEach-Object { "$_" } | Sort-Object)
    $wanted = @($Expected | Sort-Object)
    if (($found -join '|') -ne ($wanted -join '|')) {
        throw "$Identity has changed: $Property is '$($found -join ', ')' instead of '$($wanted -join ', ')'"
    }
}

# Stops the script if there is such a connector.
function Assert-NoConnector($Identity) {
    if (Get-ReceiveConnector -Identity $Identity -ErrorAction SilentlyContinue) {
        throw "$Identity exists already"
    }
}

if (-not $Rollback) {
    # Are the connectors as they were?
    Assert-Connector 'EX01\Default EX01' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    Assert-Connector 'EX02\Default EX02' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    Assert-Connector 'EX03\Default EX03' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    Assert-Connector 'EX04\Default EX04' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    if ($CheckOnly) { return }

    # 1. EX01\Default EX01: RemoteIPRanges +10.1.0.12 +10.2.0.11 +10.2.0.12
    #    RC001 EX01\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX01: RC001 EX01\Relay
    #    moves at 0.0.0.0:25: EX01\Relay -> EX01\Default EX01: 3 addresses
    #    left over: RC009 note EX01\Relay: an Exchange server at one of these addresses could not authenticate here; EX01\Default EX01 offers it
    Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'} -ErrorAction Stop

    # 2. EX02\Default EX02: RemoteIPRanges +10.1.0.11 +10.2.0.11 +10.2.0.12
    #    RC001 EX02\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX02: RC001 EX02\Relay
    #    moves at 0.0.0.0:25: EX02\Relay -> EX02\Default EX02: 3 addresses
    #    left over: RC009 note EX02\Relay: an Exchange server at one of these addresses could not authenticate here; EX02\Default EX02 offers it
    Set-ReceiveConnector -Identity 'EX02\Default EX02' -RemoteIPRanges @{Add='10.1.0.11','10.2.0.11','10.2.0.12'} -ErrorAction Stop

    # 3. EX03\Default EX03: RemoteIPRanges +10.1.0.11 +10.1.0.12 +10.2.0.12
    #    RC001 EX03\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX03: RC001 EX03\Relay
    #    moves at 0.0.0.0:25: EX03\Relay -> EX03\Default EX03: 3 addresses
    #    left over: RC009 note EX03\Relay: an Exchange server at one of these addresses could not authenticate here; EX03\Default EX03 offers it
    Set-ReceiveConnector -Identity 'EX03\Default EX03' -RemoteIPRanges @{Add='10.1.0.11','10.1.0.12','10.2.0.12'} -ErrorAction Stop

    # 4. EX04\Default EX04: RemoteIPRanges +10.1.0.11 +10.1.0.12 +10.2.0.11
    #    RC001 EX04\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX04: RC001 EX04\Relay
    #    moves at 0.0.0.0:25: EX04\Relay -> EX04\Default EX04: 3 addresses
    #    left over: RC009 note EX04\Relay: an Exchange server at one of these addresses could not authenticate here; EX04\Default EX04 offers it
    Set-ReceiveConnector -Identity 'EX04\Default EX04' -RemoteIPRanges @{Add='10.1.0.11','10.1.0.12','10.2.0.11'} -ErrorAction Stop
} else {
    # Are the connectors as they were?
    Assert-Connector 'EX04\Default EX04' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.11')
    Assert-Connector 'EX03\Default EX03' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.12')
    Assert-Connector 'EX02\Default EX02' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.2.0.11','10.2.0.12')
    Assert-Connector 'EX01\Default EX01' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.12','10.2.0.11','10.2.0.12')
    if ($CheckOnly) { return }

    Set-ReceiveConnector -Identity 'EX04\Default EX04' -RemoteIPRanges @{Remove='10.1.0.11','10.1.0.12','10.2.0.11'} -ErrorAction Stop
    Set-ReceiveConnector -Identity 'EX03\Default EX03' -RemoteIPRanges @{Remove='10.1.0.11','10.1.0.12','10.2.0.12'} -ErrorAction Stop
    Set-ReceiveConnector -Identity 'EX02\Default EX02' -RemoteIPRanges @{Remove='10.1.0.11','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Remove='10.1.0.12','10.2.0.11','10.2.0.12'} -ErrorAction Stop
}
