#!/bin/sh
# The first start copies the primary and leaves a slot there for this machine; then it streams.
set -eu
export PGDATA="${PGDATA:-/var/lib/postgresql/18/docker}"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    umask 077
    mkdir -p "$PGDATA"
    from="host=$PRIMARY_ADDRESS port=${PRIMARY_PORT:-5432} user=replicator password=$REPLICATION_PASSWORD application_name=$REPLICA_NAME"
    slot="SELECT 1 FROM pg_replication_slots WHERE slot_name = '$REPLICA_NAME'"
    # a copy that broke off has left its slot behind
    create=--create-slot
    [ "$(psql "$from dbname=postgres" -Atc "$slot")" != 1 ] || create=
    # shellcheck disable=SC2086
    pg_basebackup --dbname="$from" --pgdata="$PGDATA" --wal-method=stream --write-recovery-conf --slot="$REPLICA_NAME" $create --checkpoint=fast
fi
exec postgres "$@"
