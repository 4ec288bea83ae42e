#!/bin/sh
# Every rule that needs no running program; goes on after a fault and says at the end which checks failed.
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
failed=
check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then echo "ok    $name"; else
        printf '%s\n' "$output"
        echo "FAULT $name"
        failed="$failed $name"
    fi
}
check lint ruff check .
check format ruff format --check .
check types mypy
check imports lint-imports
check system python manage.py check
check migrations env PYTHONWARNINGS=ignore python manage.py makemigrations --check --dry-run
check migrations-online env PYTHONWARNINGS=ignore python scripts/migrations.py
if [ -d templates ]; then
    check templates djlint --lint --quiet templates
    check templates-django sh -c 'find templates -name "*.html" | xargs djade --check --target-version 6.1'
fi
check translations python scripts/messages.py
check traceability python scripts/trace.py
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
