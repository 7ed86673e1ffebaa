# eas-events.ps1 - READS. It changes nothing on the server.
#
# What it does: lists what ActiveSync on the mailbox server itself wrote into the Application log, newest first.
# Arguments:    SecondsAgo  how far to look back. A length of time, so that the two clocks need not agree
#               Most        events at most
# Answers:      one object, Kind = 'log': Computer, Since (UTC), Count; then one per event, Kind = 'event':
#   Id, At (UTC), Type, Text (its insertion strings in one line), Message
#   3029, 3030, 3031 and 3005 tell how ActiveSync fared with the mailbox's own directory (4.1).
# Undo:         nothing to undo.
# Facts:        numbers such as "4.1" are sections of the domain reference.

param([int]$SecondsAgo = 3600, [int]$Most = 50)
$ErrorActionPreference = 'Stop'
$since = (Get-Date).AddSeconds(-$SecondsAgo)

# Without a match Get-EventLog reports an error, which is an answer here; a log that cannot be read is a failure.
$found = @()
try {
    $found = @(Get-EventLog -LogName 'Application' -Source 'Server ActiveSync' -After $since)
} catch {
    if ($_.FullyQualifiedErrorId -notlike 'GetEventLogNoEntriesFound*') { throw }
}
New-Object -TypeName 'PSObject' -Property @{
    Kind = 'log'
    Computer = $env:COMPUTERNAME
    Since = $since.ToUniversalTime().ToString('o')
    Count = $found.Count
}
foreach ($entry in @($found | Select-Object -First $Most)) {
    New-Object -TypeName 'PSObject' -Property @{
        Kind = 'event'
        Id = [int]$entry.EventID
        At = $entry.TimeGenerated.ToUniversalTime().ToString('o')
        Type = "$($entry.EntryType)"
        Text = @($entry.ReplacementStrings) -join ' '
        Message = $entry.Message
    }
}
