#!/bin/sh
# Starts a real Unleash 8.2 on a PostgreSQL of its own, both on 127.0.0.1, and waits until it answers.
#
#   unleash.sh DIR PORT PGPORT
#
# DIR      holds the database, logs, `pids` (one a line, in the order in which to stop them) and, where the database had
#          to go elsewhere, `remove` (that folder); made if absent. One server a DIR
# PORT     Unleash
# PGPORT   PostgreSQL
#
# UNLEASH_TOKEN        the admin token; `*:*.unleash-test-token` if unset
# SEAWALL_TEST_CACHE   where the npm packages are kept; ~/.cache/seawall-tests if unset
# PG_BIN               PostgreSQL's programs; found under /usr/lib/postgresql or on PATH if unset
#
# Ends with 0 when Unleash is healthy; otherwise it stops what it started and shows the logs' ends.
set -eu

[ $# -eq 3 ] || { echo "usage: $0 DIR PORT PGPORT" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
port=$2
pgport=$3
here=$(cd "$(dirname "$0")" && pwd)
token=${UNLEASH_TOKEN:-*:*.unleash-test-token}
cache=${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/unleash
version=8.2.0
server=node_modules/unleash-server/dist/server.js

say() { echo "unleash: $*" >&2; }
stop_all() { "$here/stop.sh" "$dir" || true; }
fail() {
    say "$*"
    for log in "$dir/postgres.log" "$dir/unleash.log"; do
        [ -f "$log" ] && { echo "--- $log" >&2; tail -n 20 "$log" >&2; }
    done
    stop_all
    exit 1
}

install_unleash() {
    [ -f "$cache/$version/$server" ] && return
    say "installing unleash-server $version into $cache (once, about a minute)"
    mkdir -p "$cache"
    # Two suites at once must not install into one folder.
    staging=$(mktemp -d "$cache/install.XXXXXX")
    # Without --prefix, npm would take a package.json in a folder above for the project.
    npm install --prefix "$staging" --no-audit --no-fund --ignore-scripts --loglevel=error \
        "unleash-server@$version" >&2 && [ -f "$staging/$server" ] ||
        { rm -rf "$staging"; fail "npm could not install unleash-server $version"; }
    # -T: where another suite was faster, its folder is not taken for one to move into.
    mv -T "$staging" "$cache/$version" 2>/dev/null || rm -rf "$staging"
}

find_postgres() {
    [ -n "${PG_BIN:-}" ] && return
    for each in /usr/lib/postgresql/*/bin; do
        [ -x "$each/postgres" ] && PG_BIN=$each
    done
    if [ -z "${PG_BIN:-}" ]; then
        found=$(command -v postgres) || fail "PostgreSQL was not found; install it, or set PG_BIN to its programs"
        PG_BIN=$(dirname "$found")
    fi
}

# PostgreSQL refuses to run as root: then it runs as `postgres`, or `nobody`.
pg_user=
if [ "$(id -u)" -eq 0 ]; then
    if id postgres >/dev/null 2>&1; then pg_user=postgres; else pg_user=nobody; fi
fi
as_pg() {
    if [ -n "$pg_user" ]; then setpriv --reuid="$pg_user" --regid="$(id -g "$pg_user")" --clear-groups "$@"; else "$@"; fi
}

# Starts a program in the background that outlives this script, and notes its pid.
spawn() {
    log=$1
    shift
    nohup "$@" >"$log" 2>&1 </dev/null &
    pid=$!
}

wait_for() {
    what=$1
    watched=$2
    shift 2
    tries=0
    until "$@" >/dev/null 2>&1; do
        kill -0 "$watched" 2>/dev/null || fail "$what ended before it was ready"
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || fail "$what was not ready within two minutes"
        sleep 0.2
    done
}

# Another server on the port would be taken for this one.
must_be_free() {
    if node -e 'require("net").connect(process.argv[1], "127.0.0.1").on("connect", () => process.exit(0)).on("error", () => process.exit(1))' "$1"; then
        fail "port $1 is taken; choose another"
    fi
}

healthy() {
    node -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))' \
        "http://127.0.0.1:$port/health"
}

must_be_free "$port"
must_be_free "$pgport"
install_unleash
find_postgres

# A socket path may be no longer than about 100 bytes, so PostgreSQL gets none: it listens on loopback alone.
data=$dir/postgres
mkdir -p "$data"
if [ -n "$pg_user" ]; then
    chown "$pg_user" "$data"
    if ! as_pg test -w "$data"; then
        # DIR is in a folder that only root may enter, as mktemp's are.
        rmdir "$data"
        data=$(mktemp -d "${TMPDIR:-/tmp}/seawall-postgres.XXXXXX")
        chown "$pg_user" "$data"
        echo "$data" >"$dir/remove"
    fi
fi
as_pg "$PG_BIN/initdb" -D "$data/db" -U unleash -A trust -E UTF8 --no-sync >"$dir/initdb.log" 2>&1 ||
    { cat "$dir/initdb.log" >&2; fail "initdb failed"; }
: >"$dir/pids"
if [ -n "$pg_user" ]; then
    spawn "$dir/postgres.log" setpriv --reuid="$pg_user" --regid="$(id -g "$pg_user")" --clear-groups \
        "$PG_BIN/postgres" -D "$data/db" -h 127.0.0.1 -p "$pgport" -c unix_socket_directories= -c fsync=off
else
    spawn "$dir/postgres.log" \
        "$PG_BIN/postgres" -D "$data/db" -h 127.0.0.1 -p "$pgport" -c unix_socket_directories= -c fsync=off
fi
postgres_pid=$pid
echo "$postgres_pid" >"$dir/pids"
wait_for PostgreSQL "$postgres_pid" "$PG_BIN/pg_isready" -h 127.0.0.1 -p "$pgport" -U unleash -d postgres

spawn "$dir/unleash.log" env \
    DATABASE_URL="postgres://unleash@127.0.0.1:$pgport/postgres" DATABASE_SSL=false \
    HTTP_HOST=127.0.0.1 HTTP_PORT="$port" INIT_ADMIN_API_TOKENS="$token" \
    CHECK_VERSION=false SEND_TELEMETRY=false NODE_ENV=production LOG_LEVEL=warn \
    node "$cache/$version/$server"
unleash_pid=$pid
# Unleash first: it holds connections to PostgreSQL.
printf '%s\n%s\n' "$unleash_pid" "$postgres_pid" >"$dir/pids"
wait_for Unleash "$unleash_pid" healthy
say "ready at http://127.0.0.1:$port"
