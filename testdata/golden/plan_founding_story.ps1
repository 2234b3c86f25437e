# 4 changes on EX01, EX02, EX03, EX04: each fix was made to a copy and proved by re-simulation.
# Made from exported data. Read it, then run it in the Exchange Management Shell:
#   .\plan.ps1             checks that what it changes is as it was exported, or changed already; then makes the changes
#   .\plan.ps1 -CheckOnly  checks, and changes nothing
#   .\plan.ps1 -Rollback   checks, then undoes the changes
param([switch]$CheckOnly, [switch]$Rollback)
$ErrorActionPreference = 'Stop'

# Is there such a connector?
function Test-Connector($Identity) {
    [bool](Get-ReceiveConnector -Identity $Identity -ErrorAction SilentlyContinue)
}

# Has a property of a connector these values, in any order?
function Test-Property($Identity, $Property, $Expected) {
    $found = @((Get-ReceiveConnector -Identity $Identity -ErrorAction Stop).$Property | ForEach-Object { "$_" } | Sort-Object)
    $wanted = @($Expected | Sort-Object)
    ($found -join '|') -eq ($wanted -join '|')
}

# Stops the script unless a property has one of the values that follow: what it had, or gets on the way.
function Assert-Property($Identity, $Property) {
    foreach ($expected in $args) {
        if (Test-Property $Identity $Property $expected) { return }
    }
    $found = @((Get-ReceiveConnector -Identity $Identity).$Property | ForEach-Object { "$_" }) -join ', '
    throw "$Identity has changed: $Property is '$found'"
}

if (-not $Rollback) {
    # Is everything as it was, or changed already?
    if (Test-Connector 'EX01\Default EX01') {
        Assert-Property 'EX01\Default EX01' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.12','10.2.0.11','10.2.0.12')
    } else {
        throw 'EX01\Default EX01 does not exist'
    }
    if (Test-Connector 'EX02\Default EX02') {
        Assert-Property 'EX02\Default EX02' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.2.0.11','10.2.0.12')
    } else {
        throw 'EX02\Default EX02 does not exist'
    }
    if (Test-Connector 'EX03\Default EX03') {
        Assert-Property 'EX03\Default EX03' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.12')
    } else {
        throw 'EX03\Default EX03 does not exist'
    }
    if (Test-Connector 'EX04\Default EX04') {
        Assert-Property 'EX04\Default EX04' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.11')
    } else {
        throw 'EX04\Default EX04 does not exist'
    }
    if ($CheckOnly) { return }

    # 1. EX01\Default EX01: RemoteIPRanges +10.1.0.12 +10.2.0.11 +10.2.0.12
    #    RC001 EX01\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX01: RC001 EX01\Relay
    #    moves at 0.0.0.0:25: EX01\Relay -> EX01\Default EX01: 3 addresses
    #    left over: RC009 note EX01\Relay: an Exchange server at one of these addresses could not authenticate here; EX01\Default EX01 offers it
    if ((Test-Connector 'EX01\Default EX01') -and (Test-Property 'EX01\Default EX01' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'))) {
        Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    }

    # 2. EX02\Default EX02: RemoteIPRanges +10.1.0.11 +10.2.0.11 +10.2.0.12
    #    RC001 EX02\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX02: RC001 EX02\Relay
    #    moves at 0.0.0.0:25: EX02\Relay -> EX02\Default EX02: 3 addresses
    #    left over: RC009 note EX02\Relay: an Exchange server at one of these addresses could not authenticate here; EX02\Default EX02 offers it
    if ((Test-Connector 'EX02\Default EX02') -and (Test-Property 'EX02\Default EX02' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'))) {
        Set-ReceiveConnector -Identity 'EX02\Default EX02' -RemoteIPRanges @{Add='10.1.0.11','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    }

    # 3. EX03\Default EX03: RemoteIPRanges +10.1.0.11 +10.1.0.12 +10.2.0.12
    #    RC001 EX03\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX03: RC001 EX03\Relay
    #    moves at 0.0.0.0:25: EX03\Relay -> EX03\Default EX03: 3 addresses
    #    left over: RC009 note EX03\Relay: an Exchange server at one of these addresses could not authenticate here; EX03\Default EX03 offers it
    if ((Test-Connector 'EX03\Default EX03') -and (Test-Property 'EX03\Default EX03' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'))) {
        Set-ReceiveConnector -Identity 'EX03\Default EX03' -RemoteIPRanges @{Add='10.1.0.11','10.1.0.12','10.2.0.12'} -ErrorAction Stop
    }

    # 4. EX04\Default EX04: RemoteIPRanges +10.1.0.11 +10.1.0.12 +10.2.0.11
    #    RC001 EX04\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX04: RC001 EX04\Relay
    #    moves at 0.0.0.0:25: EX04\Relay -> EX04\Default EX04: 3 addresses
    #    left over: RC009 note EX04\Relay: an Exchange server at one of these addresses could not authenticate here; EX04\Default EX04 offers it
    if ((Test-Connector 'EX04\Default EX04') -and (Test-Property 'EX04\Default EX04' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'))) {
        Set-ReceiveConnector -Identity 'EX04\Default EX04' -RemoteIPRanges @{Add='10.1.0.11','10.1.0.12','10.2.0.11'} -ErrorAction Stop
    }
} else {
    # Is everything as it was, or changed already?
    if (Test-Connector 'EX04\Default EX04') {
        Assert-Property 'EX04\Default EX04' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.11') @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    } else {
        throw 'EX04\Default EX04 does not exist'
    }
    if (Test-Connector 'EX03\Default EX03') {
        Assert-Property 'EX03\Default EX03' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.12') @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    } else {
        throw 'EX03\Default EX03 does not exist'
    }
    if (Test-Connector 'EX02\Default EX02') {
        Assert-Property 'EX02\Default EX02' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.2.0.11','10.2.0.12') @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    } else {
        throw 'EX02\Default EX02 does not exist'
    }
    if (Test-Connector 'EX01\Default EX01') {
        Assert-Property 'EX01\Default EX01' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.12','10.2.0.11','10.2.0.12') @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    } else {
        throw 'EX01\Default EX01 does not exist'
    }
    if ($CheckOnly) { return }

    if ((Test-Connector 'EX04\Default EX04') -and (Test-Property 'EX04\Default EX04' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.11'))) {
        Set-ReceiveConnector -Identity 'EX04\Default EX04' -RemoteIPRanges @{Remove='10.1.0.11','10.1.0.12','10.2.0.11'} -ErrorAction Stop
    }
    if ((Test-Connector 'EX03\Default EX03') -and (Test-Property 'EX03\Default EX03' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.12'))) {
        Set-ReceiveConnector -Identity 'EX03\Default EX03' -RemoteIPRanges @{Remove='10.1.0.11','10.1.0.12','10.2.0.12'} -ErrorAction Stop
    }
    if ((Test-Connector 'EX02\Default EX02') -and (Test-Property 'EX02\Default EX02' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.2.0.11','10.2.0.12'))) {
        Set-ReceiveConnector -Identity 'EX02\Default EX02' -RemoteIPRanges @{Remove='10.1.0.11','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    }
    if ((Test-Connector 'EX01\Default EX01') -and (Test-Property 'EX01\Default EX01' 'RemoteIPRanges' @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.12','10.2.0.11','10.2.0.12'))) {
        Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Remove='10.1.0.12','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    }
}
