#!/bin/sh
# Rewrites the kept lists from the full ones:   update.sh <folder with torchsharp-0.102.8.txt and torchsharp-0.107.0.txt>
# Compares without writing:                     update.sh <folder> check
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 1 ] || [ ! -f "$1/torchsharp-0.107.0.txt" ]; then
    echo "update.sh: '${1:-}' has no torchsharp-0.107.0.txt; the folder of the full lists is required." >&2
    exit 2
fi
full=$(cd "$1" && pwd)
exec dotnet run --project "$here/.." -c Release -- surface "${2:-update}" "$full" "$here"
