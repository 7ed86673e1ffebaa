# events.ps1 - READS. It changes nothing. It is sent to a Client Access server.
#
# What it does: lists the ActiveSync proxy's events of the Application log, newest first.
# Arguments:    SecondsAgo  how far to look back. A length of time, so that the two clocks need not agree
#               Id          event ids; default 1034 (the hop timed out), 1035 (trust), 1036 (logon to the mailbox
#                           server), 1037, 1030 (BlockLegacyMailboxes), 1028 (version) (1.4, 1.6)
#               Source      of the events
# Answers:      one object, Kind = 'log': Computer, Since (UTC), Count; then one per event, Kind = 'event':
#   Id, At (UTC), Type, Host (the event's first insertion string: for 1034 the mailbox server), Message, Index
#   1034 is written at most once per host in 900 s: none proves nothing (1.5).
# Undo:         nothing to undo.
# Facts:        numbers such as "1.5" are sections of the domain reference.

param(
    [int]$SecondsAgo = 3600,
    [int[]]$Id = @(1034, 1035, 1036, 1037, 1030, 1028),
    [string]$Source = 'MSExchange ActiveSync'
)
$ErrorActionPreference = 'Stop'
$since = (Get-Date).AddSeconds(-$SecondsAgo)

# Get-EventLog, not Get-WinEvent: the same on every Windows that Exchange 2003 to 2010 runs on (6.5).
# Without a match it reports an error, which is an answer here; a log that cannot be read is a failure.
$found = @()
try {
    $all = @(Get-EventLog -LogName 'Application' -Source $Source -After $since)
    $found = @($all | Where-Object { $Id -contains $_.EventID })
} catch {
    if ($_.FullyQualifiedErrorId -notlike 'GetEventLogNoEntriesFound*') { throw }
}

New-Object -TypeName 'PSObject' -Property @{
    Kind = 'log'
    Computer = $env:COMPUTERNAME
    Since = $since.ToUniversalTime().ToString('o')
    Count = $found.Count
}
foreach ($entry in $found) {
    $strings = @($entry.ReplacementStrings)
    $name = ''
    if ($strings.Count -gt 0) { $name = [string]$strings[0] }
    New-Object -TypeName 'PSObject' -Property @{
        Kind = 'event'
        Id = [int]$entry.EventID
        At = $entry.TimeGenerated.ToUniversalTime().ToString('o')
        Type = "$($entry.EntryType)"
        Host = $name
        Message = $entry.Message
        Index = [int]$entry.Index
    }
}
