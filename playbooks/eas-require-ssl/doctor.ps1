# doctor.ps1 - READS. It changes nothing on the server.
#
# What it does: tells whether this server is ready for easfix. Each fact is asked for by itself, so that one that
#               cannot be had does not hide the others.
# Arguments:    Role   back-end: everything; proxy: only session, name and quota
# Answers:      one object per fact, told apart by the property Kind:
#   session    who runs this, how, and when: Utc, HostName, PowerShell, WinRm, Windows, Administrator, Authentication
#   name       Computer, Fqdn
#   quota      the limits of WinRM shells, as text: MaxShellsPerUser, MaxProcessesPerShell, MaxMemoryPerShellMB
#   iis        State (of IISADMIN), Sites (how many web sites the ADSI provider shows)
#   iisreset   IsGood (it is enabled and answers), Said
#   disk       FreeMegabytes (of the system drive), MetabaseKilobytes (of what a backup copies)
#   exchange   Build (0 where the registry has none)
#              All but session have Message: why the fact could not be had; empty where it could.
# Undo:         nothing to undo.
# Facts:        numbers such as "2.7" are sections of the domain reference.

param([string]$Role = 'back-end')
$ErrorActionPreference = 'Stop'

function Test-Administrator {
    $me = New-Object -TypeName 'System.Security.Principal.WindowsPrincipal' -ArgumentList (
        [System.Security.Principal.WindowsIdentity]::GetCurrent())
    $me.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
}

function Get-ResetStatus {
    # "iisreset /status" only asks. With iisreset disabled it fails too: ERROR_RESOURCE_DISABLED (5.3, ms525497).
    $ErrorActionPreference = 'Continue'
    $said = @(& "$env:SystemRoot\system32\iisreset.exe" '/status' 2>&1 | ForEach-Object { "$_".Trim() })
    New-Object -TypeName 'PSObject' -Property @{ IsGood = ($LASTEXITCODE -eq 0); Said = ($said -join ' ').Trim() }
}

function Get-RegistryValue {
    # A value of HKEY_LOCAL_MACHINE, or nothing where the key or the value is missing.
    param([string]$Key, [string]$Name)
    if (Test-Path -Path "HKLM:\$Key") {
        $properties = Get-ItemProperty -Path "HKLM:\$Key"
        $properties.$Name
    }
}

function Get-Session {
    # A PowerShell remoting session calls its host ServerRemoteHost, powershell.exe calls it ConsoleHost.
    $me = [System.Security.Principal.WindowsIdentity]::GetCurrent()
    New-Object -TypeName 'PSObject' -Property @{
        Kind = 'session'
        Utc = [DateTime]::UtcNow.ToString('o')
        HostName = $Host.Name
        PowerShell = "$($PSVersionTable.PSVersion)"
        WinRm = "$($PSVersionTable.WSManStackVersion)"
        Windows = [string](Get-RegistryValue -Key 'SOFTWARE\Microsoft\Windows NT\CurrentVersion' -Name 'CurrentVersion')
        Administrator = Test-Administrator
        Authentication = $me.AuthenticationType
    }
}

function Get-FullName {
    $answer = @{ Kind = 'name'; Computer = $env:COMPUTERNAME; Fqdn = ''; Message = '' }
    try {
        $system = Get-WmiObject -Class 'Win32_ComputerSystem'
        $answer.Fqdn = "$($system.Name).$($system.Domain)".ToLower()
    } catch {
        $answer.Message = $_.Exception.GetBaseException().Message
    }
    New-Object -TypeName 'PSObject' -Property $answer
}

function Get-Quota {
    # The limits in force, policies included (6.1).
    $answer = @{
        Kind = 'quota'
        MaxShellsPerUser = ''
        MaxProcessesPerShell = ''
        MaxMemoryPerShellMB = ''
        Message = ''
    }
    try {
        $shells = Get-WSManInstance -ResourceURI 'winrm/config/winrs'
        $answer.MaxShellsPerUser = [string]$shells.MaxShellsPerUser
        $answer.MaxProcessesPerShell = [string]$shells.MaxProcessesPerShell
        $answer.MaxMemoryPerShellMB = [string]$shells.MaxMemoryPerShellMB
    } catch {
        $answer.Message = $_.Exception.GetBaseException().Message
    }
    New-Object -TypeName 'PSObject' -Property $answer
}

function Get-Iis {
    # The provider would start IISADMIN where it is stopped, so it is asked only where it runs.
    $answer = @{ Kind = 'iis'; State = ''; Sites = 0; Message = '' }
    try {
        $answer.State = [string](Get-Service -Name 'IISADMIN').Status
        $sites = 0
        if ($answer.State -eq 'Running') {
            foreach ($site in @(([ADSI]'IIS://localhost/W3SVC').psbase.Children)) {
                if ($site.psbase.SchemaClassName -eq 'IIsWebServer') { $sites++ }
            }
        }
        $answer.Sites = $sites
    } catch {
        $answer.Message = $_.Exception.GetBaseException().Message
    }
    New-Object -TypeName 'PSObject' -Property $answer
}

function Get-Reset {
    $answer = @{ Kind = 'iisreset'; IsGood = $false; Said = ''; Message = '' }
    try {
        $status = Get-ResetStatus
        $answer.IsGood = $status.IsGood
        $answer.Said = $status.Said
    } catch {
        $answer.Message = $_.Exception.GetBaseException().Message
    }
    New-Object -TypeName 'PSObject' -Property $answer
}

function Get-Disk {
    # A backup copies the metabase and its schema into system32\inetsrv\MetaBack (2.7, KB324277).
    $answer = @{ Kind = 'disk'; FreeMegabytes = 0; MetabaseKilobytes = 0; Message = '' }
    try {
        $disk = Get-WmiObject -Class 'Win32_LogicalDisk' -Filter "DeviceID = '$env:SystemDrive'"
        $answer.FreeMegabytes = [int][Math]::Floor([double]$disk.FreeSpace / 1048576)
        $bytes = 0
        foreach ($name in @('MetaBase.xml', 'MBSchema.xml')) {
            $path = "$env:SystemRoot\system32\inetsrv\$name"
            if ([System.IO.File]::Exists($path)) {
                foreach ($file in @(Get-Item -Path $path)) { $bytes = $bytes + $file.Length }
            }
        }
        $answer.MetabaseKilobytes = [int][Math]::Floor($bytes / 1024) + 1
    } catch {
        $answer.Message = $_.Exception.GetBaseException().Message
    }
    New-Object -TypeName 'PSObject' -Property $answer
}

function Get-Exchange {
    # The build tells the service pack (7.1).
    $answer = @{ Kind = 'exchange'; Build = 0; Message = '' }
    try {
        $answer.Build = [int](Get-RegistryValue -Key 'SOFTWARE\Microsoft\Exchange\Setup' -Name 'NewestBuild')
    } catch {
        $answer.Message = $_.Exception.GetBaseException().Message
    }
    New-Object -TypeName 'PSObject' -Property $answer
}

Get-Session
Get-FullName
Get-Quota
if ($Role -eq 'back-end') {
    Get-Iis
    Get-Reset
    Get-Disk
    Get-Exchange
}
