#!/usr/bin/env bats
# sinks_prometheus.bats -- metrics arrive in a real Prometheus by remote write: once, with their own time
# and value; one point that it refuses takes nothing with it.

bats_require_minimum_version 1.5.0
load trip.bash
load services.bash
load sinks.bash

setup() { setup_with prometheus; }

to_prometheus() { # [LINE]...
    sink_at 'profile = prometheus' 'format = remote-write' "url = http://127.0.0.1:${LOSSY:-$SINK}/api/v1/write" "$@"
}
window() { with_prometheus 'storage: {tsdb: {out_of_order_time_window: 30d}}'; }

@test "points of many days arrive once with their time and value, though answers are lost" {
    local day expected=
    command -v node >/dev/null || skip 'node is not installed: no answer was lost'
    window
    lossy 3
    to_prometheus 'attributes = site bundle' 'batch_points = 2'
    for day in 20 3 0 7; do
        gauge "t.c" "$(point $((day * 86400)) "$(int $((day + 1)))" "$(attribute room 'a b')")" \
            "$(point $((day * 86400 + 60)) "$(double 0.1)" "$(attribute room 'a b')")" >/dev/null
    done
    for day in 20 7 3 0; do
        expected+=" 0.1@$((NOW - day * 86400 - 60)) $((day + 1))@$((NOW - day * 86400))"
    done
    A sync usb >/dev/null
    R sync usb >/dev/null 2>&1 || true
    gives 0 R sync usb
    A sync usb >/dev/null
    [ "$(state delivered)" = 4 ]
    [ -z "$(partly)" ]
    [ "$(samples t_c | sed 's/gapferry_bundle=[0-9a-f]\{32\},//')" = "__name__=t_c,gapferry_site=$ID,room=a b:$expected" ] ||
        fail "$(samples t_c), not $expected"
}

@test "what it will never take is refused alone, whatever it answers, and home is told" {
    window
    to_prometheus 'max_age = 0'
    gauge mixed "$(point 60 "$(int 1)")" >/dev/null
    trip
    # Beyond its window (500), a second value at one time (400), a clock that is ahead.
    gauge mixed "$(point $((40 * 86400)) "$(int 2)" "$(attribute room b)")" \
        "$(point 60 "$(int 9)")" "$(point 120 "$(int 3)" "$(attribute room c)")" "$(point -86400 "$(int 4)" "$(attribute room d)")" >/dev/null
    gauge old "$(point $((50 * 86400)) "$(int 1)")" >/dev/null
    gauge now "$(point 1 "$(double '"NaN"')")" "$(point 5 "$(int 7)")" >/dev/null
    trip
    [ "$(state delivered)" = 3 ]
    [ "$(state rejected)" = 1 ]
    partly | grep -F '3 of 4 points refused: 1 more than 10m ahead; 1: HTTP 500: too old sample; 1: HTTP 400: duplicate sample for timestamp' ||
        fail "$(partly)"
    gives 0 A status
    says 'partly     metrics' 'rejected   metrics' '1 of 1 point refused: 1: HTTP 500: too old sample'
    [ "$(samples '{__name__=~"mixed|old|now"}')" = "__name__=mixed,gapferry_site=$ID,room=c: 3@$((NOW - 120))
__name__=mixed,gapferry_site=$ID: 1@$((NOW - 60))
__name__=now,gapferry_site=$ID: 7@$((NOW - 5)) NaN@$((NOW - 1))" ] || fail "$(samples '{__name__=~"mixed|old|now"}')"
}

@test "histograms can be asked for quantiles, and a large record goes in many batches" {
    local i points=
    window
    to_prometheus 'batch_points = 300'
    printf '{"resourceMetrics":[{"resource":{"attributes":[%s]},"scopeMetrics":[{"metrics":[{"name":"took","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"%s000000000","count":"10","sum":12.5,"bucketCounts":["5","5","0"],"explicitBounds":[1,2]}]}}]}]}]}' \
        "$(attribute service.name api)" $((NOW - 30)) | A record metrics - >/dev/null
    for ((i = 0; i < 1000; i++)); do points+=",$(point $((i + 1)) "$(int $i)" "$(attribute long "$(printf '%0200d' 7)")")"; done
    gauge many "${points#,}" >/dev/null
    trip
    [ "$(state delivered)" = 2 ]
    [ -z "$(partly)" ]
    [ "$(curl -sf "http://127.0.0.1:$SINK/api/v1/query" --data-urlencode 'query=histogram_quantile(0.75, took_seconds_bucket{job="api"})' -d time="$NOW" |
        jq -r '.data.result[0].value[1]')" = 1.5 ]
    samples many | tr ' ' '\n' | grep -c @ | grep -qx 1000
}

@test "without a window old points are refused one by one, and new ones arrive" {
    with_prometheus
    to_prometheus
    gauge mixed "$(point 10 "$(int 1)")" >/dev/null
    trip
    gauge mixed "$(point 36000 "$(int 2)")" "$(point 20 "$(int 3)" "$(attribute room b)")" >/dev/null
    trip
    partly | grep -Fx '1 of 2 points refused: 1: HTTP 400: out of bounds' || fail "$(partly)"
    [ "$(samples mixed | grep -o '[0-9]@' | sort | tr -d '\n')" = '1@3@' ]
}
