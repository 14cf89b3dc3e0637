#!/bin/sh
# Stops what a start script in this folder noted in DIR/pids, in that order, and waits for each; then removes the
# folders that it noted in DIR/remove.
#
#   stop.sh DIR
set -eu

[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
[ -f "$1/pids" ] || exit 0
# A process that has ended but was not collected by its parent is gone too.
runs() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }
while read -r pid; do
    # INT is PostgreSQL's fast shutdown; node ends on it too.
    kill -INT "$pid" 2>/dev/null || continue
    tries=0
    while runs "$pid"; do
        tries=$((tries + 1))
        [ "$tries" -ne 100 ] || kill -KILL "$pid" 2>/dev/null || true
        [ "$tries" -lt 150 ] || { echo "stop: process $pid does not end" >&2; break; }
        sleep 0.1
    done
done <"$1/pids"
rm -f "$1/pids"
if [ -f "$1/remove" ]; then
    while read -r folder; do rm -rf "$folder"; done <"$1/remove"
    rm -f "$1/remove"
fi
