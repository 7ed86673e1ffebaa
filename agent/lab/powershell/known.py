"""Owns the names of PowerShell 2.0's own cmdlets, and of well-known later ones: a name says what a refusal is about."""

from __future__ import annotations

_CMDLETS_2_0 = """
    Add-Computer Add-Content Add-History Add-Member Add-PSSnapin Add-Type Checkpoint-Computer Clear-Content
    Clear-EventLog Clear-History Clear-Item Clear-ItemProperty Clear-Variable Compare-Object
    Complete-Transaction Connect-WSMan Convert-Path ConvertFrom-Csv ConvertFrom-SecureString
    ConvertFrom-StringData ConvertTo-Csv ConvertTo-Html ConvertTo-SecureString ConvertTo-Xml Copy-Item
    Copy-ItemProperty Debug-Process Disable-ComputerRestore Disable-PSBreakpoint Disable-PSSessionConfiguration
    Disable-WSManCredSSP Disconnect-WSMan Enable-ComputerRestore Enable-PSBreakpoint Enable-PSRemoting
    Enable-PSSessionConfiguration Enable-WSManCredSSP Enter-PSSession Exit-PSSession Export-Alias Export-Clixml
    Export-Console Export-Counter Export-Csv Export-FormatData Export-ModuleMember Export-PSSession
    ForEach-Object Format-Custom Format-List Format-Table Format-Wide Get-Acl Get-Alias
    Get-AuthenticodeSignature Get-ChildItem Get-Command Get-ComputerRestorePoint Get-Content Get-Counter
    Get-Credential Get-Culture Get-Date Get-Event Get-EventLog Get-EventSubscriber Get-ExecutionPolicy
    Get-FormatData Get-Help Get-History Get-Host Get-HotFix Get-Item Get-ItemProperty Get-Job Get-Location
    Get-Member Get-Module Get-PSBreakpoint Get-PSCallStack Get-PSDrive Get-PSProvider Get-PSSession
    Get-PSSessionConfiguration Get-PSSnapin Get-PfxCertificate Get-Process Get-Random Get-Service
    Get-TraceSource Get-Transaction Get-UICulture Get-Unique Get-Variable Get-WSManCredSSP Get-WSManInstance
    Get-WinEvent Get-WmiObject Group-Object Import-Alias Import-Clixml Import-Counter Import-Csv
    Import-LocalizedData Import-Module Import-PSSession Invoke-Command Invoke-Expression Invoke-History
    Invoke-Item Invoke-WSManAction Invoke-WmiMethod Join-Path Limit-EventLog Measure-Command Measure-Object
    Move-Item Move-ItemProperty New-Alias New-Event New-EventLog New-Item New-ItemProperty New-Module
    New-ModuleManifest New-Object New-PSDrive New-PSSession New-PSSessionOption New-Service New-TimeSpan
    New-Variable New-WSManInstance New-WSManSessionOption New-WebServiceProxy Out-Default Out-File Out-GridView
    Out-Host Out-Null Out-Printer Out-String Pop-Location Push-Location Read-Host Receive-Job
    Register-EngineEvent Register-ObjectEvent Register-PSSessionConfiguration Register-WmiEvent Remove-Computer
    Remove-Event Remove-EventLog Remove-Item Remove-ItemProperty Remove-Job Remove-Module Remove-PSBreakpoint
    Remove-PSDrive Remove-PSSession Remove-PSSnapin Remove-Variable Remove-WSManInstance Remove-WmiObject
    Rename-Item Rename-ItemProperty Reset-ComputerMachinePassword Resolve-Path Restart-Computer Restart-Service
    Restore-Computer Resume-Service Select-Object Select-String Select-Xml Send-MailMessage Set-Acl Set-Alias
    Set-AuthenticodeSignature Set-Content Set-Date Set-ExecutionPolicy Set-Item Set-ItemProperty Set-Location
    Set-PSBreakpoint Set-PSDebug Set-PSSessionConfiguration Set-Service Set-StrictMode Set-TraceSource
    Set-Variable Set-WSManInstance Set-WSManQuickConfig Set-WmiInstance Show-EventLog Sort-Object Split-Path
    Start-Job Start-Process Start-Service Start-Sleep Start-Transaction Start-Transcript Stop-Computer Stop-Job
    Stop-Process Stop-Service Stop-Transcript Suspend-Service Tee-Object Test-ComputerSecureChannel
    Test-Connection Test-ModuleManifest Test-Path Test-WSMan Trace-Command Undo-Transaction Unregister-Event
    Unregister-PSSessionConfiguration Update-FormatData Update-List Update-TypeData Use-Transaction Wait-Event
    Wait-Job Wait-Process Where-Object Write-Debug Write-Error Write-EventLog Write-Host Write-Output
    Write-Progress Write-Verbose Write-Warning
"""
_LATER = """
    Compress-Archive Connect-PSSession ConvertFrom-Json ConvertFrom-String ConvertTo-Json Disconnect-PSSession
    Expand-Archive Format-Hex Get-CimClass Get-CimInstance Get-CimSession Get-Clipboard Get-ComputerInfo
    Get-ControlPanelItem Get-Disk Get-Error Get-FileHash Get-ItemPropertyValue Get-LocalGroup Get-LocalUser
    Get-NetAdapter Get-NetIPAddress Get-PSHostProcessInfo Get-ScheduledTask Get-SmbShare Get-TimeZone
    Get-TypeData Get-Volume Import-PowerShellDataFile Invoke-CimMethod Invoke-RestMethod Invoke-WebRequest
    Join-String New-CimInstance New-CimSession New-Guid New-TemporaryFile Receive-PSSession
    Register-ScheduledTask Remove-CimInstance Rename-Computer Resolve-DnsName Set-CimInstance Set-Clipboard
    Show-Command Test-NetConnection Test-PSSessionConfigurationFile Unblock-File Wait-Debugger Write-Information
"""
CMDLETS_2_0 = frozenset(name.lower() for name in _CMDLETS_2_0.split())
LATER = frozenset(name.lower() for name in _LATER.split())  # 3.0 to 5.1: absent on a Server 2003, domain 6.5
