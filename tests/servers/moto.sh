#!/bin/sh
# Starts moto, which answers as AWS does and checks signatures, for tests.
#
#   moto.sh DIR PORT
#
# Installs it once, from PyPI, into ${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/moto. Its user `seawall` may do everything
# on S3, where there is the bucket `catalog-of-seawall`; its key is in DIR/key, as ID and SECRET on a line each. From then on, requests that are not signed with it are refused.
# DIR gets the log, and the process id in DIR/pids.
set -eu

dir=${1:?usage: moto.sh DIR PORT} port=${2:?usage: moto.sh DIR PORT}
version=5.2.5
cache=${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/moto
python=$cache/$version/bin/python

mkdir -p "$dir" "$cache"
if [ ! -f "$cache/$version/complete" ]; then
    echo "moto: installing $version into $cache (once)" >&2
    # The lock keeps two tests apart that install at once.
    (
        flock 9
        if [ ! -f "$cache/$version/complete" ]; then
            rm -rf "$cache/$version"
            python3 -m venv "$cache/$version"
            "$python" -m pip install --quiet --no-compile "moto[server,s3]==$version" >&2 || {
                echo "moto: could not be installed from PyPI; is there a network?" >&2
                exit 1
            }
            touch "$cache/$version/complete"
        fi
    ) 9>"$cache/lock"
fi

# Four requests are free: the ones that make the bucket and the user.
INITIAL_NO_AUTH_ACTION_COUNT=4 "$python" -m moto.server -H 127.0.0.1 -p "$port" </dev/null >"$dir/moto.log" 2>&1 &
pid=$!
echo "$pid" >>"$dir/pids"

"$python" - "$port" "$dir" <<'PY'
import json, pathlib, sys, time
import boto3
from botocore.exceptions import ConnectionError

port, folder = sys.argv[1], pathlib.Path(sys.argv[2])
given = {
    "endpoint_url": f"http://127.0.0.1:{port}", "region_name": "eu-central-1",
    "aws_access_key_id": "free", "aws_secret_access_key": "free",
}
iam, s3 = boto3.client("iam", **given), boto3.client("s3", **given)
for _ in range(600):
    try:
        iam.create_user(UserName="seawall")
        break
    except ConnectionError:
        time.sleep(0.1)
else:
    sys.exit("moto: not ready")
s3.create_bucket(Bucket="catalog-of-seawall", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="seawall", PolicyName="all", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="seawall")["AccessKey"]
(folder / "key").write_text(f"{key['AccessKeyId']}\n{key['SecretAccessKey']}\n")
PY
