#!/bin/sh
# Installs Debian packages for tests, without starting the services that they bring.
#
#   apt.sh PACKAGE…
#
# As root, where there is apt; exit code 1 elsewhere. One at a time: tests start together.
set -eu

[ $# -gt 0 ] || { echo "usage: apt.sh PACKAGE…" >&2; exit 2; }
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed; run as root: apt-get install $*" >&2
    exit 1
fi
cache=${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}
mkdir -p "$cache"
exec 9>"$cache/apt.lock"
flock 9
missing=
for package in "$@"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "installing with apt (once):$missing" >&2
# A policy of "no" keeps services still (invoke-rc.d(8)).
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
# shellcheck disable=SC2086
{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >&2
