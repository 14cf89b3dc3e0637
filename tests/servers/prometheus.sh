#!/bin/sh
# Starts a real Prometheus and a real Alertmanager, wired to each other, for tests.
#
#   prometheus.sh DIR PROMETHEUS_PORT ALERTMANAGER_PORT
#
# Installs both with apt if they are absent (as root). They listen on 127.0.0.1 alone. Prometheus scrapes itself and the
# Alertmanager, and evaluates rules twice a second. DIR gets the logs, and the process ids in DIR/pids, one a line.
#
# To fire an alert: GET http://127.0.0.1:PROMETHEUS_PORT/api/v1/status/flags. The alert `Switched` fires while the number of
# such requests is odd, so one more ends it. It is in Prometheus within about a second, and in the Alertmanager right
# after. Rules may also be added as DIR/rules/NAME.yml with a POST to /-/reload, but then Prometheus forgets its
# Alertmanager for five seconds. The rule `TargetDown` does not fire; `job:up:sum` is a recording rule.
set -eu

dir=${1:?usage: prometheus.sh DIR PROMETHEUS_PORT ALERTMANAGER_PORT}
prom=${2:?usage: prometheus.sh DIR PROMETHEUS_PORT ALERTMANAGER_PORT}
alert=${3:?usage: prometheus.sh DIR PROMETHEUS_PORT ALERTMANAGER_PORT}

if ! command -v prometheus >/dev/null || ! command -v prometheus-alertmanager >/dev/null; then
    sh "$(dirname "$0")/apt.sh" prometheus prometheus-alertmanager
fi

mkdir -p "$dir/rules" "$dir/prometheus" "$dir/alertmanager"
cat >"$dir/prometheus.yml" <<YAML
global:
  scrape_interval: 500ms
  scrape_timeout: 500ms
  evaluation_interval: 500ms
  external_labels: {cluster: test}
rule_files: ["$dir/rules/*.yml"]
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ["127.0.0.1:$prom"], labels: {team: platform}}]
  - job_name: alertmanager
    static_configs: [{targets: ["127.0.0.1:$alert"]}]
alerting:
  alertmanagers:
    - static_configs: [{targets: ["127.0.0.1:$alert"]}]
YAML
cat >"$dir/rules/base.yml" <<'YAML'
groups:
  - name: base
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: TargetDown
        expr: up == 0
        for: 5m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.instance }} does not answer"}
      - alert: Switched
        expr: sum(prometheus_http_requests_total{handler="/api/v1/status/flags"}) % 2 == 1
        labels: {severity: page, service: payments}
        annotations: {summary: Switched on by a test}
YAML
cat >"$dir/alertmanager.yml" <<'YAML'
route: {receiver: nobody, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: nobody}]
YAML

# No cluster address: else the Alertmanager listens for peers on every address.
prometheus-alertmanager --config.file="$dir/alertmanager.yml" --storage.path="$dir/alertmanager" \
    --web.listen-address="127.0.0.1:$alert" --cluster.listen-address= </dev/null >"$dir/alertmanager.log" 2>&1 &
alert_pid=$!
echo "$alert_pid" >>"$dir/pids"
prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/prometheus" \
    --web.listen-address="127.0.0.1:$prom" --web.enable-lifecycle --rules.alert.resend-delay=1s \
    </dev/null >"$dir/prometheus.log" 2>&1 &
prom_pid=$!
echo "$prom_pid" >>"$dir/pids"

# ready NAME PID CHECK URL…: asks until each URL answers 2xx and Python's CHECK of the JSON `it` holds, for half a minute.
ready() {
    name=$1 pid=$2 check=$3 tries=0
    shift 3
    until python3 -c '
import json, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for url in sys.argv[2:]:
    body = opener.open(url, timeout=1).read()
    assert sys.argv[1] == "True" or eval(sys.argv[1], {"it": json.loads(body)})
' "$check" "$@" 2>/dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -gt 150 ] || ! kill -0 "$pid" 2>/dev/null; then
            echo "prometheus: $name is not ready ($*, $check); the end of $dir/$name.log:" >&2
            tail -n 20 "$dir/$name.log" >&2
            exit 1
        fi
        sleep 0.2
    done
}
ready alertmanager "$alert_pid" True "http://127.0.0.1:$alert/-/ready"
ready prometheus "$prom_pid" True "http://127.0.0.1:$prom/-/ready"
# It is ready before it knows its targets and the Alertmanager (about five seconds later); tests want all of it.
ready prometheus "$prom_pid" 'it["data"]["activeAlertmanagers"]' "http://127.0.0.1:$prom/api/v1/alertmanagers"
ready prometheus "$prom_pid" '[t["health"] for t in it["data"]["activeTargets"]] == ["up", "up"]' "http://127.0.0.1:$prom/api/v1/targets"
