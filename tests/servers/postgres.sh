#!/bin/sh
# Starts a real PostgreSQL with an empty cluster of its own, for tests; with a third argument also pgbouncer before it, in
# transaction mode.
#
#   postgres.sh DIR PORT [POOLER_PORT]
#
# PostgreSQL is the one that `pg_config` or the path names, or the newest below /usr/lib/postgresql; Debian's packages are
# installed with apt if they are absent (as root). It does not run as root: then it runs as nobody, and DIR becomes nobody's. It
# listens on 127.0.0.1 alone and takes the user `seawall` with the password `sea:w@ll/1`, who may make databases. Nothing is
# kept over a crash of the machine, unless POSTGRES_OPTIONS (for the server's command line) says otherwise. DIR gets the logs, and
# the process ids in DIR/pids; stop.sh ends them.
set -eu

dir=${1:?usage: postgres.sh DIR PORT [POOLER_PORT]}
port=${2:?usage: postgres.sh DIR PORT [POOLER_PORT]}
pooler=${3:-}
here=$(dirname "$0")

bin() {
    for candidate in "$(pg_config --bindir 2>/dev/null || true)" "$(dirname "$(command -v initdb 2>/dev/null || true)")" \
        $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -nr); do
        if [ -x "$candidate/initdb" ] && [ -x "$candidate/pg_ctl" ]; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}
# 77: what is needed is not to be had.
bin=$(bin) || { sh "$here/apt.sh" postgresql && bin=$(bin); } || exit 77
[ -z "$pooler" ] || command -v pgbouncer >/dev/null || sh "$here/apt.sh" pgbouncer || exit 77

mkdir -p "$dir"
as=
if [ "$(id -u)" = 0 ]; then
    chown 65534:65534 "$dir"
    as="setpriv --reuid=65534 --regid=65534 --clear-groups --"
fi
cd "$dir"
if [ ! -d "$dir/data" ]; then
    printf 'sea:w@ll/1' >"$dir/password"
    chmod 644 "$dir/password"
    $as "$bin/initdb" -D "$dir/data" -U seawall --auth=scram-sha-256 --pwfile="$dir/password" --encoding=UTF8 \
        --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
fi
$as "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/postgres.log" -w -t 60 start \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=500 ${POSTGRES_OPTIONS:--c fsync=off}" \
    >"$dir/start.log" 2>&1 || { cat "$dir/start.log" "$dir/data/postgres.log" >&2; exit 1; }
head -n 1 "$dir/data/postmaster.pid" >>"$dir/pids"

if [ -n "$pooler" ]; then
    cat >"$dir/pgbouncer.ini" <<INI
[databases]
* = host=127.0.0.1 port=$port user=seawall password=sea:w@ll/1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
server_idle_timeout = 10
max_client_conn = 500
INI
    $as pgbouncer "$dir/pgbouncer.ini" </dev/null >"$dir/pooler.log" 2>&1 &
    pid=$!
    echo "$pid" >>"$dir/pids"
    tries=0
    until "$bin/pg_isready" -q -h 127.0.0.1 -p "$pooler"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 150 ] || ! kill -0 "$pid" 2>/dev/null; then
            echo "postgres: pgbouncer is not ready; the end of $dir/pooler.log:" >&2
            tail -n 20 "$dir/pooler.log" >&2
            exit 1
        fi
        sleep 0.2
    done
fi
