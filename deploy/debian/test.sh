#!/usr/bin/env bash
# Installs the Debian package in a bare Debian of its own, and tries it as its user would: install, answer, manual page, upgrade,
# remove, purge. Wants root, debootstrap and what `make deb` has made.
#
#     deploy/debian/test.sh .build/dist/alexnet_0.2.0-1_amd64.deb
set -euo pipefail
package=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$here/../..")
bare=$(mktemp -d /tmp/alexnet-bare.XXXXXX)
chmod 755 "$bare"
port=18080

unmount() { for place in proc dev/null dev/urandom; do umount -l "$bare/$place" 2>/dev/null || true; done; }
finish() {
    if [ -n "${server:-}" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    unmount
    rm -rf "$bare"
}
trap finish EXIT
inside() { chroot "$bare" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
say() { printf '%-6s %s\n' "$1" "$2"; }
check() { if "${@:2}"; then say ok "$1"; else say FAILED "$1"; exit 1; fi; }

# The release and the mirror of this machine.
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $release" | sed -n 1p)
debootstrap --variant=minbase "$release" "$bare" "$mirror" >"$bare.log" 2>&1 || { tail "$bare.log"; exit 1; }
rm -f "$bare.log"
cp /etc/resolv.conf "$bare/etc/" 2>/dev/null || true
cp -r /etc/apt/. "$bare/etc/apt/"
mount -t proc proc "$bare/proc"
for device in null urandom; do touch "$bare/dev/$device"; mount --bind "/dev/$device" "$bare/dev/$device"; done
cp "$package" "$bare/tmp/alexnet.deb"
check 'a bare Debian has no Swift' inside sh -c '! command -v swift >/dev/null'
inside apt-get update -qq >/dev/null 2>&1

inside apt-get install -y -qq --no-install-recommends /tmp/alexnet.deb >"$bare/tmp/log" 2>&1 || { tail "$bare/tmp/log"; exit 1; }
check 'it is installed with what it depends on' inside alexnet --version
check 'with its manual page and completions' inside sh -c \
    'test -s /usr/share/man/man1/alexnet.1.gz && test -s /usr/share/bash-completion/completions/alexnet'
check 'the models belong to its user' inside sh -c 'test "$(stat -c %U /var/lib/alexnet/models/fashion-mnist)" = alexnet'
install -d -o "$(inside id -u alexnet)" "$bare/var/cache/alexnet"

serve() {
    : >"$bare/tmp/output"
    started=$(date +%s%N)
    chroot --userspec="$(inside id -u alexnet):$(inside id -g alexnet)" "$bare" /usr/bin/env -i PATH=/usr/bin:/bin \
        ALEXNET_MODELS_TUNING_CACHE=/var/cache/alexnet ALEXNET_SERVER_PORT=$port \
        /usr/bin/alexnet serve --config /etc/alexnet/alexnet.yaml >"$bare/tmp/output" 2>"$bare/tmp/server.log" &
    server=$!
    for _ in $(seq 600); do grep -q "^ready " "$bare/tmp/output" && return; sleep 0.05; done
    tail "$bare/tmp/server.log"
    return 1
}
check 'it serves as its user, by the configuration in /etc' serve
answer=$(curl -s -F "image=@$root/docs/dress.jpg" "http://127.0.0.1:$port/predict")
seconds=$(( ($(date +%s%N) - started) / 1000000 ))
check "a dress is a dress, ${seconds} ms after the start" grep -q '"class":"Dress"' <<<"$answer"
check 'browsers get the page' sh -c "curl -s -H 'Accept: text/html' http://127.0.0.1:$port/ | grep -q '<title>alexnet</title>'"
check 'alexnet health says so' inside env ALEXNET_SERVER_PORT=$port alexnet health --config /etc/alexnet/alexnet.yaml
kill -TERM "$server"
check 'SIGTERM ends it with 0' wait "$server"
server=

echo '# mine' >> "$bare/etc/alexnet/alexnet.yaml"
inside dpkg -i --force-confold /tmp/alexnet.deb >/dev/null
check 'an upgrade keeps the configuration' grep -q '# mine' "$bare/etc/alexnet/alexnet.yaml"
inside dpkg -r alexnet >/dev/null 2>&1
check 'removing it keeps configuration and models' inside sh -c \
    'test ! -e /usr/bin/alexnet && test -e /etc/alexnet/alexnet.yaml && test -e /var/lib/alexnet/models/fashion-mnist'
cp -r "$bare/var/lib/alexnet/models/fashion-mnist" "$bare/var/lib/alexnet/models/mine"
inside dpkg -P alexnet >/dev/null 2>&1
check 'purging it removes what came with it, and nothing of its user' inside sh -c \
    'test ! -e /etc/alexnet && test ! -e /var/lib/alexnet/models/fashion-mnist && test -e /var/lib/alexnet/models/mine'

if command -v systemd-analyze >/dev/null; then
    exposure=$(systemd-analyze security --offline=true "$root/deploy/systemd/alexnet.service" | sed -n 's/.*level for .*: \([0-9.]*\) .*/\1/p')
    check "the unit's exposure is $exposure, at most 2.0" awk "BEGIN { exit !($exposure <= 2.0) }"
fi
