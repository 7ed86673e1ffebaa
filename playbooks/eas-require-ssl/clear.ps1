# clear.ps1 - WRITES AccessSSLFlags of one metabase key, and nothing else.
#
# What it does: compares the key's flags with Before; only if they are equal, writes After on the key itself, saves
#               the metabase to disk, reads the key again and answers with what it read. It restarts nothing.
# Arguments:    Path     the key, such as "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
#               Before   the flags that the key must have now, as a number
#               After    the flags that it is to have
#               Held     "explicit" or "inherited": how the key must hold Before now; empty: not compared
# Answers:      one object, Kind = 'written': Path, Before, Found, After, Flags (read back), Explicit (read back),
#               Changed (false: it was right already), Saved, Message (why it was not saved)
# Refuses:      an error that starts with "refused:" means that nothing was changed.
# Undo:         restore.ps1: writes the old flags, or deletes this value where the old one was inherited (2.3).
# Facts:        numbers such as "2.3" are sections of the domain reference.

param([string]$Path, [int]$Before, [int]$After, [string]$Held = '')
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

# A directory or a key below one, never a web site: Outlook Web Access depends on the site's value (2.3).
if ($Path -notmatch '^W3SVC/\d+/ROOT/.+$') {
    throw "refused: nothing was changed: $Path is not a directory of a web site"
}
if (-not [System.DirectoryServices.DirectoryEntry]::Exists("IIS://localhost/$Path")) {
    throw "refused: nothing was changed: there is no $Path"
}
$directory = [ADSI]"IIS://localhost/$Path"
$found = [int]$directory.psbase.Properties['AccessSSLFlags'].Value
$isOwn = Test-Own -Path $Path -Name 'AccessSSLFlags'
$isRight = ($found -eq $After) -and $isOwn
if (-not $isRight) {
    $holding = 'inherited'
    if ($isOwn) { $holding = 'explicit' }
    if ($found -ne $Before) {
        throw "refused: nothing was changed: $Path has AccessSSLFlags $found ($holding), not $Before as planned"
    }
    if ($Held -and ($Held -ne $holding)) {
        throw "refused: nothing was changed: $Path has AccessSSLFlags $found $holding, not $Held as planned"
    }
    $directory.Put('AccessSSLFlags', $After)
    $directory.SetInfo()
}

# The change acts at once, but lives in memory only until it is saved; iisreset may lose it (2.5, 2.6).
$message = ''
try {
    ([ADSI]'IIS://localhost').psbase.Invoke('SaveData') | Out-Null
} catch {
    $message = $_.Exception.GetBaseException().Message
}

$again = [ADSI]"IIS://localhost/$Path"
New-Object -TypeName 'PSObject' -Property @{
    Kind = 'written'
    Path = $Path
    Before = $Before
    Found = $found
    After = $After
    Flags = [int]$again.psbase.Properties['AccessSSLFlags'].Value
    Explicit = Test-Own -Path $Path -Name 'AccessSSLFlags'
    Changed = (-not $isRight)
    Saved = ($message -eq '')
    Message = $message
}
