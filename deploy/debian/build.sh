#!/usr/bin/env bash
# Makes the Debian package from what `make install` has put into a folder.
#
#     deploy/debian/build.sh STAGED OUTPUT VERSION
set -euo pipefail
staged=$1 output=$2 version=$3-1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

package=$work/package
mkdir -p "$package"
cp -a "$staged/." "$package/"
documents=$package/usr/share/doc/alexnet
install -d "$package/DEBIAN" "$package/lib/systemd/system" "$documents" "$package/usr/share/alexnet/models"
install -m 644 "$root"/deploy/systemd/alexnet.service "$root"/deploy/systemd/alexnet.socket "$package/lib/systemd/system/"
# The configuration of the service: every key with its default, except the folder of the models.
sed 's|^  directory: weights$|  directory: /var/lib/alexnet/models|' "$root/config/alexnet.yaml" \
    | install -D -m 644 /dev/stdin "$package/etc/alexnet/alexnet.yaml"
grep -q '/var/lib/alexnet/models' "$package/etc/alexnet/alexnet.yaml"
# A model to begin with, which the installation copies to where models are served.
cp -R "$root/weights/fashion-mnist" "$package/usr/share/alexnet/models/"
chmod -R u=rwX,go=rX "$package/usr/share/alexnet"

{
    echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    echo "Upstream-Name: alexnet"
    echo
    echo "Files: *"
    sed -n 's/^Copyright (c) /Copyright: /p' "$root/LICENSE"
    echo "License: Expat"
    sed -n '/^Permission is hereby/,$p' "$root/LICENSE" | sed 's/^$/./; s/^/ /'
} > "$documents/copyright"
gzip -9n < "$root/CHANGELOG.md" > "$documents/changelog.gz"
date=$(date -R -u -d "@$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)")
printf 'alexnet (%s) stable; urgency=medium\n\n  * Packaged; see changelog.gz.\n\n -- The alexnet project <alexnet@localhost>  %s\n' \
    "$version" "$date" | gzip -9n > "$documents/changelog.Debian.gz"
rm -rf "$package/usr/share/doc/alexnet/LICENSE"

# The libraries that the program is linked with, by the packages that hold them.
mkdir -p "$work/debian"
printf 'Source: alexnet\n\nPackage: alexnet\nArchitecture: any\n' > "$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "$package/usr/bin/alexnet" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
{
    echo "Package: alexnet"
    echo "Version: $version"
    echo "Architecture: $(dpkg --print-architecture)"
    echo "Maintainer: The alexnet project <alexnet@localhost>"
    echo "Installed-Size: $(du -sk --exclude=DEBIAN "$package" | cut -f1)"
    echo "Depends: $depends, adduser"
    echo "Section: net"
    echo "Priority: optional"
    echo "Description: image classifier behind HTTP, on a CPU"
    echo " Serves AlexNet, VGG, GoogLeNet, ResNet and relatives from the checkpoints of"
    echo " PyTorch, NumPy and safetensors: upload an image, get class and probability."
    echo " Weights are replaced while it runs, and Prometheus can watch it. The same"
    echo " program trains, evaluates, inspects and converts such networks."
} > "$package/DEBIAN/control"
echo /etc/alexnet/alexnet.yaml > "$package/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 "$here/$script" "$package/DEBIAN/$script"; done
(cd "$package" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) > "$package/DEBIAN/md5sums"

mkdir -p "$output"
dpkg-deb --root-owner-group -Zxz --build "$package" "$output/alexnet_${version}_$(dpkg --print-architecture).deb"
