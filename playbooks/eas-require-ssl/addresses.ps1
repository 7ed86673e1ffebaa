# addresses.ps1 - READS. It changes nothing on the server.
#
# What it does: tells which addresses each Microsoft-Server-ActiveSync directory admits (2.9: others get 403.6).
# Arguments:    none.
# Answers:      one object per directory, Kind = 'addresses':
#   Path, GrantByDefault (everybody is admitted who is not in Denied; else only who is in Granted),
#   Granted, Denied ("address, mask" each)
# Undo:         nothing to undo.
# Facts:        numbers such as "2.9" are sections of the domain reference.

param()
$ErrorActionPreference = 'Stop'

# Through WMI: the ADSI object behind IPSecurity has no properties that PowerShell can see (IIsIPSecuritySetting).
$namespace = 'root\MicrosoftIISv2'
foreach ($site in @(([ADSI]'IIS://localhost/W3SVC').psbase.Children)) {
    $path = "W3SVC/$($site.psbase.Name)/ROOT/Microsoft-Server-ActiveSync"
    if (($site.psbase.SchemaClassName -eq 'IIsWebServer') -and
        [System.DirectoryServices.DirectoryEntry]::Exists("IIS://localhost/$path")) {
        $where = "Name = '$path'"
        foreach ($found in @(Get-WmiObject -Namespace $namespace -Class 'IIsIPSecuritySetting' -Filter $where)) {
            New-Object -TypeName 'PSObject' -Property @{
                Kind = 'addresses'
                Path = $path
                GrantByDefault = [bool]$found.GrantByDefault
                Granted = @($found.IPGrant | Where-Object { $_ })
                Denied = @($found.IPDeny | Where-Object { $_ })
            }
        }
    }
}
