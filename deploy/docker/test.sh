#!/usr/bin/env bash
# Runs the steps of the Dockerfile's second stage in a bare Debian, where no container engine is at hand, and starts its entry point as
# its user, with a read-only root, as `docker run --read-only` does. Wants root, debootstrap, unshare, and a folder that
# `make install PREFIX=/usr DESTDIR=…` has filled, in place of the first stage.
#
#     deploy/docker/test.sh .build/staged
set -euo pipefail
staged=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$here/../..")
bare=$(mktemp -d /tmp/alexnet-image.XXXXXX)
chmod 755 "$bare"
port=18082
places=(proc dev/null dev/urandom)

finish() {
    if [ -n "${server:-}" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    for place in "${places[@]}"; do umount -l "$bare/$place" 2>/dev/null || true; done
    rm -rf "$bare"
}
trap finish EXIT
check() { if "${@:2}"; then printf 'ok     %s\n' "$1"; else printf 'FAILED %s\n' "$1"; exit 1; fi; }

release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $release" | sed -n 1p)
debootstrap --variant=minbase "$release" "$bare" "$mirror" >"$bare.log" 2>&1 || { tail "$bare.log"; exit 1; }
rm -f "$bare.log"
cp /etc/resolv.conf "$bare/etc/" 2>/dev/null || true
cp -r /etc/apt/. "$bare/etc/apt/"
mount -t proc proc "$bare/proc"
for device in null urandom; do touch "$bare/dev/$device"; mount --bind "/dev/$device" "$bare/dev/$device"; done

# The second stage, from its FROM to the end, with lines that go on joined.
stage=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$here/Dockerfile" | sed '1,/^FROM debian/d')
environment=(PATH=/usr/sbin:/usr/bin:/sbin:/bin)
user=root folder=/ entry=() command=()
while IFS= read -r line; do
    case $line in
    RUN\ *) chroot "$bare" /usr/bin/env -i "${environment[@]}" DEBIAN_FRONTEND=noninteractive sh -c "${line#RUN }" </dev/null >"$bare/tmp/log" 2>&1 \
        || { tail "$bare/tmp/log"; exit 1; } ;;
    COPY\ --from=build\ /install/\ /) cp -a "$staged/." "$bare/" ;;
    COPY\ *) read -r _ from to <<<"$line"; mkdir -p "$(dirname "$bare$to")"; cp -R "$root/$from" "$bare$to" ;;
    WORKDIR\ *) folder=${line#WORKDIR } ;;
    USER\ *) user=${line#USER } ;;
    ENV\ *) read -ra words <<<"${line#ENV }"; environment+=("${words[@]}") ;;
    ENTRYPOINT\ *) mapfile -t entry < <(python3 -c 'import json, sys; print("\n".join(json.loads(sys.argv[1])))' "${line#ENTRYPOINT }") ;;
    CMD\ *) mapfile -t command < <(python3 -c 'import json, sys; print("\n".join(json.loads(sys.argv[1])))' "${line#CMD }") ;;
    esac
done <<<"$stage"
check 'the second stage has no Swift' chroot "$bare" sh -c '! command -v swift >/dev/null'
check "its entry point is ${entry[*]} ${command[*]}" test "${entry[*]} ${command[*]}" = 'alexnet serve'
check "its user is $user, not root" test "$user" != root
id=$(chroot "$bare" id -u "$user")

# The entry point in a mount namespace of its own: the root is read-only, only the cache is a tmpfs; /proc and /dev go along.
: >"$bare.output"
unshare --mount --propagation private bash -c '
    mount --rbind "$1" "$1" && mount -t tmpfs -o uid="$2" tmpfs "$1/var/cache/alexnet" && mount -o remount,bind,ro "$1" && shift 2 && exec "$@"
' - "$bare" "$id" chroot --userspec="$id:$id" "$bare" /usr/bin/env -i -C "$folder" "${environment[@]}" ALEXNET_SERVER_PORT=$port \
    "${entry[@]}" "${command[@]}" >"$bare.output" 2>"$bare.errors" &
server=$!
ready() { for _ in $(seq 600); do grep -q "^ready " "$bare.output" && return; sleep 0.05; done; tail "$bare.errors"; return 1; }
check 'the entry point serves, on a read-only root' ready
answer=$(curl -sS -F "image=@$root/docs/dress.jpg" "http://127.0.0.1:$port/predict") || { tail "$bare.errors"; exit 1; }
check 'a dress is a dress' grep -q '"class":"Dress"' <<<"$answer"
health=$(sed -n 's/^HEALTHCHECK .* CMD //p' "$here/Dockerfile" | python3 -c 'import json, sys; print(" ".join(json.load(sys.stdin)))')
# shellcheck disable=SC2086
check 'its health check passes' chroot "$bare" /usr/bin/env -i "${environment[@]}" ALEXNET_SERVER_PORT=$port $health
du -sm --exclude=proc "$bare" | awk '{print "       the image takes " $1 " MB"}'
rm -f "$bare.output" "$bare.errors"
