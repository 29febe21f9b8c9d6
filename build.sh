#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
dotnet tool restore --verbosity quiet > /dev/null
exec dotnet cake build.cake -- "${@/#/:}" # the colon keeps Cake's own parser off our arguments; build.cake takes it away again
