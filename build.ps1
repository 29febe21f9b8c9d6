$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
dotnet tool restore --verbosity quiet | Out-Null
if ($LASTEXITCODE -eq 0) { dotnet cake build.cake -- @($args | ForEach-Object { ":$_" }) } # the colon: see build.sh
exit $LASTEXITCODE
