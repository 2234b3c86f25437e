# 4 changes on EX01, EX02, EX03, EX04: each fix was made to a copy and proved by re-simulation.
# Made from exported data. Read it, then run it in the Exchange Management Shell:
#   .\plan.ps1             checks that what it changes is as it was exported, or changed already; then makes the changes
#   .\plan.ps1 -CheckOnly  checks, and changes nothing
#   .\plan.ps1 -Rollback   checks, then undoes the changes
param([switch]$CheckOnly, [switch]$Rollback)
$ErrorActionPreference = 'Stop'

# Returns the connectors of a server that have one of the names in these states.
function Get-Named($Server, $States) {
    $names = @($States | ForEach-Object { $_['Name'] })
    Get-ReceiveConnector -Server $Server -ErrorAction Stop | Where-Object { $names -contains $_.Name }
}

# Puts values into one text, in any order.
function Join-Value($Values) {
    @($Values | ForEach-Object { "$_" } | Sort-Object) -join ', '
}

# Is there the connector of a state, with its values? In the state @{} there is none.
function Test-State($Found, $State) {
    if ($State.Count -eq 0) { return $Found.Count -eq 0 }
    if ($Found.Count -ne 1) { return $false }
    foreach ($property in $State.Keys) {
        if ((Join-Value ($Found[0].$property)) -ne (Join-Value ($State[$property]))) { return $false }
    }
    $true
}

# Names the connector of these states.
function Get-Title($Server, $States) {
    $names = @($States | ForEach-Object { $_['Name'] } | Where-Object { $_ } | Select-Object -Unique) -join ', then '
    "$Server\$names"
}

# Returns the number, from 0, of the first of the states that holds.
function Find-State($Server, $States) {
    $found = @(Get-Named $Server $States)
    for ($i = 0; $i -lt $States.Count; $i++) {
        if (Test-State $found $States[$i]) { return $i }
    }
    $keys = @($States | Where-Object { $_.Count -gt 0 })[0].Keys
    $is = @($found | ForEach-Object { $c = $_; $keys | ForEach-Object { "$_ is '$(Join-Value ($c.$_))'" } }) -join ', '
    if (-not $is) { $is = 'it does not exist' }
    throw "$(Get-Title $Server $States) has changed; it is neither as it was nor as one of the changes leaves it: $is"
}

# Warns if the last of the states does not hold.
function Confirm-State($Server, $States) {
    if (-not (Test-State @(Get-Named $Server $States) $States[-1])) {
        Write-Warning "$(Get-Title $Server $States) is not as it should be now"
    }
}

if (-not $Rollback) {
    # Where is each connector on its way, from what it was to what the last change leaves?
    $states1 = @(
        @{ Name = 'Default EX01'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') },
        @{ Name = 'Default EX01'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.12','10.2.0.11','10.2.0.12') }
    )
    $at1 = Find-State 'EX01' $states1
    $states2 = @(
        @{ Name = 'Default EX02'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') },
        @{ Name = 'Default EX02'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.2.0.11','10.2.0.12') }
    )
    $at2 = Find-State 'EX02' $states2
    $states3 = @(
        @{ Name = 'Default EX03'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') },
        @{ Name = 'Default EX03'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.12') }
    )
    $at3 = Find-State 'EX03' $states3
    $states4 = @(
        @{ Name = 'Default EX04'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') },
        @{ Name = 'Default EX04'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.11') }
    )
    $at4 = Find-State 'EX04' $states4
    if ($CheckOnly) { return }

    # 1. EX01\Default EX01: RemoteIPRanges +10.1.0.12 +10.2.0.11 +10.2.0.12
    #    RC001 EX01\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX01: RC001 EX01\Relay
    #    moves at 0.0.0.0:25: EX01\Relay -> EX01\Default EX01: 3 addresses
    #    left over: RC009 note EX01\Relay: an Exchange server at one of these addresses could not authenticate here; EX01\Default EX01 offers it
    if ($at1 -le 0) {
        Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Add='10.1.0.12','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    }

    # 2. EX02\Default EX02: RemoteIPRanges +10.1.0.11 +10.2.0.11 +10.2.0.12
    #    RC001 EX02\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX02: RC001 EX02\Relay
    #    moves at 0.0.0.0:25: EX02\Relay -> EX02\Default EX02: 3 addresses
    #    left over: RC009 note EX02\Relay: an Exchange server at one of these addresses could not authenticate here; EX02\Default EX02 offers it
    if ($at2 -le 0) {
        Set-ReceiveConnector -Identity 'EX02\Default EX02' -RemoteIPRanges @{Add='10.1.0.11','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    }

    # 3. EX03\Default EX03: RemoteIPRanges +10.1.0.11 +10.1.0.12 +10.2.0.12
    #    RC001 EX03\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX03: RC001 EX03\Relay
    #    moves at 0.0.0.0:25: EX03\Relay -> EX03\Default EX03: 3 addresses
    #    left over: RC009 note EX03\Relay: an Exchange server at one of these addresses could not authenticate here; EX03\Default EX03 offers it
    if ($at3 -le 0) {
        Set-ReceiveConnector -Identity 'EX03\Default EX03' -RemoteIPRanges @{Add='10.1.0.11','10.1.0.12','10.2.0.12'} -ErrorAction Stop
    }

    # 4. EX04\Default EX04: RemoteIPRanges +10.1.0.11 +10.1.0.12 +10.2.0.11
    #    RC001 EX04\Relay: add the servers' addresses to the connector that has Exchange Server authentication
    #    solved on EX04: RC001 EX04\Relay
    #    moves at 0.0.0.0:25: EX04\Relay -> EX04\Default EX04: 3 addresses
    #    left over: RC009 note EX04\Relay: an Exchange server at one of these addresses could not authenticate here; EX04\Default EX04 offers it
    if ($at4 -le 0) {
        Set-ReceiveConnector -Identity 'EX04\Default EX04' -RemoteIPRanges @{Add='10.1.0.11','10.1.0.12','10.2.0.11'} -ErrorAction Stop
    }

    Confirm-State 'EX01' $states1
    Confirm-State 'EX02' $states2
    Confirm-State 'EX03' $states3
    Confirm-State 'EX04' $states4
} else {
    # Where is each connector on its way, from what it was to what the last change leaves?
    $states1 = @(
        @{ Name = 'Default EX04'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.11') },
        @{ Name = 'Default EX04'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') }
    )
    $at1 = Find-State 'EX04' $states1
    $states2 = @(
        @{ Name = 'Default EX03'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.1.0.12','10.2.0.12') },
        @{ Name = 'Default EX03'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') }
    )
    $at2 = Find-State 'EX03' $states2
    $states3 = @(
        @{ Name = 'Default EX02'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.11','10.2.0.11','10.2.0.12') },
        @{ Name = 'Default EX02'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') }
    )
    $at3 = Find-State 'EX02' $states3
    $states4 = @(
        @{ Name = 'Default EX01'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','10.1.0.12','10.2.0.11','10.2.0.12') },
        @{ Name = 'Default EX01'; RemoteIPRanges = @('0.0.0.0-255.255.255.255','::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') }
    )
    $at4 = Find-State 'EX01' $states4
    if ($CheckOnly) { return }

    if ($at1 -le 0) {
        Set-ReceiveConnector -Identity 'EX04\Default EX04' -RemoteIPRanges @{Remove='10.1.0.11','10.1.0.12','10.2.0.11'} -ErrorAction Stop
    }
    if ($at2 -le 0) {
        Set-ReceiveConnector -Identity 'EX03\Default EX03' -RemoteIPRanges @{Remove='10.1.0.11','10.1.0.12','10.2.0.12'} -ErrorAction Stop
    }
    if ($at3 -le 0) {
        Set-ReceiveConnector -Identity 'EX02\Default EX02' -RemoteIPRanges @{Remove='10.1.0.11','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    }
    if ($at4 -le 0) {
        Set-ReceiveConnector -Identity 'EX01\Default EX01' -RemoteIPRanges @{Remove='10.1.0.12','10.2.0.11','10.2.0.12'} -ErrorAction Stop
    }

    Confirm-State 'EX04' $states1
    Confirm-State 'EX03' $states2
    Confirm-State 'EX02' $states3
    Confirm-State 'EX01' $states4
}
