#!/usr/bin/env bats
# shellcheck disable=SC2154 # `run` sets status, output and stderr
# metrics.bats -- OpenTelemetry metrics by the agent's own ways in, and as `preview` shows them.

bats_require_minimum_version 1.5.0

BIN=${GAPFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/bin}

A() {
    "$BIN/gapferry-agent" --root s "$@"
}

fail() {
    echo "$*" >&2
    return 1
}

# refused STATUS TEXT ARGUMENT...
refused() {
    run --separate-stderr A "${@:3}"
    [ "$status" -eq "$1" ] || fail "status $status: $stderr"
    [[ $stderr == *"$2"* ]] || fail "stderr: $stderr"
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    A init --name site --consent metrics=granted --allow 'metrics=*' >/dev/null
    # resource { host.name = "secret1", a = "" }, one point of gauge m at 2024-11-11.
    printf '\x0a\x40\x0a\x21\x0a\x16\x0a\x09host.name\x12\x09\x0a\x07secret1\x0a\x07\x0a\x01a\x12\x02\x0a\x00\x12\x1b\x12\x19\x0a\x01m\x2a\x14\x0a\x12\x19\x01\x02\x03\x04\x05\x06\x07\x18\x21\x00\x00\x00\x00\x00\x00\xf0\x3f' >request.pb
    printf '%s\n' '{"resourceMetrics":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"secret2"}},{"key":"b","value":{"stringValue":""}}]},"scopeMetrics":[{"metrics":[{"name":"n","gauge":{"dataPoints":[{"timeUnixNano":"1731359200359154177","asDouble":1.50}]}}]}]}]}' >request.json
}

facts='{"metrics":{"points":1,"from":"2024-11-11T21:06:40.359154177Z","to":"2024-11-11T21:06:40.359154177Z","delta":false}}'
records() { A preview --json | jq -c ".channels[].records[] | $1"; }
nowhere() {
    if grep -rqa 'secret[12]' s/var/lib; then fail "it was written: $1"; fi
    records '.body // (.body64 | @base64d)' | { ! grep -a 'secret[12]'; }
}

@test "record takes out what deny names, in a file, many lines, JSON and protobuf" {
    run --separate-stderr A record metrics request.pb -t application/x-protobuf
    [[ $status = 0 && $stderr = *'(deny, the default list): host.name'* ]] || fail "$status $stderr"
    run --separate-stderr A record metrics - <request.json --json
    [[ $status = 0 && $(jq -r .dropped <<<"$output") = host.name ]] || fail "$status $stderr"
    { cat request.json && echo '{"users":3}' && cat request.json; } >lines
    run --separate-stderr A record --jsonl metrics lines --json
    [[ $status = 0 && $(jq -c '[.records, .redacted, .dropped]' <<<"$output") = '[3,2,"host.name"]' ]] || fail "$status $stderr"
    nowhere "a request"
    [ "$(records .ext | sort | uniq -c | tr -s ' ')" = " 4 $facts
 1 {}" ]
    [ "$(records '.body // empty | fromjson | [.resourceMetrics[]?.resource.attributes[].key]' | sort -u)" = '["b"]
[]' ]
    # The site says which; what is not named stays as it is, to the byte.
    printf '[channel "metrics"]\ndeny = b\n' >>s/etc/gapferry/agent.conf
    sed -i '/^allow/d' s/etc/gapferry/agent.conf
    run --separate-stderr A record metrics request.json
    [[ $status = 0 && $stderr = *"(deny, "*agent.conf*"): b"* ]] || fail "$status $stderr"
    A record metrics request.pb -t application/x-protobuf
    records '.body64 // (.body | @base64)' | tail -n 1 | jq -r . | base64 -d | cmp - request.pb
}

@test "of lines what deny names goes, and each has a time: that of its record where it names none" {
    run --separate-stderr A record metrics - -t text/x-influx-line --at 2024-11-11T21:06:40Z \
        <<<$'m,host=secret1,a=b f=1 1731359200359154177\n# secret2\nm,user=secret2 g=2'
    [[ $status = 0 && $stderr = *'(deny, the default list): host, user'* ]] || fail "$status $stderr"
    nowhere "a line"
    [ "$(records .body)" = '"m,a=b f=1 1731359200359154177\nm g=2 1731359200000000000\n"' ]
    [ "$(records .ext.metrics.points)" = 2 ]
    refused 65 'unable to parse line 2: missing fields' record metrics - -t text/x-influx-line <<<$'m f=1 5\nm'
}

@test "what says that it is OTLP and is not does not come in" {
    head -c 40 request.pb >cut.pb
    refused 65 'other protobuf has another type' record metrics cut.pb -t application/x-protobuf
    refused 65 'resourceMetrics' record metrics - <<<'{"resourceMetrics":{}}'
    refused 65 'line 2' record --jsonl metrics - <<<'{"users":1}
{"resourceMetrics":[{"resource":[]}]}'
    [ "$(records .body)" = '"{\"users\":1}"' ]
    A record metrics cut.pb -t application/vnd.example
    sed -i '/^allow/s/=.*/= users/' s/etc/gapferry/agent.conf
    refused 65 'cannot be applied to OTLP' record metrics request.pb -t application/x-protobuf
}

@test "preview shows protobuf as OTLP JSON, what deny takes out, and the facts" {
    A record metrics request.pb -t application/x-protobuf 2>/dev/null
    run --separate-stderr A preview metrics
    [ "$status" = 0 ]
    [[ $output = *'deny     of metrics the attributes of the default list do not pass'* ]] || fail "$output"
    [[ $output = *"facts    $facts"* ]] || fail "$output"
    [[ $output = *'of OpenTelemetry metrics (protobuf), here as JSON:'* ]] || fail "$output"
    [ "$(sed -n '/here as JSON:/,/^}/p' <<<"$output" | tail -n +2 | jq -c '.resourceMetrics[0] | [.resource.attributes[].key, .scopeMetrics[0].metrics[0].gauge.dataPoints[0].asDouble]')" = '["a",1]' ]
    printf '[channel "metrics"]\ndeny = x.*\n' >>s/etc/gapferry/agent.conf
    run --separate-stderr A preview metrics
    [[ $output = *'deny     of metrics these attributes do not pass: x.* ('*agent.conf* ]] || fail "$output"
    [ "$(A preview --json | jq -r '.channels[0].deny')" = 'x.*' ]
    # What the default list would have kept back leaves now, and that is told.
    [[ $output = *'in the place of the default list'* ]] || fail "$output"
    printf 'thin = 15m\n' >>s/etc/gapferry/agent.conf
    run --separate-stderr A config check
    [[ $status = 0 && $stderr = *'deny stands in the place of the default list'* ]] || fail "$stderr"
    [[ $stderr = *'has no cap, so that thin never does anything'* ]] || fail "$stderr"
    printf 'max_records = 9\n' >>s/etc/gapferry/agent.conf
    sed -i 's/^deny = .*/deny = host.*/' s/etc/gapferry/agent.conf
    run --separate-stderr A config check
    [[ $status = 0 && $stderr != *warning* ]] || fail "$stderr"
}

@test "a source's metrics lose what deny names; preview --now says so before" {
    printf '#!/bin/sh\ncat %s/request.json\n' "$PWD" >source
    chmod 755 source
    printf '[source "otlp"]\nchannel = metrics\ncommand = %s/source\n' "$PWD" >>s/etc/gapferry/agent.conf
    run --separate-stderr A preview --now
    [ "$status" = 0 ] || fail "$stderr"
    [[ $output = *'deny     of metrics'*'dropped  host.name'*"facts    $facts"* && $output != *secret2* ]] || fail "$output"
    [ "$(A preview --now --json | jq -r '.sources[0].record.ext')" = "$(jq . <<<"$facts")" ]
    A source run otlp
    nowhere "a source"
    [ "$(records .ext)" = "$facts" ]
}
