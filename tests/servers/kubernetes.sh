#!/bin/sh
# Starts a real Kubernetes API server, with its etcd and without nodes, for tests.
#
#   kubernetes.sh DIR PORT ETCD-PORT PEER-PORT
#
# 1.36, built from its Go modules once, which takes about five minutes of two cores: so only with SEAWALL_TEST_KUBERNETES=1.
# It answers on https://127.0.0.1:PORT. DIR gets the logs, the process ids in DIR/pids, the authority of its certificate in
# DIR/certs/apiserver.crt, and a token of an administrator in DIR/admin.token. Exit code 77 where it is not asked for, or Go is missing.
set -eu

dir=${1:?usage: kubernetes.sh DIR PORT ETCD-PORT PEER-PORT} port=${2:?} etcd=${3:?} peer=${4:?}
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${SEAWALL_TEST_KUBERNETES:-}" ]; then
    echo "kubernetes: skipped; SEAWALL_TEST_KUBERNETES=1 builds it, which takes minutes"
    exit 77
fi
program=$(sh "$here/go-tool.sh" kubernetes)

mkdir -p "$dir"
cd "$dir"
umask 077
openssl genrsa -out sa.key 2048 2>/dev/null
openssl rand -hex 16 >admin.token
printf '%s,admin,admin,"system:masters"\n' "$(cat admin.token)" >tokens.csv
"$program" etcd "$dir/etcd" "$etcd" "$peer" </dev/null >etcd.log 2>&1 &
database=$!
"$program" apiserver --etcd-servers="http://127.0.0.1:$etcd" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
    --secure-port="$port" --cert-dir="$dir/certs" --endpoint-reconciler-type=none --service-cluster-ip-range=10.96.0.0/16 \
    --service-account-issuer="https://127.0.0.1:$port" --service-account-key-file=sa.key \
    --service-account-signing-key-file=sa.key --token-auth-file=tokens.csv --authorization-mode=RBAC \
    </dev/null >apiserver.log 2>&1 &
server=$!
# An API server whose etcd went first hangs for minutes in its own shutdown.
printf '%s\n%s\n' "$server" "$database" >>pids

tries=0
until curl -sf --cacert certs/apiserver.crt -H "authorization: Bearer $(cat admin.token)" "https://127.0.0.1:$port/readyz" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "kubernetes: not ready on port $port; the end of $dir/apiserver.log:" >&2
        tail -n 20 apiserver.log >&2
        exit 1
    fi
    sleep 0.1
done
