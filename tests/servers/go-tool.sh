#!/bin/sh
# Builds a program from its Go module, once, and prints where it is.
#
#   go-tool.sh distribution|referrers|cosign|kubernetes
#
# Into ${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/go. Exit code 77 where Go is missing.
set -eu

name=${1:?usage: go-tool.sh NAME}
here=$(cd "$(dirname "$0")" && pwd)
case $name in
distribution) version=3.1.2 package=github.com/distribution/distribution/v3/cmd/registry@v3.1.2 ;;
cosign) version=3.1.3 package=github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3 ;;
referrers) folder=registry package= ;;
kubernetes) folder=kubernetes package= ;;
*) echo "go-tool: there is no $name" >&2; exit 2 ;;
esac
[ -n "$package" ] || version=$(cat "$here/$folder/go.sum" "$here/$folder/main.go" | cksum | cut -d' ' -f1)
cache=${SEAWALL_TEST_CACHE:-$HOME/.cache/seawall-tests}/go
program=$cache/$name-$version

if [ ! -x "$program" ]; then
    command -v go >/dev/null || { echo "go-tool: $name is built from its Go module, and there is no Go" >&2; exit 77; }
    mkdir -p "$cache"
    (
        # Two tests may want it at once: the second one waits.
        flock 9
        if [ ! -x "$program" ]; then
            echo "go-tool: building $name $version into $cache (once; minutes)" >&2
            export CGO_ENABLED=0
            partial=$(mktemp -d "$cache/build.XXXXXX")
            trap 'rm -rf "$partial"' EXIT
            if [ -n "$package" ]; then
                GOBIN=$partial go install -trimpath -ldflags='-s -w' "$package" >&2
            else
                (cd "$here/$folder" && go build -trimpath -ldflags='-s -w' -o "$partial/program" .) >&2
            fi
            mv "$partial"/* "$program"
        fi
    ) 9>"$cache/$name.lock"
fi
echo "$program"
