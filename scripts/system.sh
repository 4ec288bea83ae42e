#!/bin/sh
# Checks for the programs and libraries that are no Python packages: `system.sh run` or `system.sh test`.
# As root on Debian or Ubuntu it installs what is missing, elsewhere it says in one line what to do.
set -eu
cd "$(dirname "$0")/.."
packages=

library() { # name of the shared library, name of the package
    .venv/bin/python -c 'import ctypes, ctypes.util, sys
try: ctypes.CDLL(sys.argv[1])
except OSError: sys.exit(ctypes.util.find_library(sys.argv[1][3:].split(".so")[0]) is None)' "$1" || packages="$packages $2"
}
library libpango-1.0.so.0 libpango-1.0-0
library libpangoft2-1.0.so.0 libpangoft2-1.0-0
library libharfbuzz-subset.so.0 libharfbuzz-subset0
command -v msgfmt >/dev/null || packages="$packages gettext"
if [ "$1" = test ]; then
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
        packages="$packages chromium"
    command -v npm >/dev/null || packages="$packages npm"
    command -v redis-server >/dev/null || packages="$packages redis-server"
fi
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "marsad: installing$packages"
    # shellcheck disable=SC2086
    if { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } >/dev/null; then
        exit 0
    fi
fi
if command -v apt-get >/dev/null; then
    echo "marsad: please run: sudo apt-get install$packages" >&2
else
    echo "marsad: please install what these Debian packages hold:$packages" >&2
fi
exit 1
