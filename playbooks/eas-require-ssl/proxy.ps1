# proxy.ps1 - READS. It changes nothing. It is sent to a Client Access server.
#
# What it does: tells what of this server's own settings can keep phones of an Exchange 2003 mailbox out.
# Arguments:    none.
# Answers:      one object, Kind = 'proxy':
#   Computer, Addresses (of this server, as its own name resolves), WebService (state of W3SVC),
#   ConfigFile (web.config of the ActiveSync application; empty where none was found),
#   BlocksLegacy (BlockLegacyMailboxes as web.config says; empty where the file cannot be read) (1.6),
#   Message (why it could not be read)
# Undo:         nothing to undo.
# Facts:        numbers such as "1.6" are sections of the domain reference.

param()
$ErrorActionPreference = 'Stop'

function Get-InstallFolder {
    # Exchange 2010 and 2007 say where they are; the usual places come after (aa997899).
    foreach ($key in @('HKLM:\SOFTWARE\Microsoft\ExchangeServer\v14\Setup', 'HKLM:\SOFTWARE\Microsoft\Exchange\Setup')) {
        if (Test-Path -Path $key) {
            $folder = [string](Get-ItemProperty -Path $key).MsiInstallPath
            if ($folder) { $folder.TrimEnd('\') }
        }
    }
    "$env:SystemDrive\Program Files\Microsoft\Exchange Server\V14"
    "$env:SystemDrive\Program Files\Microsoft\Exchange Server"
}

$answer = @{
    Kind = 'proxy'
    Computer = $env:COMPUTERNAME
    Addresses = @()
    WebService = "$((Get-Service -Name 'W3SVC').Status)"
    ConfigFile = ''
    BlocksLegacy = $null
    Message = ''
}
foreach ($folder in @(Get-InstallFolder)) {
    $file = "$folder\ClientAccess\Sync\web.config"
    if (($answer.ConfigFile -eq '') -and [System.IO.File]::Exists($file)) { $answer.ConfigFile = $file }
}
try {
    $answer.Addresses = @([System.Net.Dns]::GetHostAddresses($env:COMPUTERNAME) | ForEach-Object { "$_" })
    if ($answer.ConfigFile) {
        $text = [System.IO.File]::ReadAllText($answer.ConfigFile)
        $answer.BlocksLegacy = ($text -match '(?i)<add\s+key="BlockLegacyMailboxes"\s+value="true"')
    } else {
        $answer.Message = 'no web.config of the ActiveSync application was found'
    }
} catch {
    $answer.Message = $_.Exception.GetBaseException().Message
}
New-Object -TypeName 'PSObject' -Property $answer
