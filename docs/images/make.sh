#!/bin/sh
# Makes report.png anew, the picture in the README: the top of the demo campaign's report as Chromium draws it.
#
#   ./demo && docs/images/make.sh [CHROMIUM]
set -eu
cd "$(dirname "$0")/../.."
page=demo-out/demo/pack/report.html
test -f "$page" || { echo "there is no $page: run ./demo first" >&2; exit 2; }
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
# As root Chromium has no sandbox to offer; the page is our own.
root=
test "$(id -u)" != 0 || root=--no-sandbox
"${1:-chromium}" --headless $root --disable-gpu --hide-scrollbars --user-data-dir="$profile" \
    --window-size=1120,1180 --screenshot="$PWD/docs/images/report.png" "file://$PWD/$page"
