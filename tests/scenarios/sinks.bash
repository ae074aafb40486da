# shellcheck shell=bash disable=SC2034 # used by those who source it
# sinks.bash -- sinks for metrics from Debian's packages on this machine, and a site whose points are to
# arrive there. Stands behind services.bash.

# setup_with PROGRAM...: what each test of a file begins with.
setup_with() {
    cd "$BATS_TEST_TMPDIR" || return
    local tool
    for tool in curl jq sqlite3 "$@"; do
        command -v "$tool" >/dev/null || skip "$tool is not installed: $BATS_TEST_DESCRIPTION was not tried"
    done
    NOW=$(date +%s)
    mkdir -p usb
    A init --name site --consent metrics=granted >/dev/null
    R init --name relay >/dev/null
    acquaint
    ID=$(A card --json | jq -r .agent)
}

# ---- what the site records: OTLP JSON ----

# point AGO VALUE [ATTRIBUTES]: a data point of so many seconds ago.
point() {
    printf '{"timeUnixNano":"%s000000000",%s,"attributes":[%s]}' $((NOW - $1)) "$2" "${3:-}"
}
int() { printf '"asInt":"%s"' "$1"; }
double() { printf '"asDouble":%s' "$1"; }
attribute() { printf '{"key":"%s","value":{"stringValue":"%s"}}' "$1" "$2"; }

# gauge NAME POINT...: a record with one metric; prints its id.
gauge() {
    local name=$1 IFS=,
    shift
    printf '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"%s","gauge":{"dataPoints":[%s]}}]}]}]}' \
        "$name" "$*" | A record metrics -
}

# trip: out, and home again.
trip() {
    A sync usb >/dev/null 2>&1 || true
    gives "${1:-0}" R sync usb
    A sync usb >/dev/null 2>&1 || true
}

# sink_at LINE...: the endpoint of the relay.
sink_at() {
    printf '%s\n' '[endpoint "sink"]' 'channel = metrics' 'connections = 2' "$@" \
        >>relay/etc/gapferry/relay.conf
    gives 0 R config check
}

# partly: the reasons of what was delivered but for a part, as the site knows them.
partly() { A status --json | jq -r '.partly_delivered[].reason'; }

# lossy N: a way to the sink at SINK on which the first N answers are lost; LOSSY is its port.
lossy() {
    LOSSY=$(free_port)
    service lossy node "$SOURCE/tests/support/lossy.mjs" "$LOSSY" "$SINK" "$1"
    soon curl -s -o /dev/null "http://127.0.0.1:$LOSSY/health"
}

# ---- sinks; SINK is the port ----

victoria() { # [OPTION]...
    SINK=$(free_port)
    service victoria victoria-metrics -storageDataPath="$PWD/vm" -httpListenAddr="127.0.0.1:$SINK" \
        -loggerLevel=ERROR -memory.allowedBytes=64MiB "$@"
    soon curl -sf -o /dev/null "http://127.0.0.1:$SINK/health"
}

# exported MATCH: "SERIES: MS=VALUE ..." of each series, sorted.
exported() {
    curl -sf "http://127.0.0.1:$SINK/internal/force_flush"
    curl -sf "http://127.0.0.1:$SINK/api/v1/export" --data-urlencode "match[]=$1" -d start=1 -d end=4000000000 |
        jq -r '.metric as $m | .timestamps as $t | .values as $v |
               "\($m | to_entries | sort_by(.key) | map("\(.key)=\(.value)") | join(",")): " +
               ([range($t | length) | "\($t[.])=\($v[.])"] | join(" "))' | sort
}

with_prometheus() { # LINE...: of its configuration
    SINK=$(free_port)
    printf '%s\n' 'global: {scrape_interval: 1h}' "$@" >prometheus.yml
    service prometheus prometheus --config.file=prometheus.yml --storage.tsdb.path="$PWD/prometheus" \
        --web.listen-address="127.0.0.1:$SINK" --web.enable-remote-write-receiver --log.level=error \
        --storage.tsdb.retention.time=10y
    soon curl -sf -o /dev/null "http://127.0.0.1:$SINK/-/ready"
}

# samples QUERY: "NAME{LABELS}: VALUE@SECONDS ..." of what Prometheus has of 60 days up to tomorrow.
samples() {
    curl -sf "http://127.0.0.1:$SINK/api/v1/query" --data-urlencode "query=$1[60d]" -d time=$((NOW + 86400)) |
        jq -r '.data.result[] | "\(.metric | to_entries | sort_by(.key) | map("\(.key)=\(.value)") | join(",")): " +
               (.values | map("\(.[1])@\(.[0])") | join(" "))' | sort
}

with_influx() { # a database "db"; points older than a week go into "week" alone
    SINK=$(free_port)
    cat >influx.conf <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:$(free_port)"
[meta]
  dir = "$PWD/influx/meta"
[data]
  dir = "$PWD/influx/data"
  wal-dir = "$PWD/influx/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:$SINK"
  log-enabled = false
CONF
    service influx influxd -config influx.conf
    soon curl -sf -o /dev/null "http://127.0.0.1:$SINK/ping"
    influx_do 'CREATE DATABASE db' >/dev/null
}
influx_do() { curl -sf "http://127.0.0.1:$SINK/query" --data-urlencode "q=$1" -d db=db -d epoch=ns; }

# rows QUERY: "MEASUREMENT COLUMN=VALUE ..." of each row, sorted; what is null is left out.
rows() {
    influx_do "$1" | jq -r '.results[].series[]? | . as $s | .values[] | . as $v | $s.name + " " +
        ([range($v | length) | select($v[.] != null) | "\($s.columns[.])=\($v[.])"] | join(" "))' | sort
}
