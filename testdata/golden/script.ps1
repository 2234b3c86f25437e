# EX01, EX02: four changes
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
    Assert-Connector 'EX01\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24')
    Assert-Connector 'EX01\Default Frontend EX01' 'RemoteIPRanges' @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255')
    Assert-Connector 'EX01\Default Frontend EX01' 'Fqdn' @('ex01.contoso.com')
    Assert-Connector 'EX01\Default Frontend EX01' 'MaxHopCount' @('60')
    Assert-NoConnector 'EX01\Apps'
    Assert-Connector 'EX02\Relay' 'Enabled' @('True')
    Assert-Connector 'EX02\Relay' 'Bindings' @('0.0.0.0:25','[::]:25')
    Assert-Connector 'EX02\Relay' 'RemoteIPRanges' @('10.0.0.1','10.0.0.0/24')
    Assert-Connector 'EX02\Relay' 'AuthMechanism' @('None')
    Assert-Connector 'EX02\Relay' 'PermissionGroups' @('AnonymousUsers')
    if ($CheckOnly) { return }

    # 1. EX01\Relay: RemoteIPRanges -10.0.0.1
    #    the first reason
    #    the second Throw 'a trap'
    Set-ReceiveConnector -Identity 'EX01\Relay' -RemoteIPRanges @{Remove='10.0.0.1'} -ErrorAction Stop

    # 2. EX01\Default Frontend EX01: RemoteIPRanges +10.0.0.1; Fqdn ex01.contoso.com -> nothing; MaxHopCount 60 -> 30
    Set-ReceiveConnector -Identity 'EX01\Default Frontend EX01' -RemoteIPRanges @{Add='10.0.0.1'} -Fqdn $null -MaxHopCount 30 -ErrorAction Stop

    # 3. EX01\Apps: created; TransportRole nothing -> FrontendTransport; Bindings +0.0.0.0:25 +[::]:25; RemoteIPRanges +10.7.0.0/24; PermissionGroups None -> AnonymousUsers; Rights +NT AUTHORITY\ANONYMOUS LOGON: ms-Exch-SMTP-Accept-Any-Recipient
    New-ReceiveConnector -Name 'Apps' -Server 'EX01' -Usage Custom -Bindings '0.0.0.0:25','[::]:25' -RemoteIPRanges '10.7.0.0/24' -AuthMechanism 'None' -PermissionGroups 'AnonymousUsers' -TransportRole FrontendTransport -ErrorAction Stop
    Get-ReceiveConnector -Identity 'EX01\Apps' | Add-ADPermission -User 'NT AUTHORITY\ANONYMOUS LOGON' -ExtendedRights 'ms-Exch-SMTP-Accept-Any-Recipient' -ErrorAction Stop

    # 4. EX02\Relay: removed
    Remove-ReceiveConnector -Identity 'EX02\Relay' -Confirm:$false -ErrorAction Stop
} else {
    # Are the connectors as they were?
    Assert-NoConnector 'EX02\Relay'
    Assert-Connector 'EX01\Apps' 'Enabled' @('True')
    Assert-Connector 'EX01\Apps' 'Bindings' @('0.0.0.0:25','[::]:25')
    Assert-Connector 'EX01\Apps' 'RemoteIPRanges' @('10.7.0.0/24')
    Assert-Connector 'EX01\Apps' 'AuthMechanism' @('None')
    Assert-Connector 'EX01\Apps' 'PermissionGroups' @('AnonymousUsers')
    Assert-Connector 'EX01\Default Frontend EX01' 'RemoteIPRanges' @('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0-255.255.255.255','10.0.0.1')
    Assert-Connector 'EX01\Default Frontend EX01' 'Fqdn' @()
    Assert-Connector 'EX01\Default Frontend EX01' 'MaxHopCount' @('30')
    Assert-Connector 'EX01\Relay' 'RemoteIPRanges' @('10.0.0.0/24')
    if ($CheckOnly) { return }
    # EX02\Relay comes back with what the export told of it, and with the defaults of New-ReceiveConnector for the rest

    New-ReceiveConnector -Name 'Relay' -Server 'EX02' -Usage Custom -Bindings '0.0.0.0:25','[::]:25' -RemoteIPRanges '10.0.0.1','10.0.0.0/24' -AuthMechanism 'None' -PermissionGroups 'AnonymousUsers' -ErrorAction Stop
    Remove-ReceiveConnector -Identity 'EX01\Apps' -Confirm:$false -ErrorAction Stop
    Set-ReceiveConnector -Identity 'EX01\Default Frontend EX01' -RemoteIPRanges @{Remove='10.0.0.1'} -Fqdn 'ex01.contoso.com' -MaxHopCount 60 -ErrorAction Stop
    Set-ReceiveConnector -Identity 'EX01\Relay' -RemoteIPRanges @{Add='10.0.0.1'} -ErrorAction Stop
}
