#!/bin/sh
# Makes .venv hold exactly what requirements-dev.lock says. A second call only compares two files.
set -eu
cd "$(dirname "$0")/.."
lock=requirements-dev.lock
stamp=.venv/marsad.lock
works() { "$1" "$2" >/dev/null 2>&1; }

if cmp -s "$lock" "$stamp" && works .venv/bin/python --version; then exit 0; fi

uv=
for candidate in "${UV:-}" uv "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv" .uv/bin/uv; do
    # asked, not only looked up: a pyenv shim may stand in the path and fail
    if [ -n "$candidate" ] && works "$candidate" --version; then uv=$candidate; break; fi
done
if [ -z "$uv" ]; then
    echo "marsad: installing uv into .uv"
    if ! { python3 -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv; } >&2; then
        echo "marsad: uv is missing and could not be installed: install uv, or python3 with its venv module, and try again" >&2
        exit 1
    fi
    uv=.uv/bin/uv
fi

if ! works .venv/bin/python --version; then
    wanted=$(cat .python-version)
    "$uv" venv --quiet --clear --no-python-downloads --python "$wanted" .venv 2>/dev/null ||
        "$uv" venv --quiet --clear --no-python-downloads --python '>=3.12' .venv 2>/dev/null ||
        "$uv" venv --quiet --clear --python "$wanted" .venv 2>/dev/null || {
        echo "marsad: no Python 3.12 or newer was found: install one and try again" >&2
        exit 1
    }
fi
echo "marsad: installing the Python packages of $lock"
"$uv" pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python "$lock"
cp "$lock" "$stamp"
