# close.ps1 - WRITES: removes the files that restart.ps1 and recycle.ps1 left for one run, and nothing else.
#
# What it does: deletes <run>.restart, <run>.recycle and the notes beside them from %SystemRoot%\easfix, the markers
#               last, and then the folder if it is empty. Afterwards the run can no longer be told from one that never
#               restarted anything: so it is sent when the run is finished with.
# Arguments:    Run              the run's id: letters, digits and dashes
#               DeadlineSeconds  a restart without an end that is younger than this is still going on
# Answers:      one object, Kind = 'closed': Run, Removed (names of the files that were deleted)
# Refuses:      an error that starts with "refused:" means that nothing was removed: a restart is still going on.
# Undo:         none: the files hold no settings.

param([string]$Run, [int]$DeadlineSeconds = 600)
$ErrorActionPreference = 'Stop'
if ($Run -notmatch '^[A-Za-z0-9-]+$') { throw 'refused: nothing was removed: Run must be letters, digits and dashes' }
$folder = "$env:SystemRoot\easfix"

foreach ($name in @("$Run.restart", "$Run.recycle")) {
    $marker = "$folder\$name"
    if ([System.IO.File]::Exists($marker) -and (-not [System.IO.File]::Exists("$marker.ended"))) {
        $overdue = [System.IO.File]::GetLastWriteTimeUtc($marker).AddSeconds($DeadlineSeconds)
        if ([DateTime]::UtcNow -lt $overdue) { throw "refused: nothing was removed: $name has not ended yet" }
    }
}

$removed = @()
foreach ($part in @('.before.new', '.before', '.started.new', '.started', '.ended.new', '.ended', '')) {
    foreach ($what in @('restart', 'recycle')) {
        $file = "$folder\$Run.$what$part"
        if ([System.IO.File]::Exists($file)) {
            [System.IO.File]::Delete($file)
            $removed += "$Run.$what$part"
        }
    }
}
if ([System.IO.Directory]::Exists($folder)) {
    if (@([System.IO.Directory]::GetFileSystemEntries($folder)).Count -eq 0) { [System.IO.Directory]::Delete($folder) }
}

New-Object -TypeName 'PSObject' -Property @{ Kind = 'closed'; Run = $Run; Removed = $removed }
