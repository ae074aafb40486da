#!/usr/bin/env bats
# sinks_otlp.bats -- metrics of a site at an OpenTelemetry receiver that does all that the specification
# lets it do: every point is there, once, or the site is told why it is not.

bats_require_minimum_version 1.5.0
load trip.bash

relay_conf() {
    cat <<CONF
[endpoint "otlp"]
channel = metrics
profile = otlp
url = $URL/v1/metrics
timeout = 3s
CONF
}

# A site that has consent for its metrics, and no rule for them.
site_init() {
    A init --name site --consent metrics=granted >/dev/null
}

# Lines of the endpoint's section.
with() { printf '%s\n' "$@" >>relay/etc/gapferry/relay.conf; }

# metrics NAME FROM TO [KIND]: points of one metric, one for each second from FROM to before TO of the year
# 2026, in OTLP JSON; KIND is gauge or delta.
metrics() {
    jq -nc --arg name "$1" --argjson from "$2" --argjson to "$3" --arg kind "${4:-gauge}" '
        {dataPoints: [range($from; $to) | {timeUnixNano: "\(1767225600 + .)000000000", asInt: "\(.)"}]}
        | (if $kind == "delta" then {sum: (. + {aggregationTemporality: 1})} else {gauge: .} end) + {name: $name}
        | {resourceMetrics: [{resource: {attributes: [{key: "service.name", value: {stringValue: "shop"}}]},
           scopeMetrics: [{metrics: [.]}]}]}'
}

# points FILTER: what jq says of the list of points that the receiver has.
points() { curl -sf "$URL/points" | jq -r ".points | $1"; }

# The newest record: its state and its reason, as the relay knows them.
newest() { fact '.records[-1] | .state + ": " + (.reason // "")' R records list; }

# arrive FILE|- [OPTION]...: one more record lies on the drive.
arrive() {
    A record metrics "$@" >/dev/null
    A sync usb >/dev/null 2>&1 || true
}

@test "each fault has its verdict, and each point is there in the end" {
    local n=0 fault words
    ready
    with 'connections = 1'
    while IFS='|' read -r fault words; do
        metrics "m$n" 0 3 | arrive -
        n=$((n + 1))
        vendor_script "$fault"
        R sync usb >.said 2>&1 || true
        [[ $(newest) == *"$words"* ]] || fail "$fault: $(newest), not $words"
        vendor_script ''
        gives 0 R records release
        R sync usb >.said 2>&1 || true
        [ "$(newest)" = 'delivered: ' ] || fail "$fault, mended: $(newest)"
        [ "$(points length)" = $((3 * n)) ] || fail "$fault: $(points .)"
    done <<'FAULTS'
9 close|later: broken:
9 reset-before|later: broken:
9 reset-after|later: broken:
1 timeout-after 9|later: timed out:
9 status 503|later: HTTP 503: The script wants this.
9 status 502|later: HTTP 502
1 retry-after 60|later: HTTP 429: Not so fast.
9 half|later: broken:
9 wrong|later: HTTP 200, but not the answer of an OpenTelemetry receiver: <html>
9 status 404|held: HTTP 404
FAULTS
    [ "$(points '[.[] | .value == (.time[0:10] | tonumber - 1767225600)] | all')" = true ]
    R sync usb >/dev/null
    home
    [ "$(state delivered)" = $n ]
}

@test "points that count from report to report come once, or wait for a person" {
    ready
    metrics sold 0 3 delta | arrive -
    vendor_script '1 status 503'
    R sync usb >.said 2>&1 || true
    [[ $(newest) == 'later: HTTP 503'* ]] || fail "$(newest)"
    gives 0 R records release
    there
    [ "$(newest)" = 'delivered: ' ]
    [ "$(points '[.[].count] | add')" = 3 ]

    metrics sold 3 6 delta | arrive -
    vendor_script '9 reset-after'
    gives 75 R sync usb
    [[ $(newest) == 'held: it may have arrived ('*'records release sends it again'* ]] || fail "$(newest)"
    # Nothing sends it again by itself, not even when the drive comes once more.
    vendor_script ''
    gives 75 R sync usb
    home
    gives 75 R sync usb
    [ "$(points '[.[].count] | [length, max] | join(" ")')" = '6 1' ] || fail "$(points .)"
}

@test "what a receiver refuses of a request is told at home, and never sent again" {
    ready
    with 'batch_points = 4'
    vendor_script '1 partial 3'
    metrics m 0 10 | arrive -
    there
    [[ $(newest) == 'delivered: 3 of 10 points refused: 3: the receiver: no room for these' ]] || fail "$(newest)"
    [ "$(points length)" = 7 ]
    R sync usb >/dev/null
    home
    home
    gives 0 A status
    says '3 of 10 points refused: 3: the receiver: no room for these'
}

@test "a metric that the receiver does not take loses only itself" {
    ready
    metrics good 0 5 >one
    metrics poison 0 1 >two
    jq -sc '{resourceMetrics: map(.resourceMetrics[])}' one two one | arrive -
    there
    [[ $(newest) == 'delivered: 1 of 11 points refused: 1: HTTP 400: a metric poison'* ]] || fail "$(newest)"
    [ "$(points 'map(.series) | unique | join(" ")')" = 'good{service.name=shop}{}' ]
    [ "$(points length)" = 5 ]
}

@test "protobuf goes as it came, and the relay says which site it is from" {
    ready
    with 'attributes = site delay'
    printf '[agent "%s"]\nname = Plant 4\n' "$(A card --fingerprint)" >>relay/etc/gapferry/relay.conf
    # One point of gauge m, and a field that nobody knows.
    printf '\x0a\x1d\x12\x1b\x12\x19\x0a\x01m\x2a\x14\x0a\x12\x19\x01\x02\x03\x04\x05\x06\x07\x18\x21\x00\x00\x00\x00\x00\x00\xf0\x3f\xba\x3e\x01\xff' >one.pb
    arrive one.pb -t application/x-protobuf
    there
    [ "$(newest)" = 'delivered: ' ]
    [ "$(points '.[0] | [.series, .value] | join(" ")')" = 'm{}{} 1' ]
    # The facts beside it have come along.
    [ "$(fact '.ext.metrics | [.points, .to] | join(" ")' R records show "$(fact '.records[-1].record' R records list)")" = '1 2024-11-11T21:06:40.359154177Z' ]
    [[ $(R records show "$(fact '.records[-1].record' R records list)") = *'facts        {"metrics":{"points":1,'* ]]
    [[ $(points '.[0].added') == '{gapferry.delay_s='*',gapferry.site=Plant 4}' ]] || fail "$(points .)"
}

@test "a trip that is made twice doubles nothing" {
    ready
    metrics m 0 5 delta | arrive -
    cp -r usb lost
    there
    # The responses are lost, and the relay sees the same drive again.
    gives 0 R sync lost
    home lost
    home usb
    [ "$(points '[.[].count] | [length, max] | join(" ")')" = '5 1' ]
    [ "$(state delivered)" = 1 ]
}

@test "points that are too far ahead never reach the receiver" {
    ready
    with 'max_age = 30d'
    jq -nc --argjson now "$(date +%s)" '
        {resourceMetrics: [{scopeMetrics: [{metrics: [{name: "m", gauge: {dataPoints:
            [$now - 60, $now + 86400, $now - 86400 * 31 | {timeUnixNano: "\(.)000000000", asInt: "1"}]}}]}]}]}' | arrive -
    there
    [ "$(newest)" = 'delivered: 2 of 3 points refused: 1 more than 10m ahead; 1 older than 30d' ] || fail "$(newest)"
    [ "$(points length)" = 1 ]
}
