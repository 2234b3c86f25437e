# EX01, EX02: four changes
# A remark.
# Not undone by -Rollback: EX02\Relay: what the export did not tell of it: it comes back with the defaults of New-ReceiveConnector there
# Not undone by -Rollback: EX02\Relay: Fqdn, which is empty, and may come back as the name of the server
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
        @{ Name = 'Relay'; RemoteIPRanges = @('10.0.0.1','10.0.0.0/24') },
        @{ Name = 'Relay'; RemoteIPRanges = @('10.0.0.0/24') }
    )
    $at1 = Find-State 'EX01' $states1
    $states2 = @(
        @{ Name = 'Default Frontend EX01'; RemoteIPRanges = @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255'); Fqdn = @('ex01.contoso.com'); MaxHopCount = @('60') },
        @{ Name = 'Default Frontend EX01'; RemoteIPRanges = @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255','10.0.0.1'); Fqdn = @(); MaxHopCount = @('30') }
    )
    $at2 = Find-State 'EX01' $states2
    $states3 = @(
        @{},
        @{ Name = 'Apps'; Enabled = @('True'); Bindings = @('0.0.0.0:25','[::]:25'); RemoteIPRanges = @('10.7.0.0/24'); AuthMechanism = @('None') }
    )
    $at3 = Find-State 'EX01' $states3
    $states4 = @(
        @{ Name = 'Relay'; Enabled = @('True'); Bindings = @('0.0.0.0:25','[::]:25'); RemoteIPRanges = @('10.0.0.1','10.0.0.0/24'); AuthMechanism = @('None'); PermissionGroups = @('AnonymousUsers') },
        @{}
    )
    $at4 = Find-State 'EX02' $states4
    if ($CheckOnly) { return }

    # 1. EX01\Relay: RemoteIPRanges -10.0.0.1
    #    the first reason
    #    the second Throw 'a trap'
    if ($at1 -le 0) {
        Set-ReceiveConnector -Identity 'EX01\Relay' -RemoteIPRanges @{Remove='10.0.0.1'} -ErrorAction Stop
    }

    # 2. EX01\Default Frontend EX01: RemoteIPRanges +10.0.0.1; Fqdn ex01.contoso.com -> nothing; MaxHopCount 60 -> 30
    if ($at2 -le 0) {
        Set-ReceiveConnector -Identity 'EX01\Default Frontend EX01' -RemoteIPRanges @{Add='10.0.0.1'} -Fqdn $null -MaxHopCount 30 -ErrorAction Stop
    }

    # 3. EX01\Apps: created; TransportRole nothing -> FrontendTransport; Bindings +0.0.0.0:25 +[::]:25; RemoteIPRanges +10.7.0.0/24; PermissionGroups None -> AnonymousUsers; Rights +NT AUTHORITY\ANONYMOUS LOGON: ms-Exch-SMTP-Accept-Any-Recipient
    if ($at3 -le 0) {
        New-ReceiveConnector -Name 'Apps' -Server 'EX01' -Usage Custom -Bindings '0.0.0.0:25','[::]:25' -RemoteIPRanges '10.7.0.0/24' -AuthMechanism 'None' -PermissionGroups 'AnonymousUsers' -TransportRole FrontendTransport -ErrorAction Stop
    }
    if ($at3 -le 1) {
        Get-ReceiveConnector -Identity 'EX01\Apps' -ErrorAction Stop | Add-ADPermission -User 'NT AUTHORITY\ANONYMOUS LOGON' -ExtendedRights 'ms-Exch-SMTP-Accept-Any-Recipient' -ErrorAction Stop
    }

    # 4. EX02\Relay: removed
    if ($at4 -le 0) {
        Remove-ReceiveConnector -Identity 'EX02\Relay' -Confirm:$false -ErrorAction Stop
    }

    Confirm-State 'EX01' $states1
    Confirm-State 'EX01' $states2
    Confirm-State 'EX01' $states3
    Confirm-State 'EX02' $states4
} else {
    # Where is each connector on its way, from what it was to what the last change leaves?
    $states1 = @(
        @{},
        @{ Name = 'Relay'; Enabled = @('True'); Bindings = @('0.0.0.0:25','[::]:25'); RemoteIPRanges = @('10.0.0.1','10.0.0.0/24'); AuthMechanism = @('None'); PermissionGroups = @('AnonymousUsers') }
    )
    $at1 = Find-State 'EX02' $states1
    $states2 = @(
        @{ Name = 'Apps'; Enabled = @('True'); Bindings = @('0.0.0.0:25','[::]:25'); RemoteIPRanges = @('10.7.0.0/24'); AuthMechanism = @('None') },
        @{}
    )
    $at2 = Find-State 'EX01' $states2
    $states3 = @(
        @{ Name = 'Default Frontend EX01'; RemoteIPRanges = @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255','10.0.0.1'); Fqdn = @(); MaxHopCount = @('30') },
        @{ Name = 'Default Frontend EX01'; RemoteIPRanges = @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255'); Fqdn = @('ex01.contoso.com'); MaxHopCount = @('60') }
    )
    $at3 = Find-State 'EX01' $states3
    $states4 = @(
        @{ Name = 'Relay'; RemoteIPRanges = @('10.0.0.0/24') },
        @{ Name = 'Relay'; RemoteIPRanges = @('10.0.0.1','10.0.0.0/24') }
    )
    $at4 = Find-State 'EX01' $states4
    if ($CheckOnly) { return }

    Write-Warning 'Not undone by -Rollback: EX02\Relay: what the export did not tell of it: it comes back with the defaults of New-ReceiveConnector there'
    Write-Warning 'Not undone by -Rollback: EX02\Relay: Fqdn, which is empty, and may come back as the name of the server'
    if ($at1 -le 0) {
        New-ReceiveConnector -Name 'Relay' -Server 'EX02' -Usage Custom -Bindings '0.0.0.0:25','[::]:25' -RemoteIPRanges '10.0.0.1','10.0.0.0/24' -AuthMechanism 'None' -PermissionGroups 'AnonymousUsers' -ErrorAction Stop
    }
    if ($at2 -le 0) {
        Remove-ReceiveConnector -Identity 'EX01\Apps' -Confirm:$false -ErrorAction Stop
    }
    if ($at3 -le 0) {
        Set-ReceiveConnector -Identity 'EX01\Default Frontend EX01' -RemoteIPRanges @{Remove='10.0.0.1'} -Fqdn 'ex01.contoso.com' -MaxHopCount 60 -ErrorAction Stop
    }
    if ($at4 -le 0) {
        Set-ReceiveConnector -Identity 'EX01\Relay' -RemoteIPRanges @{Add='10.0.0.1'} -ErrorAction Stop
    }

    Confirm-State 'EX02' $states1
    Confirm-State 'EX01' $states2
    Confirm-State 'EX01' $states3
    Confirm-State 'EX01' $states4
}
