# start-services.ps1 - WRITES: starts services that ran before and do not run now. It stops and configures nothing.
#
# What it does: starts each of the named services that is stopped, what it depends on first, and waits until it runs.
#               A restart of IIS brings back only services that start automatically (5.2).
# Arguments:    Name            the services, such as "SMTPSVC", "W3SVC"
#               TimeoutSeconds  how long to wait in all
# Answers:      one object per service, Kind = 'service': Name, DisplayName, State (as it is now), StartMode,
#               Started (this call started it), Message (why it does not run; empty where it runs)
# Undo:         none needed: the services ran before. Stop one again with: Stop-Service -Name <name>
# Facts:        numbers such as "5.2" are sections of the domain reference.

param([string[]]$Name, [int]$TimeoutSeconds = 120)
$ErrorActionPreference = 'Stop'
$deadline = [DateTime]::UtcNow.AddSeconds($TimeoutSeconds)

function Wait-Service {
    # Waits for the state until the deadline; one second at least.
    param($Service, [string]$State)
    $left = [Math]::Max(1, [int]($deadline - [DateTime]::UtcNow).TotalSeconds)
    $Service.WaitForStatus($State, [TimeSpan]::FromSeconds($left))
}

function Start-One {
    # Windows itself starts what the service depends on. Answers why it does not run, empty where it does.
    param($Service)
    try {
        if ($Service.Status -eq 'StopPending') { Wait-Service -Service $Service -State 'Stopped' }
        $Service.Refresh()
        if ($Service.Status -eq 'Stopped') { $Service.Start() }
        if ($Service.Status -eq 'Paused') { $Service.Continue() }
        Wait-Service -Service $Service -State 'Running'
        return ''
    } catch {
        return $_.Exception.GetBaseException().Message
    }
}

foreach ($item in $Name) {
    $found = @(Get-Service | Where-Object { $_.Name -eq $item })
    $answer = @{
        Kind = 'service'
        Name = $item
        DisplayName = ''
        State = 'Missing'
        StartMode = ''
        Started = $false
        Message = 'there is no such service'
    }
    if ($found.Count -eq 1) {
        $service = $found[0]
        $ran = $service.Status -eq 'Running'
        $answer.DisplayName = $service.DisplayName
        $answer.StartMode = (Get-WmiObject -Class 'Win32_Service' -Filter "Name = '$($service.Name)'").StartMode
        $answer.Message = ''
        if (-not $ran) { $answer.Message = Start-One -Service $service }
        $service.Refresh()
        $answer.State = "$($service.Status)"
        $answer.Started = (-not $ran) -and ($answer.State -eq 'Running')
    }
    New-Object -TypeName 'PSObject' -Property $answer
}
