#!/bin/sh
# Builds the Dockerfile where no image registry is in reach and runs the image as compose.yaml would: the base image is
# made by debootstrap, buildah builds, and the result runs in a chroot as the image's user, the root bound read-only.
# As root on Debian: apt-get install debootstrap buildah postgresql-common
#   docker/try.sh build            build the image, and leave its root mounted in $TRY/root
#   docker/try.sh run COMMAND…     run a command in it, with /data, /backups and /tmp writable, the rest read-only;
#                                  SETTINGS names a file of NAME=value lines, PASSPHRASE the secret of backups
# TRY is a folder of about 3 GB (default /var/tmp/marsad-try); BUILD_FLAGS go to buildah (`--secret id=pip,src=…`).
set -eu
cd "$(dirname "$0")/.."
try=${TRY:-/var/tmp/marsad-try}
suite=trixie
mkdir -p "$try"

base() {
    image=docker.io/library/debian:$suite-slim
    if buildah images -q "$image" >/dev/null 2>&1; then return; fi
    [ -d "$try/base" ] || debootstrap --variant=minbase "$suite" "$try/base" >"$try/debootstrap.log"
    tar -C "$try/base" -cf "$try/base.tar" --exclude='./var/cache/apt/archives/*.deb' .
    container=$(buildah from scratch)
    buildah add -q "$container" "$try/base.tar" / >/dev/null
    buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit -q "$container" "$image"
    buildah rm "$container" >/dev/null
}

build() {
    base
    for target in marsad pgbouncer; do
        # shellcheck disable=SC2086
        buildah build --layers --isolation chroot --network host --pull-never --format docker --target "$target" ${BUILD_FLAGS:-} \
            --file docker/Dockerfile --tag "localhost/$target:try" .
    done
    container=$(buildah from --pull-never localhost/marsad:try)
    mounted=$(buildah mount "$container")
    mkdir -p "$try/root" "$try/data" "$try/backups"
    chown 10001:10001 "$try/data" "$try/backups"
    mountpoint -q "$try/root" && umount -R "$try/root"
    mount --bind "$mounted" "$try/root"
    mount -o remount,bind,ro "$try/root"
    # the environment that the image itself sets; settings of the installation are added to it
    buildah inspect --type image --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' localhost/marsad:try >"$try/image.env"
    buildah images
}

run() {
    # all mounts stand in a namespace of their own and go with the process; capabilities are dropped by the last step
    exec unshare --mount --pid --fork --kill-child sh -eu -c '
        try=$1; shift
        root=$try/root
        mkdir -p "$try/data/state"
        mount --bind "$try/data" "$root/data"
        mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/data/state"
        mount --bind "$try/backups" "$root/backups"
        mount -t tmpfs -o size=256m,mode=1777 tmpfs "$root/tmp"
        mount -t proc -o subset=pid,hidepid=2 proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/run"
        if [ -n "${PASSPHRASE:-}" ]; then
            mkdir "$root/run/secrets"
            install -m 0444 "$PASSPHRASE" "$root/run/secrets/backup_passphrase"
        fi
        exec chroot "$root" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --inh-caps=-all \
            --bounding-set=-all env -C /opt/marsad -i $(cat "$try/image.env" "${SETTINGS:-/dev/null}") "$@"
    ' sh "$try" "$@"
}

command=${1:-build}
[ $# = 0 ] || shift
"$command" "$@"
