# restart-status.ps1 - READS. It changes nothing on the server and starts nothing.
#
# What it does: reports what the notes of restart.ps1 or recycle.ps1 say about a run, and how the services are now.
# Arguments:    Run              the run's id: letters, digits and dashes
#               DeadlineSeconds  after this time without an end the restart counts as overdue
#               What             "restart" (default) or "recycle"
#               WaitSeconds      while the restart goes on, wait so long for its end before answering (default 0)
# Answers:      one object, Kind = 'restart':
#   Run, State: absent (never claimed, or closed), claimed (no worker yet), running, ended, overdue,
#   ClaimedAt, StartedAt, EndedAt (UTC), ExitCode (0 = good; empty before the end), Seconds (that iisreset took),
#   Output, RanBefore (names of the services that ran), Created (always false: this script starts nothing)
#               and one object per service that a restart of IIS stops, Kind = 'service':
#   Name, DisplayName, State, StartMode, RanBefore
# Undo:         nothing to undo.
# Facts:        numbers such as "5.1" are sections of the domain reference.

param([string]$Run, [int]$DeadlineSeconds = 600, [string]$What = 'restart', [int]$WaitSeconds = 0)
$ErrorActionPreference = 'Stop'
if ($Run -notmatch '^[A-Za-z0-9-]+$') { throw 'refused: Run must be letters, digits and dashes' }
if (@('restart', 'recycle') -notcontains $What) { throw 'refused: What must be restart or recycle' }

function Read-Note {
    # The lines Name=Value of the notes beside the marker.
    param([string]$Path)
    $read = @{}
    foreach ($part in @('before', 'started', 'ended')) {
        if ([System.IO.File]::Exists("$Path.$part")) {
            foreach ($line in @([System.IO.File]::ReadAllText("$Path.$part") -split "`r`n")) {
                $at = $line.IndexOf('=')
                if ($at -gt 0) { $read[$line.Substring(0, $at)] = $line.Substring($at + 1) }
            }
        }
    }
    $read
}

function Get-State {
    param([string]$Path, $Note)
    if ($Note['EndedAt']) { return 'ended' }
    $claimed = [System.IO.File]::GetLastWriteTimeUtc($Path)
    # Asked after the time: of a file that is not there, the time would be the year 1601.
    if (-not [System.IO.File]::Exists($Path)) { return 'absent' }
    if ([DateTime]::UtcNow -gt $claimed.AddSeconds($DeadlineSeconds)) { return 'overdue' }
    if ($Note['StartedAt']) { return 'running' }
    return 'claimed'
}

$marker = "$env:SystemRoot\easfix\$Run.$What"
$note = Read-Note -Path $marker
# One question that waits is less work for the server than many that do not.
$until = [DateTime]::UtcNow.AddSeconds($WaitSeconds)
while (([DateTime]::UtcNow -lt $until) -and (@('claimed', 'running') -contains (Get-State -Path $marker -Note $note))) {
    Start-Sleep -Milliseconds 250
    $note = Read-Note -Path $marker
}
$claimedAt = ''
if ([System.IO.File]::Exists($marker)) { $claimedAt = [System.IO.File]::GetLastWriteTimeUtc($marker).ToString('o') }
$code = $null
if ($note['ExitCode']) { $code = [int]$note['ExitCode'] }
$seconds = $null
if ($note['Milliseconds']) { $seconds = [int]$note['Milliseconds'] / 1000.0 }
$ranBefore = @("$($note['RanBefore'])" -split '/' | Where-Object { $_ })
New-Object -TypeName 'PSObject' -Property @{
    Kind = 'restart'
    Run = $Run
    Created = $false
    State = Get-State -Path $marker -Note $note
    ClaimedAt = $claimedAt
    StartedAt = [string]$note['StartedAt']
    EndedAt = [string]$note['EndedAt']
    ExitCode = $code
    Seconds = $seconds
    Output = [string]$note['Output']
    RanBefore = $ranBefore
}

# A restart of IIS stops IISADMIN and with it all that depends on it (5.1). On a proxy, with IIS 7, W3SVC depends on
# WAS, which is stopped too.
$roots = @(Get-Service | Where-Object { @('IISADMIN', 'WAS') -contains $_.Name })
$touched = @($roots | ForEach-Object { $_.Name }) + @($roots | ForEach-Object { $_.DependentServices } |
    ForEach-Object { $_.Name })
foreach ($service in @(Get-WmiObject -Class 'Win32_Service')) {
    if ($touched -contains $service.Name) {
        New-Object -TypeName 'PSObject' -Property @{
            Kind = 'service'
            Name = $service.Name
            DisplayName = $service.DisplayName
            State = $service.State -replace ' ', ''
            StartMode = $service.StartMode
            RanBefore = ($ranBefore -contains $service.Name)
        }
    }
}
