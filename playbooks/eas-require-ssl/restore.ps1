# restore.ps1 - WRITES AccessSSLFlags of one metabase key, and nothing else: the undo of clear.ps1.
#
# What it does: compares the key's own flags with Before, the value that clear.ps1 wrote; only if they are equal, puts
#               the old state back, saves the metabase to disk, reads the key again and answers with what it read.
# Arguments:    Path     the key, such as "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
#               Before   the flags that the key must have now, as a number
#               After    the flags that it had before clear.ps1
#               Held     "explicit": After is written on the key; "inherited": the key's own value is deleted, so that
#                        the parent's is in force again (2.3)
# Answers:      one object, Kind = 'written': Path, Before, Found, After, Flags (read back), Explicit (read back),
#               Changed (false: it was as before already), Saved, Message (why it was not saved).
#               Flags differ from After where Held is "inherited" and the parent has changed since.
# Refuses:      an error that starts with "refused:" means that nothing was changed.
# Undo:         clear.ps1.
# Facts:        numbers such as "2.3" are sections of the domain reference.

param([string]$Path, [int]$Before, [int]$After, [string]$Held)
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

if (@('explicit', 'inherited') -notcontains $Held) {
    throw 'refused: nothing was changed: Held must be explicit or inherited'
}
if ($Path -notmatch '^W3SVC/\d+/ROOT/.+$') {
    throw "refused: nothing was changed: $Path is not a directory of a web site"
}
if (-not [System.DirectoryServices.DirectoryEntry]::Exists("IIS://localhost/$Path")) {
    throw "refused: nothing was changed: there is no $Path"
}
$directory = [ADSI]"IIS://localhost/$Path"
$found = [int]$directory.psbase.Properties['AccessSSLFlags'].Value
$isOwn = Test-Own -Path $Path -Name 'AccessSSLFlags'
$isRight = (-not $isOwn)
if ($Held -eq 'explicit') { $isRight = $isOwn -and ($found -eq $After) }
if (-not $isRight) {
    if (($found -ne $Before) -or (-not $isOwn)) {
        throw "refused: nothing was changed: $Path has AccessSSLFlags $found, and easfix left it with its own $Before"
    }
    if ($Held -eq 'explicit') {
        $directory.Put('AccessSSLFlags', $After)
    } else {
        # 1 = ADS_PROPERTY_CLEAR: removes the value from the key, so that inherited data is used again (IIS SDK, PutEx).
        $directory.PutEx(1, 'AccessSSLFlags', '')
    }
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
