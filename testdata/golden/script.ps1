# EX01, EX02: four changes
# A remark.
# By -Rollback EX02\Relay comes back with what the export told of it, and with the defaults of New-ReceiveConnector for the rest.
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
    if (Test-Connector 'EX01\Relay') {
        Assert-Property 'EX01\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24') @('10.0.0.0/24')
    } else {
        throw 'EX01\Relay does not exist'
    }
    if (Test-Connector 'EX01\Default Frontend EX01') {
        Assert-Property 'EX01\Default Frontend EX01' 'RemoteIPRanges' @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255') @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255','10.0.0.1')
        Assert-Property 'EX01\Default Frontend EX01' 'Fqdn' @('ex01.contoso.com') @()
        Assert-Property 'EX01\Default Frontend EX01' 'MaxHopCount' @('60') @('30')
    } else {
        throw 'EX01\Default Frontend EX01 does not exist'
    }
    if (Test-Connector 'EX01\Apps') {
        Assert-Property 'EX01\Apps' 'Enabled' @('True')
        Assert-Property 'EX01\Apps' 'Bindings' @('0.0.0.0:25','[::]:25')
        Assert-Property 'EX01\Apps' 'RemoteIPRanges' @('10.7.0.0/24')
        Assert-Property 'EX01\Apps' 'AuthMechanism' @('None')
    }
    if (Test-Connector 'EX02\Relay') {
        Assert-Property 'EX02\Relay' 'Enabled' @('True')
        Assert-Property 'EX02\Relay' 'Bindings' @('0.0.0.0:25','[::]:25')
        Assert-Property 'EX02\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24')
        Assert-Property 'EX02\Relay' 'AuthMechanism' @('None')
        Assert-Property 'EX02\Relay' 'PermissionGroups' @('AnonymousUsers')
    }
    if ($CheckOnly) { return }

    # 1. EX01\Relay: RemoteIPRanges -10.0.0.1
    #    the first reason
    #    the second Throw 'a trap'
    if ((Test-Connector 'EX01\Relay') -and (Test-Property 'EX01\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24'))) {
        Set-ReceiveConnector -Identity 'EX01\Relay' -RemoteIPRanges @{Remove='10.0.0.1'} -ErrorAction Stop
    }

    # 2. EX01\Default Frontend EX01: RemoteIPRanges +10.0.0.1; Fqdn ex01.contoso.com -> nothing; MaxHopCount 60 -> 30
    if ((Test-Connector 'EX01\Default Frontend EX01') -and (Test-Property 'EX01\Default Frontend EX01' 'RemoteIPRanges' @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255')) -and (Test-Property 'EX01\Default Frontend EX01' 'Fqdn' @('ex01.contoso.com')) -and (Test-Property 'EX01\Default Frontend EX01' 'MaxHopCount' @('60'))) {
        Set-ReceiveConnector -Identity 'EX01\Default Frontend EX01' -RemoteIPRanges @{Add='10.0.0.1'} -Fqdn $null -MaxHopCount 30 -ErrorAction Stop
    }

    # 3. EX01\Apps: created; TransportRole nothing -> FrontendTransport; Bindings +0.0.0.0:25 +[::]:25; RemoteIPRanges +10.7.0.0/24; PermissionGroups None -> AnonymousUsers; Rights +NT AUTHORITY\ANONYMOUS LOGON: ms-Exch-SMTP-Accept-Any-Recipient
    if (-not (Test-Connector 'EX01\Apps')) {
        New-ReceiveConnector -Name 'Apps' -Server 'EX01' -Usage Custom -Bindings '0.0.0.0:25','[::]:25' -RemoteIPRanges '10.7.0.0/24' -AuthMechanism 'None' -PermissionGroups 'AnonymousUsers' -TransportRole FrontendTransport -ErrorAction Stop
    }
    Get-ReceiveConnector -Identity 'EX01\Apps' -ErrorAction Stop | Add-ADPermission -User 'NT AUTHORITY\ANONYMOUS LOGON' -ExtendedRights 'ms-Exch-SMTP-Accept-Any-Recipient' -ErrorAction Stop

    # 4. EX02\Relay: removed
    if ((Test-Connector 'EX02\Relay') -and (Test-Property 'EX02\Relay' 'Enabled' @('True')) -and (Test-Property 'EX02\Relay' 'Bindings' @('0.0.0.0:25','[::]:25')) -and (Test-Property 'EX02\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24')) -and (Test-Property 'EX02\Relay' 'AuthMechanism' @('None')) -and (Test-Property 'EX02\Relay' 'PermissionGroups' @('AnonymousUsers'))) {
        Remove-ReceiveConnector -Identity 'EX02\Relay' -Confirm:$false -ErrorAction Stop
    }
} else {
    # Is everything as it was, or changed already?
    if (Test-Connector 'EX02\Relay') {
        Assert-Property 'EX02\Relay' 'Enabled' @('True')
        Assert-Property 'EX02\Relay' 'Bindings' @('0.0.0.0:25','[::]:25')
        Assert-Property 'EX02\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24')
        Assert-Property 'EX02\Relay' 'AuthMechanism' @('None')
        Assert-Property 'EX02\Relay' 'PermissionGroups' @('AnonymousUsers')
    }
    if (Test-Connector 'EX01\Apps') {
        Assert-Property 'EX01\Apps' 'Enabled' @('True')
        Assert-Property 'EX01\Apps' 'Bindings' @('0.0.0.0:25','[::]:25')
        Assert-Property 'EX01\Apps' 'RemoteIPRanges' @('10.7.0.0/24')
        Assert-Property 'EX01\Apps' 'AuthMechanism' @('None')
    }
    if (Test-Connector 'EX01\Default Frontend EX01') {
        Assert-Property 'EX01\Default Frontend EX01' 'RemoteIPRanges' @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255','10.0.0.1') @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255')
        Assert-Property 'EX01\Default Frontend EX01' 'Fqdn' @() @('ex01.contoso.com')
        Assert-Property 'EX01\Default Frontend EX01' 'MaxHopCount' @('30') @('60')
    } else {
        throw 'EX01\Default Frontend EX01 does not exist'
    }
    if (Test-Connector 'EX01\Relay') {
        Assert-Property 'EX01\Relay' 'RemoteIPRanges' @('10.0.0.0/24') @('10.0.0.1','10.0.0.0/24')
    } else {
        throw 'EX01\Relay does not exist'
    }
    if ($CheckOnly) { return }

    Write-Warning 'By -Rollback EX02\Relay comes back with what the export told of it, and with the defaults of New-ReceiveConnector for the rest.'
    if (-not (Test-Connector 'EX02\Relay')) {
        New-ReceiveConnector -Name 'Relay' -Server 'EX02' -Usage Custom -Bindings '0.0.0.0:25','[::]:25' -RemoteIPRanges '10.0.0.1','10.0.0.0/24' -AuthMechanism 'None' -PermissionGroups 'AnonymousUsers' -ErrorAction Stop
    }
    if ((Test-Connector 'EX01\Apps') -and (Test-Property 'EX01\Apps' 'Enabled' @('True')) -and (Test-Property 'EX01\Apps' 'Bindings' @('0.0.0.0:25','[::]:25')) -and (Test-Property 'EX01\Apps' 'RemoteIPRanges' @('10.7.0.0/24')) -and (Test-Property 'EX01\Apps' 'AuthMechanism' @('None'))) {
        Remove-ReceiveConnector -Identity 'EX01\Apps' -Confirm:$false -ErrorAction Stop
    }
    if ((Test-Connector 'EX01\Default Frontend EX01') -and (Test-Property 'EX01\Default Frontend EX01' 'RemoteIPRanges' @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255','10.0.0.1')) -and (Test-Property 'EX01\Default Frontend EX01' 'Fqdn' @()) -and (Test-Property 'EX01\Default Frontend EX01' 'MaxHopCount' @('30'))) {
        Set-ReceiveConnector -Identity 'EX01\Default Frontend EX01' -RemoteIPRanges @{Remove='10.0.0.1'} -Fqdn 'ex01.contoso.com' -MaxHopCount 60 -ErrorAction Stop
    }
    if ((Test-Connector 'EX01\Relay') -and (Test-Property 'EX01\Relay' 'RemoteIPRanges' @('10.0.0.0/24'))) {
        Set-ReceiveConnector -Identity 'EX01\Relay' -RemoteIPRanges @{Add='10.0.0.1'} -ErrorAction Stop
    }
}
