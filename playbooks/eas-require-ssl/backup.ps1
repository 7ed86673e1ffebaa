# backup.ps1 - WRITES a metabase backup. It changes no setting and stops nothing.
#
# What it does: makes a named backup of the whole metabase with IIS's own method, once; sent again, it finds it.
# Arguments:    Name   of the backup: letters, digits and dashes, at most 100
# Answers:      one object, Kind = 'backup': Name, File, Bytes, Created (false: it was there already), Message
# Refuses:      an error that starts with "refused:" means that nothing was written.
# Undo:         none needed. The backup is insurance only: easfix never restores it, because that would wipe
#               every later change and restart the services (2.7). Delete it in IIS Manager, Backup/Restore.
# Facts:        numbers such as "2.7" are sections of the domain reference.

param([string]$Name)
$ErrorActionPreference = 'Stop'
if ($Name -notmatch '^[A-Za-z0-9-]{1,100}$') {
    throw 'refused: nothing was written: Name must be letters, digits and dashes'
}

# IIsComputer.Backup(name, version, flags): version 0 without MD_BACKUP_OVERWRITE fails where it exists;
# flags 2 = MD_BACKUP_SAVE_FIRST, so the file holds what is in memory now (ms525753).
$file = "$env:SystemRoot\system32\inetsrv\MetaBack\$Name.MD0"
$created = -not [System.IO.File]::Exists($file)
if ($created) {
    $computer = [ADSI]'IIS://localhost'
    $computer.psbase.Invoke('Backup', $Name, 0, 2) | Out-Null
}
if (-not [System.IO.File]::Exists($file)) { throw "the backup was asked for, but there is no $file" }

New-Object -TypeName 'PSObject' -Property @{
    Kind = 'backup'
    Name = $Name
    File = $file
    Bytes = (New-Object -TypeName 'System.IO.FileInfo' -ArgumentList $file).Length
    Created = $created
    Message = ''
}
