# collect_otel.bats -- the OpenTelemetry exporters of npm drive gapferry-collect.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/collect.bash
source "$BATS_TEST_DIRNAME/collect.bash"

setup_file() {
    local tool
    for tool in node npm jq curl; do
        command -v "$tool" >/dev/null || skip "$tool is not installed: no exporter was tried"
    done
    if [ ! -d "$SOURCE/tests/otel/node_modules/@opentelemetry/sdk-metrics" ]; then
        (cd "$SOURCE/tests/otel" && npm ci --ignore-scripts --no-audit --no-fund >/dev/null) ||
            skip "the exporters cannot be fetched: none was tried"
    fi
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    A init --name site --consent metrics=granted >/dev/null 2>&1
    printf '[collect]\nlisten = 127.0.0.1:0\n' >>site/etc/gapferry/agent.conf
    mkdir -p usb
    drain
    collect_start
}

teardown() {
    collect_stop
}

send() { # json|proto EXPORTS [gzip]
    timeout 60 node "$SOURCE/tests/otel/send.mjs" "$1" "$base/v1/metrics" "${@:2}"
}

lines() { cut -c19- "$STATE"/intake/*.spool; }

@test "JSON: each export is a record, as the exporter wrote it" {
    run send json 3
    [ "$status" = 0 ] || fail "$output"
    # Three flushes, and one more at its end.
    [ "$(lines | jq -r 'select(.channel == "metrics" and .type == "application/json") | .body' |
        jq -r '.resourceMetrics[0].scopeMetrics[0].metrics | map(.name) | join(",")' | sort -u)" = requests,took,users ]
    [ "$(lines | wc -l)" = 4 ]
    [ "$(lines | head -n 3 | tail -n 1 | jq -r .body |
        jq -r '.resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints[0].asDouble')" = 6 ]
    # With gzip the record holds the same bytes as without.
    run send json 1 gzip
    [ "$status" = 0 ] || fail "$output"
    [ "$(lines | jq -r .body | jq -c '.resourceMetrics | length' | sort -u)" = 1 ]
    drain
    [ "$(A status --json | jq .records.queued)" = 6 ]
}

@test "protobuf: each export is a record, as the exporter wrote it" {
    run send proto 3 gzip
    [ "$status" = 0 ] || fail "$output"
    run send proto 1
    [ "$status" = 0 ] || fail "$output"
    [ "$(lines | jq -r .type | sort -u)" = application/x-protobuf ]
    [ "$(lines | wc -l)" = 6 ]
    lines | jq -r '.body64 // (.body | @base64)' | while read -r body; do
        base64 -d <<<"$body" | tr -d '\n' | LC_ALL=C grep -qa 'service.name.*demo.*requests.*took.*users' || exit 1
    done
    drain
    [ "$(A status --json | jq .records.queued)" = 6 ]
}

@test "what is refused for good is not sent again; what is full is, until it comes in" {
    A consent metrics deny >/dev/null 2>&1
    run send json 1
    [ "$status" = 1 ] || fail "$output"
    absent ls "$STATE"/intake/*.spool

    # 503 until the agent has told what it grants: the exporter comes again by itself.
    A consent metrics grant >/dev/null 2>&1
    mv "$STATE/policy.json" kept
    send proto 1 >said 2>&1 3>&- &
    local sender=$!
    soon grep -q 'event=refused status=503\|event=no-policy' collect.log
    sleep 1
    mv kept "$STATE/policy.json"
    wait "$sender" || fail "$(cat said)"
    [ "$(lines | wc -l)" = 2 ]
}
