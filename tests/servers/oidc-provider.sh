#!/bin/sh
# Starts a real OAuth 2.0 and OpenID Connect provider for tests: oidc-provider, which is certified.
#
#   oidc-provider.sh DIR PORT
#
# Installs it once, from npm, into ${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/oidc-provider. It keeps all in memory, on
# 127.0.0.1:PORT. Clients: `service` (client credentials, secret `service-secret-value`), `portal` (refresh tokens, secret
# `portal-secret-value`). A refresh token of `portal` is in DIR/refresh-token. Access tokens live TOKEN_SECONDS (3600). DIR gets
# the log, and the process id in DIR/pids.
set -eu

dir=${1:?usage: oidc-provider.sh DIR PORT} port=${2:?usage: oidc-provider.sh DIR PORT}
version=9.10.0
cache=${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/oidc-provider
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$dir" "$cache"
if [ ! -d "$cache/$version" ]; then
    echo "oidc-provider: installing $version into $cache (once)" >&2
    # Into a folder of its own that is renamed when complete: two tests may install at once. The lock keeps them apart.
    (
        flock 9
        if [ ! -d "$cache/$version" ]; then
            rm -rf "$cache/new"
            mkdir "$cache/new"
            npm install --silent --no-audit --no-fund --prefix "$cache/new" "oidc-provider@$version" >&2 || {
                echo "oidc-provider: could not be installed from npm; is there a network?" >&2
                exit 1
            }
            mv "$cache/new" "$cache/$version"
        fi
    ) 9>"$cache/lock"
fi

cp "$here/oidc-provider.mjs" "$dir/main.mjs"
ln -sfn "$cache/$version/node_modules" "$dir/node_modules"
DIR="$dir" PORT="$port" node "$dir/main.mjs" </dev/null >"$dir/oidc-provider.log" 2>&1 &
pid=$!
echo "$pid" >>"$dir/pids"

tries=0
until [ -f "$dir/refresh-token" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
        echo "oidc-provider: not ready on port $port; the end of its log:" >&2
        tail -n 20 "$dir/oidc-provider.log" >&2
        exit 1
    fi
    sleep 0.1
done
