# detect.ps1 - READS. It changes nothing on the server.
#
# What it does: describes this server as far as ActiveSync through a newer Exchange proxy is concerned.
# Arguments:    none.
# Answers:      one object per fact, told apart by the property Kind:
#   server            the machine, Windows, Exchange, and whether this account and iisreset can do the work
#   directory         each Microsoft-Server-ActiveSync, Exchange and ExchangeVDir directory of every web site
#   child             a key below one of those that holds SSL flags of its own
#   service           IISADMIN, what depends on it, and what else lives in inetinfo.exe
#   active-directory  the directory's twin in Active Directory; a refusal to be read is told as data
# Undo:         nothing to undo.
# Facts:        numbers such as "2.3" are sections of the domain reference.

param()
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

function Get-Holder {
    # The nearest key upwards whose own value is in force; empty for the computer's root or the schema (2.3).
    param([string]$Path, [string]$Name)
    $key = $Path
    while ($key.Contains('/')) {
        $key = $key.Substring(0, $key.LastIndexOf('/'))
        if (Test-Own -Path $key -Name $Name) { return $key }
    }
    return ''
}

function Get-Child {
    # Keys below the directory that hold SSL flags of their own: its value does not reach them (2.3).
    param([string]$Path)
    $key = [ADSI]"IIS://localhost/$Path"
    foreach ($found in @($key.psbase.Invoke('GetDataPaths', 'AccessSSLFlags', 1))) {
        $child = ($found -replace '^IIS://[^/]+/', '').TrimEnd('/')
        if ($child -ne $Path) {
            $own = [ADSI]"IIS://localhost/$child"
            New-Object -TypeName 'PSObject' -Property @{
                Kind = 'child'
                Path = $child
                Parent = $Path
                Flags = [int]$own.psbase.Properties['AccessSSLFlags'].Value
            }
        }
    }
}

function Test-FormsBased {
    # Forms-based authentication makes ActiveSync fail behind /Exchange (4.1). It shows in the site's OWA filter, and in
    # the default domain of /Exchange, which must then be a backslash (Exchange 2003 documentation, aa998087).
    param([int]$Site)
    $filters = "IIS://localhost/W3SVC/$Site/Filters"
    if ([System.DirectoryServices.DirectoryEntry]::Exists($filters)) {
        foreach ($filter in @(([ADSI]$filters).psbase.Children)) {
            if ($filter.psbase.Name -like '*OWA*') { return $true }
        }
    }
    $exchange = "IIS://localhost/W3SVC/$Site/ROOT/Exchange"
    if (-not [System.DirectoryServices.DirectoryEntry]::Exists($exchange)) { return $false }
    return ([string]([ADSI]$exchange).psbase.Properties['DefaultLogonDomain'].Value) -eq '\'
}

function Get-Directory {
    param([string]$Path, [string]$Role, $Website, [bool]$FormsBased)
    $directory = [ADSI]"IIS://localhost/$Path"
    $value = $directory.psbase.Properties
    $explicit = Test-Own -Path $Path -Name 'AccessSSLFlags'
    $holder = ''
    if (-not $explicit) { $holder = Get-Holder -Path $Path -Name 'AccessSSLFlags' }
    New-Object -TypeName 'PSObject' -Property @{
        Kind = 'directory'
        Path = $Path
        Role = $Role
        Site = [int]$Website.psbase.Name
        SiteComment = [string]$Website.psbase.Properties['ServerComment'].Value
        SiteState = [int]$Website.psbase.Properties['ServerState'].Value
        Bindings = @($Website.psbase.Properties['ServerBindings']) -join ' '
        Flags = [int]$value['AccessSSLFlags'].Value
        Explicit = $explicit
        InheritedFrom = $holder
        AuthFlags = [int]$value['AuthFlags'].Value
        AuthExplicit = Test-Own -Path $Path -Name 'AuthFlags'
        Providers = [string]$value['NTAuthenticationProviders'].Value
        AppPool = [string]$value['AppPoolId'].Value
        Redirect = [string]$value['HttpRedirect'].Value
        FormsBased = $FormsBased
        SslErrorPage = @(@($value['HttpErrors']) | Where-Object { $_ -like '403,4,*' }) -join ' '
    }
}

function Get-ExchangeServer {
    # What Exchange says of this server. The provider may need Active Directory, out of reach from here (6.6).
    try {
        $where = "Name = '$env:COMPUTERNAME'"
        Get-WmiObject -Namespace 'root\MicrosoftExchangeV2' -Class 'Exchange_Server' -Filter $where
    } catch {
        $null
    }
}

function Test-FrontEnd {
    # A front-end's /Exchange is mapped to exprox.dll, a back-end's to davex.dll (KB298513); else ask Exchange.
    # Nothing where neither tells: easfix then takes nothing for granted.
    param($Exchange)
    $maps = ''
    foreach ($site in @(([ADSI]'IIS://localhost/W3SVC').psbase.Children)) {
        $path = "IIS://localhost/W3SVC/$($site.psbase.Name)/ROOT/Exchange"
        if (($site.psbase.SchemaClassName -eq 'IIsWebServer') -and
            [System.DirectoryServices.DirectoryEntry]::Exists($path)) {
            $maps += @(([ADSI]$path).psbase.Properties['ScriptMaps']) -join ' '
        }
    }
    if ($maps -match 'exprox\.dll') { return $true }
    if ($maps -match 'davex\.dll') { return $false }
    if ($Exchange) { return $Exchange.IsFrontEndServer }
}

function Get-RegistryValue {
    # A value of HKEY_LOCAL_MACHINE, or nothing where the key or the value is missing.
    param([string]$Key, [string]$Name)
    if (Test-Path -Path "HKLM:\$Key") {
        $properties = Get-ItemProperty -Path "HKLM:\$Key"
        $properties.$Name
    }
}

function Get-ResetStatus {
    # "iisreset /status" only asks. With iisreset disabled it fails too: ERROR_RESOURCE_DISABLED (5.3, ms525497).
    $ErrorActionPreference = 'Continue'
    $said = @(& "$env:SystemRoot\system32\iisreset.exe" '/status' 2>&1 | ForEach-Object { "$_".Trim() })
    New-Object -TypeName 'PSObject' -Property @{ IsGood = ($LASTEXITCODE -eq 0); Said = ($said -join ' ').Trim() }
}

function Test-Administrator {
    $me = New-Object -TypeName 'System.Security.Principal.WindowsPrincipal' -ArgumentList (
        [System.Security.Principal.WindowsIdentity]::GetCurrent())
    $me.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
}

function Get-Server {
    param([string]$ExchangeVDir)
    $system = Get-WmiObject -Class 'Win32_ComputerSystem'
    $windows = Get-WmiObject -Class 'Win32_OperatingSystem'
    $disk = Get-WmiObject -Class 'Win32_LogicalDisk' -Filter "DeviceID = '$env:SystemDrive'"
    # With the asterisk a server without the cluster service gives nothing; a full name would be an error there.
    $cluster = @(Get-Service -Name 'ClusSvc*' | Where-Object { $_.Status -eq 'Running' })
    $exchange = Get-ExchangeServer
    $reset = Get-ResetStatus
    $build = [int](Get-RegistryValue -Key 'SOFTWARE\Microsoft\Exchange\Setup' -Name 'NewestBuild')
    if ("$($exchange.ExchangeVersion)" -match 'Build (\d+)') { $build = [int]$matches[1] }
    $pack = 0
    # The build tells the service pack: 7226 is the first of SP1, 7638 the first of SP2 (7.1).
    if ($build -ge 7226) { $pack = 1 }
    if ($build -ge 7638) { $pack = 2 }
    New-Object -TypeName 'PSObject' -Property @{
        Kind = 'server'
        Computer = $env:COMPUTERNAME
        Fqdn = "$($system.Name).$($system.Domain)".ToLower()
        OsVersion = $windows.Version
        OsServicePack = [int]$windows.ServicePackMajorVersion
        PowerShell = "$($PSVersionTable.PSVersion)"
        WinRm = "$($PSVersionTable.WSManStackVersion)"
        ExchangeBuild = $build
        ExchangeServicePack = $pack
        FrontEnd = Test-FrontEnd -Exchange $exchange
        Clustered = ($cluster.Count -gt 0)
        IisResetDisabled = (-not $reset.IsGood)
        IisResetStatus = $reset.Said
        ExchangeVDir = $ExchangeVDir
        Administrator = Test-Administrator
        FreeMegabytes = [int][Math]::Floor([double]$disk.FreeSpace / 1048576)
        Culture = (Get-Culture).Name
        Utc = [DateTime]::UtcNow.ToString('o')
    }
}

function Get-ServiceRecord {
    # A restart of IIS stops IISADMIN and with it all that depends on it (5.1).
    $dependent = @((Get-Service -Name 'IISADMIN').DependentServices | ForEach-Object { $_.Name })
    foreach ($service in @(Get-WmiObject -Class 'Win32_Service')) {
        $shares = $service.PathName -like '*\inetinfo.exe*'
        $depends = $dependent -contains $service.Name
        if ($shares -or $depends -or ($service.Name -eq 'IISADMIN')) {
            New-Object -TypeName 'PSObject' -Property @{
                Kind = 'service'
                Name = $service.Name
                DisplayName = $service.DisplayName
                State = $service.State -replace ' ', ''
                StartMode = $service.StartMode
                SharesInetinfo = $shares
                DependsOnIisAdmin = $depends
            }
        }
    }
}

function New-TwinRecord {
    param([string]$Dn, [int]$VirtualServer, $SslFlags, $AuthFlags, [bool]$Readable, [string]$Message)
    New-Object -TypeName 'PSObject' -Property @{
        Kind = 'active-directory'
        Dn = $Dn
        VirtualServer = $VirtualServer
        SslFlags = $SslFlags
        AuthFlags = $AuthFlags
        Readable = $Readable
        Message = $Message
    }
}

function Search-Directory {
    param([string]$Dn, [string]$Filter)
    $root = [ADSI]"LDAP://$Dn"
    $search = New-Object -TypeName 'System.DirectoryServices.DirectorySearcher' -ArgumentList $root, $Filter
    $search.FindAll()
}

function Get-Number {
    # The first value of an attribute that Search-Directory found, or nothing where it is not set.
    param($Found, [string]$Attribute)
    if ($Found.Properties[$Attribute].Count) { [int]$Found.Properties[$Attribute][0] }
}

function Get-Twin {
    # The Active Directory objects that DS2MB copies from (3.4, 3.5). From here the logon may not reach a domain
    # controller (6.6), and a clustered server goes by another name: answers, not failures.
    try {
        $configuration = ([ADSI]'LDAP://RootDSE').psbase.Properties['configurationNamingContext'].Value
        $mine = "(&(objectClass=msExchExchangeServer)(cn=$env:COMPUTERNAME))"
        $server = @(Search-Directory -Dn $configuration -Filter $mine)
        if ($server.Count -eq 0) { throw "Active Directory has no Exchange server named $env:COMPUTERNAME" }
        $dn = $server[0].Properties['distinguishedname'][0]
        foreach ($twin in @(Search-Directory -Dn $dn -Filter '(cn=Microsoft-Server-ActiveSync)')) {
            $name = $twin.Properties['distinguishedname'][0]
            $number = 0
            if ($name -match ',CN=(\d+),CN=HTTP,') { $number = [int]$matches[1] }
            $ssl = Get-Number -Found $twin -Attribute 'msexchaccesssslflags'
            $auth = Get-Number -Found $twin -Attribute 'msexchauthenticationflags'
            New-TwinRecord -Dn $name -VirtualServer $number -SslFlags $ssl -AuthFlags $auth -Readable $true
        }
    } catch {
        $why = $_.Exception.GetBaseException().Message
        New-TwinRecord -Dn '' -VirtualServer 0 -Readable $false -Message $why
    }
}

# ActiveSync reads mailboxes through /Exchange, or through the directory that ExchangeVDir names (4.1).
$vdir = [string](Get-RegistryValue -Key 'SYSTEM\CurrentControlSet\Services\MasSync\Parameters' -Name 'ExchangeVDir')
$roles = @{ 'Microsoft-Server-ActiveSync' = 'eas'; 'Exchange' = 'exchange' }
$named = $vdir.Trim('/')
if ($named -and (-not $roles.ContainsKey($named))) { $roles[$named] = 'exchange-vdir' }

Get-Server -ExchangeVDir $vdir
foreach ($site in @(([ADSI]'IIS://localhost/W3SVC').psbase.Children)) {
    if ($site.psbase.SchemaClassName -eq 'IIsWebServer') {
        $forms = Test-FormsBased -Site $site.psbase.Name
        foreach ($name in @($roles.Keys)) {
            $path = "W3SVC/$($site.psbase.Name)/ROOT/$name"
            if ([System.DirectoryServices.DirectoryEntry]::Exists("IIS://localhost/$path")) {
                Get-Directory -Path $path -Role $roles[$name] -Website $site -FormsBased $forms
                Get-Child -Path $path
            }
        }
    }
}
Get-ServiceRecord
Get-Twin
