#!/bin/sh
# Starts a real OCI registry for tests.
#
#   registry.sh DIR PORT distribution|referrers [HTPASSWD]
#
# `distribution` is CNCF's, which has no referrers API; it keeps what it has in DIR/registry, and wants one of the users of the file
# HTPASSWD where there is one. It is Debian's package docker-registry (2.8), installed with apt if it is absent; where that is not to be had,
# or with SEAWALL_TEST_DISTRIBUTION=1, 3.1 is built from its Go module, which takes minutes. `referrers` is go-containerregistry's, in memory,
# with that API; it is built from its Go module once. They listen on 127.0.0.1 alone. DIR gets the log, and the process id in DIR/pids.
# Exit code 77 where Go is missing.
set -eu

dir=${1:?usage: registry.sh DIR PORT KIND} port=${2:?usage: registry.sh DIR PORT KIND} kind=${3:?usage: registry.sh DIR PORT KIND}
here=$(cd "$(dirname "$0")" && pwd)
program=
if [ "$kind" = distribution ] && [ -z "${SEAWALL_TEST_DISTRIBUTION:-}" ]; then
    command -v docker-registry >/dev/null || sh "$here/apt.sh" docker-registry || true
    program=$(command -v docker-registry) || true
fi
[ -n "$program" ] || program=$(sh "$here/go-tool.sh" "$kind")

mkdir -p "$dir/registry"
case $kind in
distribution)
    {
        printf 'version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: "%s/registry"}, delete: {enabled: true}}\n' "$dir"
        printf 'http: {addr: "127.0.0.1:%s"}\n' "$port"
        [ -z "${4:-}" ] || printf 'auth: {htpasswd: {realm: test, path: "%s"}}\n' "$4"
    } >"$dir/config.yml"
    OTEL_TRACES_EXPORTER=none "$program" serve "$dir/config.yml" </dev/null >"$dir/registry.log" 2>&1 &
    ;;
*) "$program" "127.0.0.1:$port" </dev/null >"$dir/registry.log" 2>&1 & ;;
esac
pid=$!
echo "$pid" >>"$dir/pids"

tries=0
# 401 is an answer too.
until python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()' "$port" 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
        echo "registry: not ready on port $port; the end of $dir/registry.log:" >&2
        tail -n 20 "$dir/registry.log" >&2
        exit 1
    fi
    sleep 0.1
done
