# recycle.ps1 - WRITES: recycles one application pool, at most once per run, however often it is sent.
#
# What it does: creates the file <run>.recycle with CreateNew, which only one caller can do, asks IIS to recycle the
#               pool, and writes beside the file how that ended. New requests get a new worker process, old ones
#               finish in the old one; no service stops (5.4). A caller that finds the file recycles nothing.
# Arguments:    Run      the run's id: letters, digits and dashes
#               AppPool  name of the application pool, such as "ExchangeApplicationPool"
# Answers:      one object, Kind = 'restart', like restart.ps1: Run, Created, State (claimed or ended), ClaimedAt,
#               EndedAt, ExitCode (0 = recycled, 1 = IIS refused), Output (why), AppPool
# Refuses:      an error that starts with "refused:" means that nothing was recycled and no file was left.
# Undo:         none needed: nothing is changed that lasts.
# Files:        %SystemRoot%\easfix - only administrators may write there - removed by close.ps1.
# Facts:        numbers such as "5.4" are sections of the domain reference.

param([string]$Run, [string]$AppPool)
$ErrorActionPreference = 'Stop'
if ($Run -notmatch '^[A-Za-z0-9-]+$') { throw 'refused: nothing was recycled: Run must be letters, digits and dashes' }
$folder = "$env:SystemRoot\easfix"
$marker = "$folder\$Run.recycle"

function New-Marker {
    # True for the one caller that created the file, false for everybody who found it.
    param([string]$Path)
    try {
        $file = [System.IO.File]::Open($Path, [System.IO.FileMode]::CreateNew)
        $file.Close()
        return $true
    } catch {
        if ([System.IO.File]::Exists($Path)) { return $false }
        throw "refused: nothing was started: $($_.Exception.GetBaseException().Message)"
    }
}

$pool = "IIS://localhost/W3SVC/AppPools/$AppPool"
$created = $false
if (-not [System.IO.File]::Exists($marker)) {
    if (-not ($AppPool -and [System.DirectoryServices.DirectoryEntry]::Exists($pool))) {
        throw "refused: nothing was recycled: there is no application pool $AppPool"
    }
    try {
        [System.IO.Directory]::CreateDirectory($folder) | Out-Null
    } catch {
        throw "refused: nothing was recycled: $($_.Exception.GetBaseException().Message)"
    }
    $created = New-Marker -Path $marker
}
if ($created) {
    $code = 0
    $said = ''
    try {
        ([ADSI]$pool).psbase.Invoke('Recycle') | Out-Null
    } catch {
        $code = 1
        $said = ($_.Exception.GetBaseException().Message -split "`r`n") -join ' '
    }
    $note = "EndedAt=$([DateTime]::UtcNow.ToString('o'))`r`nExitCode=$code`r`nOutput=$said"
    [System.IO.File]::WriteAllText("$marker.ended.new", $note)
    [System.IO.File]::Move("$marker.ended.new", "$marker.ended")
}

$note = @{}
if ([System.IO.File]::Exists("$marker.ended")) {
    foreach ($line in @([System.IO.File]::ReadAllText("$marker.ended") -split "`r`n")) {
        $at = $line.IndexOf('=')
        if ($at -gt 0) { $note[$line.Substring(0, $at)] = $line.Substring($at + 1) }
    }
}
$state = 'claimed'
$code = $null
if ($note['EndedAt']) {
    $state = 'ended'
    $code = [int]$note['ExitCode']
}
New-Object -TypeName 'PSObject' -Property @{
    Kind = 'restart'
    Run = $Run
    Created = $created
    State = $state
    ClaimedAt = [System.IO.File]::GetLastWriteTimeUtc($marker).ToString('o')
    EndedAt = [string]$note['EndedAt']
    ExitCode = $code
    Output = [string]$note['Output']
    AppPool = $AppPool
}
