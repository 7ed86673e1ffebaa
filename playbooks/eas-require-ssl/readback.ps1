# readback.ps1 - READS. It changes nothing on the server.
#
# What it does: tells the SSL flags of the given metabase keys, in memory and in the saved file.
# Arguments:    Path   the keys, such as "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
# Answers:      one object per key, Kind = 'flags':
#   Path, Exists, Flags, Explicit (the key itself holds the value), InheritedFrom,
#   IsFileReadable, SavedExplicit (MetaBase.xml holds a value on the key itself), SavedFlags (that value, in the file's
#   own words), SavedWord (the same as a number), SavedAt (when the file was written, UTC), Message (why it could not
#   be read)
# Undo:         nothing to undo.
# Facts:        numbers such as "2.5" are sections of the domain reference.

param([string[]]$Path)
$ErrorActionPreference = 'Stop'

function Test-Own {
    # True where the key itself holds the property. IIS calls the attribute IsInherit (2.3, KB296125).
    # 0x800CC801 = no data: the property is set nowhere on the way up, so the schema's default is in force.
    param([string]$Path, [string]$Name)
    $key = [ADSI]"IIS://localhost/$Path"
    try {
        return -not $key.psbase.Invoke('GetPropertyAttribObj', $Name).IsInherit
    } catch {
        if ($_.Exception.GetBaseException().ErrorCode -ne -2146646015) { throw }
        return $false
    }
}

function Get-Holder {
    # The nearest key upwards whose own value is in force; empty for the computer's root or the schema (2.3).
    param([string]$Path, [string]$Name)
    $key = $Path
    while ($key.Contains('/')) {
        $key = $key.Substring(0, $key.LastIndexOf('/'))
        if (Test-Own -Path $key -Name $Name) { return $key }
    }
    return ''
}

function Get-Word {
    # The number behind words such as "AccessSSL | AccessSSL128" (2.1); unknown bits may make it larger than an [int].
    param([string]$Words)
    $bits = @{
        AccessSSL = 8
        AccessSSLNegotiateCert = 32
        AccessSSLRequireCert = 64
        AccessSSLMapCert = 128
        AccessSSL128 = 256
    }
    $sum = [long]0
    foreach ($name in @($Words -split '\s*\|\s*')) {
        if ($bits.ContainsKey($name)) { $sum = $sum -bor $bits[$name] }
        if ($name -match '^\d+$') { $sum = $sum -bor [long]$name }
    }
    $sum
}

# What an iisreset that kills IISADMIN leaves behind is what the file says (2.5, 2.6).
$file = "$env:SystemRoot\system32\inetsrv\MetaBase.xml"
$saved = ''
$message = ''
try {
    $saved = [System.IO.File]::ReadAllText($file)
} catch {
    $message = $_.Exception.GetBaseException().Message
}
$isReadable = ($message -eq '')
$savedAt = ''
if ($isReadable) { $savedAt = [System.IO.File]::GetLastWriteTimeUtc($file).ToString('o') }

foreach ($key in $Path) {
    $exists = [System.DirectoryServices.DirectoryEntry]::Exists("IIS://localhost/$key")
    $answer = @{
        Kind = 'flags'
        Path = $key
        Exists = $exists
        Flags = $null
        Explicit = $false
        InheritedFrom = ''
        IsFileReadable = $isReadable
        SavedExplicit = $false
        SavedFlags = ''
        SavedWord = $null
        SavedAt = $savedAt
        Message = $message
    }
    if ($exists) {
        $directory = [ADSI]"IIS://localhost/$key"
        $answer.Flags = [int]$directory.psbase.Properties['AccessSSLFlags'].Value
        $answer.Explicit = Test-Own -Path $key -Name 'AccessSSLFlags'
        if (-not $answer.Explicit) { $answer.InheritedFrom = Get-Holder -Path $key -Name 'AccessSSLFlags' }
    }
    # In the file a key looks like <IIsWebVirtualDir Location="/LM/W3SVC/1/ROOT/..." AccessSSLFlags="AccessSSL">.
    $element = '(?is)<\w+\s+Location\s*=\s*"/LM/' + [regex]::Escape($key) + '"[^>]*'
    $attribute = '(?is)\sAccessSSLFlags\s*=\s*"([^"]*)"'
    if (($saved -match $element) -and ($matches[0] -match $attribute)) {
        $answer.SavedExplicit = $true
        $answer.SavedFlags = $matches[1]
        $answer.SavedWord = Get-Word -Words $matches[1]
    }
    New-Object -TypeName 'PSObject' -Property $answer
}
