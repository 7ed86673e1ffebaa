# restart.ps1 - WRITES: restarts IIS with "iisreset /noforce", at most once per run, however often it is sent.
#
# What it does: creates the file <run>.restart with CreateNew, which only one caller can do; notes beside it which
#               services ran before; and starts a worker through WMI, outside this session, so that the worker
#               outlives it (5.1). The worker runs iisreset and writes start, end and exit code beside the file.
#               A caller that finds the file there starts nothing and reports what the notes say.
# Arguments:    Run              the run's id: letters, digits and dashes
#               TimeoutSeconds   given to iisreset: how long services may take to stop (5.3)
#               DeadlineSeconds  after this time without an end the restart counts as overdue. A worker that gets to
#                                run only after half of it does nothing: somebody may already be putting things right
# Answers:      one object, Kind = 'restart', the same as restart-status.ps1:
#   Run, Created (this call started it), State: claimed (no worker yet), running, ended, overdue, or absent where
#   another call claimed it and then could start nothing,
#   ClaimedAt, StartedAt, EndedAt (UTC), ExitCode (0 = good; empty before the end), Seconds (that iisreset took),
#   Output, RanBefore (names of the services that ran)
# Refuses:      an error that starts with "refused:" means that nothing was started and no file was left.
#               Any other error leaves the file, so that sending the script again can never restart twice.
# Undo:         none: a restart cannot be taken back. start-services.ps1 starts what did not come back (5.2).
# Files:        %SystemRoot%\easfix - only administrators may write there - removed by close.ps1.
# Facts:        numbers such as "5.1" are sections of the domain reference.

param([string]$Run, [int]$TimeoutSeconds = 60, [int]$DeadlineSeconds = 600)
$ErrorActionPreference = 'Stop'
if ($Run -notmatch '^[A-Za-z0-9-]+$') { throw 'refused: nothing was started: Run must be letters, digits and dashes' }
$folder = "$env:SystemRoot\easfix"
$marker = "$folder\$Run.restart"

# The worker: runs in its own powershell.exe. Each note is written under another name and then renamed, so that a
# reader never sees half of one.
$worker = {
    param([string]$Marker, [int]$TimeoutSeconds, [string]$StartBefore)
    $ErrorActionPreference = 'Stop'
    if (-not [System.IO.File]::Exists($Marker)) { return }
    $start = [DateTime]::UtcNow
    if ($start.ToString('s') -gt $StartBefore) { return }
    $note = "StartedAt=$($start.ToString('o'))`r`nProcessId=$PID"
    [System.IO.File]::WriteAllText("$Marker.started.new", $note)
    [System.IO.File]::Move("$Marker.started.new", "$Marker.started")
    # One line on the error stream of a native program would end the script (6.5).
    $ErrorActionPreference = 'Continue'
    $limit = "/timeout:$TimeoutSeconds"
    $said = @(& "$env:SystemRoot\system32\iisreset.exe" '/noforce' $limit 2>&1 | ForEach-Object { "$_".Trim() })
    $code = $LASTEXITCODE
    $end = [DateTime]::UtcNow
    $took = [int]($end - $start).TotalMilliseconds
    $note = "EndedAt=$($end.ToString('o'))`r`nExitCode=$code`r`nMilliseconds=$took`r`nOutput=$($said -join ' ')"
    $ErrorActionPreference = 'Stop'
    [System.IO.File]::WriteAllText("$Marker.ended.new", $note)
    [System.IO.File]::Move("$Marker.ended.new", "$Marker.ended")
}

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

function Start-Worker {
    # Through WMI the new process belongs to the WMI service, not to this session. 0 = created; any other number
    # = certainly not created (Win32_Process.Create).
    param([string]$Path)
    $before = [DateTime]::UtcNow.AddSeconds($DeadlineSeconds / 2).ToString('s')
    $text = "& { $worker } -Marker '$Path' -TimeoutSeconds $TimeoutSeconds -StartBefore '$before'"
    $encoded = [Convert]::ToBase64String([System.Text.Encoding]::Unicode.GetBytes($text))
    $shell = "$env:SystemRoot\system32\WindowsPowerShell\v1.0\powershell.exe"
    $line = "$shell -NoProfile -NonInteractive -EncodedCommand $encoded"
    (Invoke-WmiMethod -Class 'Win32_Process' -Name 'Create' -ArgumentList $line).ReturnValue
}

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

function Get-Restart {
    param([string]$Path, [bool]$Created)
    $note = Read-Note -Path $Path
    $claimed = [System.IO.File]::GetLastWriteTimeUtc($Path)
    $state = 'claimed'
    if ($note['StartedAt']) { $state = 'running' }
    if ([DateTime]::UtcNow -gt $claimed.AddSeconds($DeadlineSeconds)) { $state = 'overdue' }
    if (-not [System.IO.File]::Exists($Path)) { $state = 'absent' }
    if ($note['EndedAt']) { $state = 'ended' }
    $code = $null
    if ($note['ExitCode']) { $code = [int]$note['ExitCode'] }
    $seconds = $null
    if ($note['Milliseconds']) { $seconds = [int]$note['Milliseconds'] / 1000.0 }
    New-Object -TypeName 'PSObject' -Property @{
        Kind = 'restart'
        Run = $Run
        Created = $Created
        State = $state
        ClaimedAt = $claimed.ToString('o')
        StartedAt = [string]$note['StartedAt']
        EndedAt = [string]$note['EndedAt']
        ExitCode = $code
        Seconds = $seconds
        Output = [string]$note['Output']
        RanBefore = @("$($note['RanBefore'])" -split '/' | Where-Object { $_ })
    }
}

$created = $false
if (-not [System.IO.File]::Exists($marker)) {
    $disk = Get-WmiObject -Class 'Win32_LogicalDisk' -Filter "DeviceID = '$env:SystemDrive'"
    if ($disk.FreeSpace -lt 10000000) { throw 'refused: nothing was started: less than 10 MB free on the system disk' }
    try {
        [System.IO.Directory]::CreateDirectory($folder) | Out-Null
    } catch {
        throw "refused: nothing was started: $($_.Exception.GetBaseException().Message)"
    }
    $created = New-Marker -Path $marker
}
if ($created) {
    try {
        # On a proxy, with IIS 7, W3SVC depends on WAS instead.
        $roots = @(Get-Service | Where-Object { @('IISADMIN', 'WAS') -contains $_.Name })
        if ($roots.Count -eq 0) { throw 'there is no IIS here' }
        $every = $roots + @($roots | ForEach-Object { $_.DependentServices })
        $ran = @($every | Where-Object { $_.Status -eq 'Running' })
        # No service name holds a slash.
        $names = @($ran | ForEach-Object { $_.Name }) -join '/'
        [System.IO.File]::WriteAllText("$marker.before.new", "RanBefore=$names")
        [System.IO.File]::Move("$marker.before.new", "$marker.before")
    } catch {
        # Nothing was started yet: the marker goes, so that the run may try again.
        $why = $_.Exception.GetBaseException().Message
        [System.IO.File]::Delete($marker)
        throw "refused: nothing was started: $why"
    }
    $code = Start-Worker -Path $marker
    if ("$code" -eq '') { throw 'WMI did not say whether it created the worker' }
    if ($code -ne 0) {
        [System.IO.File]::Delete("$marker.before")
        [System.IO.File]::Delete($marker)
        throw "refused: nothing was started: Win32_Process.Create answered $code"
    }
}
Get-Restart -Path $marker -Created $created
