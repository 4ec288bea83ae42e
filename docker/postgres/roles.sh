#!/bin/sh
# Runs once, when the cluster is made: the schema's owner, its database, and who may stream from here.
set -eu
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -v owner="$MARSAD_OWNER_PASSWORD" <<'EOF'
CREATE ROLE marsad_owner LOGIN CREATEROLE PASSWORD :'owner';
CREATE DATABASE marsad OWNER marsad_owner;
EOF
[ -n "${REPLICATION_PASSWORD:-}" ] || exit 0
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres -v word="$REPLICATION_PASSWORD" <<'EOF'
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'word';
EOF
echo 'host replication replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"
