#!/bin/sh
# Records the cassettes of this repository's plugins anew, against the real servers of this folder.
#
#   record.sh [PLUGIN…]        prometheus, unleash, openbao, catalog-files; all without arguments
#
# Runs the components that `cargo xtask plugins` has built. SEAWALL names the program; target/debug/seawall if unset. Look at
# what `git diff` shows before you commit it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
seawall=${SEAWALL:-$root/target/debug/seawall}
work=$(mktemp -d /tmp/seawall-record.XXXXXX)
running=

finish() {
    for dir in $running; do "$here/stop.sh" "$dir" || true; done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start NAME ARGUMENTS…: a server of this folder, stopped at the end.
start() {
    name=$1
    shift
    running="$running $work/$name"
    mkdir -p "$work/$name"
    # The servers live on in the background and would hold this script's own output open.
    "$here/$name.sh" "$work/$name" "$@" >"$work/$name.log" 2>&1 || { cat "$work/$name.log" >&2; exit 1; }
}

# record PLUGIN ARGUMENTS…
record() {
    plugin=$1
    shift
    "$seawall" plugin record "$root/plugins/$plugin" --component "$root/plugins/$plugin/dist/$plugin.wasm" "$@"
}

# post URL BODY [HEADER]
post() { curl -sSf -o /dev/null -X POST -H 'content-type: application/json' -H "${3:-x-none: 0}" -d "$2" "$1"; }

until_says() {
    tries=0
    until curl -sf "$1" | grep -q "$2"; do
        tries=$((tries + 1))
        [ "$tries" -lt 150 ] || { echo "record: $1 does not say $2" >&2; exit 1; }
        sleep 0.2
    done
}

prometheus() {
    prometheus_port=$(port) alertmanager_port=$(port)
    start prometheus "$prometheus_port" "$alertmanager_port"
    prometheus_url=http://127.0.0.1:$prometheus_port alertmanager_url=http://127.0.0.1:$alertmanager_port
    # The alert fires while this path was asked for an odd number of times.
    curl -sSf -o /dev/null "$prometheus_url/api/v1/status/flags"
    until_says "$prometheus_url/api/v1/alerts" '"state":"firing"'
    until_says "$alertmanager_url/api/v2/alerts" Switched
    post "$alertmanager_url/api/v2/silences" '{"matchers": [{"name": "alertname", "value": "Switched", "isRegex": false, "isEqual": true}],
        "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "createdBy": "ada", "comment": "Known, being mended"}'
    until_says "$alertmanager_url/api/v2/alerts" suppressed
    # Prometheus names both by the machine's name too.
    record prometheus --config "prometheus_url=$prometheus_url" --config "alertmanager_url=$alertmanager_url" \
        --replace "$(hostname):$prometheus_port=prometheus-url.test" \
        --replace "$(hostname):$alertmanager_port=alertmanager-url.test" --replace "$work/prometheus=/etc/prometheus"
}

unleash() {
    unleash_port=$(port)
    TOKEN='*:*.unleash-test-token'
    export TOKEN
    UNLEASH_TOKEN=$TOKEN start unleash "$unleash_port" "$(port)"
    unleash_url=http://127.0.0.1:$unleash_port
    for flag in checkout-v2 dark-mode; do
        post "$unleash_url/api/admin/projects/default/features" \
            "{\"name\": \"$flag\", \"type\": \"release\", \"description\": \"The flag $flag\"}" "authorization: $TOKEN"
    done
    set -- --config "base_url=$unleash_url" --secret token=TOKEN
    record unleash "$@"
    record unleash "$@" --operation switch-flag --target unleashFeatureFlag/checkout-v2 \
        --input environment=development --input enabled=true
    # As Unleash 8.2 sends it.
    cat >"$work/event.json" <<'JSON'
{"id": 12, "type": "feature-environment-enabled", "createdBy": "admin", "createdAt": "2026-11-25T19:16:35.764Z",
 "createdByUserId": -42, "data": null, "preData": null, "tags": [], "featureName": "checkout-v2", "project": "default",
 "environment": "development", "groupType": "transaction", "groupId": "01M8A26V9S2K3EZBEMB0AKX645"}
JSON
    record unleash "$@" --delivery "$work/event.json" --header 'content-type: application/json'
}

openbao() {
    bao_port=$(port)
    start openbao "$bao_port"
    # The root token of a development server is four letters, which are words of answers too.
    TOKEN=$(curl -sSf -X POST -H 'x-vault-token: root' -d '{"ttl": "1h"}' "http://127.0.0.1:$bao_port/v1/auth/token/create" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["auth"]["client_token"])')
    export TOKEN
    record openbao --config "base_url=http://127.0.0.1:$bao_port" --secret token=TOKEN
}

catalog_files() {
    (cd "$root/plugins/catalog-files" && record catalog-files --config directory=tests/files)
}

[ $# -gt 0 ] || set -- prometheus unleash openbao catalog-files
for each in "$@"; do
    case $each in
        prometheus | unleash | openbao) $each ;;
        catalog-files) catalog_files ;;
        *) echo "usage: $0 [prometheus|unleash|openbao|catalog-files…]" >&2; exit 2 ;;
    esac
done
