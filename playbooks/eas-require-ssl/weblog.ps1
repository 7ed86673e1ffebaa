# weblog.ps1 - READS. It changes nothing on the server.
#
# What it does: finds the lines of the web server's log that probes of easfix left, by their own User-Agent.
# Arguments:    Marker        the User-Agent of the probes, or its beginning
#               Most          lines at most, the last ones
#               MostMegabytes a larger log is not read: the answer says so
# Answers:      one object per log of a site with an ActiveSync directory, Kind = 'weblog': Site, File, Message (why it
#   was not read; empty where it was); then one per line, Kind = 'line':
#   Site, At (as logged, UTC), Method, Client, User, Agent (User-Agent), Status, SubStatus, Win32
#   (403 4 5 = SSL required) (2.9)
#   IIS may keep lines back for a minute before it writes them: no line proves nothing.
# Undo:         nothing to undo.
# Facts:        numbers such as "2.9" are sections of the domain reference.

param([string]$Marker, [int]$Most = 20, [int]$MostMegabytes = 64)
$ErrorActionPreference = 'Stop'

function Get-Field {
    # A field of a line by the name that the #Fields line gives it; empty where it is not logged.
    param([string[]]$Names, [string[]]$Values, [string]$Name)
    for ($number = 0; $number -lt @($Names).Count; $number++) {
        if (($Names[$number] -eq $Name) -and ($number -lt @($Values).Count)) { return $Values[$number] }
    }
    return ''
}

function Get-Line {
    param([string]$File, [string]$Site)
    $names = @()
    $lines = @()
    # Get-Content shares the file with the web server that writes it; .NET's ReadAllText would not.
    foreach ($line in @(Get-Content -Path $File)) {
        if ($line -like '#Fields: *') { $names = @($line.Substring(9).Split(' ')) }
        if (($line -notlike '#*') -and $line.Contains($Marker)) {
            $values = @($line.Split(' '))
            $lines += New-Object -TypeName 'PSObject' -Property @{
                Kind = 'line'
                Site = $Site
                At = "$(Get-Field -Names $names -Values $values -Name 'date') $(
                    Get-Field -Names $names -Values $values -Name 'time')"
                Method = Get-Field -Names $names -Values $values -Name 'cs-method'
                Client = Get-Field -Names $names -Values $values -Name 'c-ip'
                User = Get-Field -Names $names -Values $values -Name 'cs-username'
                Agent = Get-Field -Names $names -Values $values -Name 'cs(User-Agent)'
                Status = Get-Field -Names $names -Values $values -Name 'sc-status'
                SubStatus = Get-Field -Names $names -Values $values -Name 'sc-substatus'
                Win32 = Get-Field -Names $names -Values $values -Name 'sc-win32-status'
            }
        }
    }
    $lines | Select-Object -Last $Most
}

foreach ($website in @(([ADSI]'IIS://localhost/W3SVC').psbase.Children)) {
    $site = $website.psbase.Name
    $path = "IIS://localhost/W3SVC/$site/ROOT/Microsoft-Server-ActiveSync"
    if (($website.psbase.SchemaClassName -eq 'IIsWebServer') -and
        [System.DirectoryServices.DirectoryEntry]::Exists($path)) {
        $folder = [string]$website.psbase.Properties['LogFileDirectory'].Value
        $folder = $folder -replace '(?i)%windir%|%SystemRoot%', $env:SystemRoot
        # IIS names the file by the day, in UTC: ex091231.log (W3C extended format, cc782715).
        $file = "$folder\W3SVC$site\ex$([DateTime]::UtcNow.ToString('yyMMdd')).log"
        $message = ''
        $size = 0
        foreach ($found in @(Get-ChildItem -Path $file -ErrorAction 'SilentlyContinue')) { $size = $found.Length }
        if (-not [System.IO.File]::Exists($file)) {
            $message = 'there is no such file'
        } elseif ($size -gt ($MostMegabytes * 1048576)) {
            $message = "the file is larger than $MostMegabytes MB"
        }
        New-Object -TypeName 'PSObject' -Property @{ Kind = 'weblog'; Site = $site; File = $file; Message = $message }
        if ($message -eq '') { Get-Line -File $file -Site $site }
    }
}
