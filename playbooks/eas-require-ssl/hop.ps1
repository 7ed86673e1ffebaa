# hop.ps1 - READS. It changes nothing. It is sent to a Client Access server.
#
# What it does: asks a mailbox server for OPTIONS of its ActiveSync directory over plain HTTP, from this server and
#               without a logon, as the proxy's own request would travel (1.2): no web proxy, no redirects followed.
# Arguments:    Fqdn            full name of the Exchange 2003 mailbox server
#               Port            80, which is what the proxy uses
#               TimeoutSeconds  how long to wait for the answer
#               Marker          the User-Agent, by which weblog.ps1 finds what this left in the server's log
# Answers:      one object, Kind = 'hop':
#   Computer (this server), Url, Status (HTTP status; empty without an answer), Reason, Authenticate (the offered
#   ways to log on, one each), Server, Location (of a redirect), Body (its first 2,048 characters), Milliseconds,
#   Failure (WebExceptionStatus, such as ConnectFailure or Timeout; empty with an answer), Message
#   401 that offers Negotiate is the good answer; 403 means that SSL is required (2.10).
# Undo:         nothing to undo.
# Facts:        numbers such as "2.10" are sections of the domain reference.

param([string]$Fqdn, [int]$Port = 80, [int]$TimeoutSeconds = 20, [string]$Marker = 'easfix')
$ErrorActionPreference = 'Stop'

function Read-Body {
    # The first 2,048 characters of what the server sent.
    param($Response)
    $stream = $Response.GetResponseStream()
    $reader = New-Object -TypeName 'System.IO.StreamReader' -ArgumentList $stream
    $text = New-Object -TypeName 'System.Text.StringBuilder'
    while ($text.Length -lt 2048) {
        $code = $reader.Read()
        if ($code -lt 0) { break }
        $text.Append([char]$code) | Out-Null
    }
    $reader.Close()
    $text.ToString()
}

$url = "http://$Fqdn/Microsoft-Server-ActiveSync"
if ($Port -ne 80) { $url = "http://${Fqdn}:$Port/Microsoft-Server-ActiveSync" }
$answer = @{
    Kind = 'hop'
    Computer = $env:COMPUTERNAME
    Url = $url
    Status = $null
    Reason = ''
    Authenticate = @()
    Server = ''
    Location = ''
    Body = ''
    Milliseconds = 0
    Failure = ''
    Message = ''
}

$request = [System.Net.WebRequest]::Create($url)
$request.Method = 'OPTIONS'
$request.Timeout = $TimeoutSeconds * 1000
$request.ReadWriteTimeout = $TimeoutSeconds * 1000
$request.AllowAutoRedirect = $false
$request.KeepAlive = $false
$request.Proxy = $null
$request.UserAgent = $Marker

$start = [DateTime]::UtcNow
$response = $null
try {
    $response = $request.GetResponse()
} catch {
    # 4xx and 5xx arrive as an exception that carries the answer; without one nothing was answered at all.
    $failure = $_.Exception
    while ($failure.InnerException -and ($failure -isnot [System.Net.WebException])) {
        $failure = $failure.InnerException
    }
    if ($failure -isnot [System.Net.WebException]) { throw }
    $response = $failure.Response
    if (-not $response) {
        $answer.Failure = "$($failure.Status)"
        $answer.Message = $failure.Message
    }
}
$answer.Milliseconds = [int]([DateTime]::UtcNow - $start).TotalMilliseconds
if ($response) {
    $answer.Status = [int]$response.StatusCode
    $answer.Reason = $response.StatusDescription
    $answer.Authenticate = @($response.Headers.GetValues('WWW-Authenticate') | Where-Object { $_ })
    $answer.Server = [string]$response.Headers['Server']
    $answer.Location = [string]$response.Headers['Location']
    $answer.Body = Read-Body -Response $response
    $response.Close()
}
New-Object -TypeName 'PSObject' -Property $answer
