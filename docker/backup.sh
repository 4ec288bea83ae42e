#!/bin/sh
# A backup now and then one every day; those older than MARSAD_BACKUP_DAYS go. Ends at once when it is told to.
set -eu
trap 'exit 0' TERM INT
while :; do
    # begun under another name: a broken one never counts as the newest
    name=marsad-$(date -u +%Y%m%dT%H%M%SZ).tar
    if python manage.py backup "/backups/.$name" --passphrase-file /run/secrets/backup_passphrase; then
        mv "/backups/.$name" "/backups/$name"
        find /backups -name 'marsad-*.tar' -mtime "+${MARSAD_BACKUP_DAYS:-14}" -delete
    fi
    find /backups -name '.marsad-*.tar' -mmin +720 -delete
    [ "${1:-}" = once ] && exit 0
    sleep 86400 &
    wait $!
done
