#!/bin/sh
# Writes PgBouncer's configuration from the environment and becomes it. DATABASE_HOST is the primary.
set -eu
folder=${PGBOUNCER_RUN:-/tmp/pgbouncer}
umask 077
mkdir -p "$folder"
printf '"marsad_app" "%s"\n' "$MARSAD_APP_PASSWORD" >"$folder/users.txt"
cat >"$folder/pgbouncer.ini" <<EOF
[databases]
marsad = host=${DATABASE_HOST} port=${DATABASE_PORT:-5432} dbname=marsad

[pgbouncer]
listen_addr = ${PGBOUNCER_ADDRESS:-0.0.0.0}
listen_port = ${PGBOUNCER_PORT:-6432}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $folder/users.txt
admin_users = marsad_app
pool_mode = transaction
default_pool_size = ${PGBOUNCER_POOL:-20}
reserve_pool_size = 5
max_client_conn = 1000
server_idle_timeout = 300
query_wait_timeout = 30
; a statement waits here while the primary is changed: PAUSE, another host, RELOAD, RESUME
server_login_retry = 1
EOF
exec pgbouncer "$folder/pgbouncer.ini"
