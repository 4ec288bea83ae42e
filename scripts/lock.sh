#!/bin/sh
# Pins every package with its hashes. The files name no registry host and no folder of this machine.
set -eu
cd "$(dirname "$0")/.."
uv=uv
if ! uv --version >/dev/null 2>&1; then uv=.uv/bin/uv; fi
set -- pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.12 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate
"$uv" "$@" --output-file requirements.lock
"$uv" "$@" --group dev --constraint requirements.lock --output-file requirements-dev.lock
