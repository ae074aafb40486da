#!/usr/bin/env bats
# sinks_victoria.bats -- metrics arrive in a real VictoriaMetrics: once, with their own time and value; what
# it drops without a word is told.

bats_require_minimum_version 1.5.0
load trip.bash
load services.bash
load sinks.bash

setup() { setup_with victoria-metrics; }

to_victoria() { # [LINE]...
    sink_at 'profile = prometheus' "url = http://127.0.0.1:${LOSSY:-$SINK}/api/v1/import/prometheus" "$@"
}

@test "points of many days arrive once with their time and value, though answers are lost" {
    local day
    victoria -retentionPeriod=10y -dedup.minScrapeInterval=1ms
    command -v node >/dev/null || skip 'node is not installed: no answer was lost'
    lossy 2
    to_victoria 'attributes = site delay' 'max_age = 0' 'batch_points = 4'
    for day in 0 1 7 29 400; do
        gauge "t.c" "$(point $((day * 86400)) "$(int $((9007199254740000 + day)))" "$(attribute room "a \\\"$day\\\"")")" \
            "$(point $((day * 86400 + 60)) "$(double 0.1)")" >/dev/null
    done
    A sync usb >/dev/null
    R sync usb >/dev/null 2>&1 || true
    gives 0 R sync usb
    A sync usb >/dev/null
    [ "$(state delivered)" = 5 ]
    [ "$(fact '[.records[].attempts] | max' R records list)" -ge 2 ] || fail 'no answer was lost'
    [ -z "$(partly)" ]
    for day in 0 1 7 29 400; do
        [[ $(exported "{__name__=\"t_c\",room=\"a \\\"$day\\\"\"}") == "__name__=t_c,gapferry_delay_s="*",gapferry_site=$ID,room=a \"$day\": $((NOW - day * 86400))000=$((9007199254740000 + day))" ]] ||
            fail "day $day: $(exported 't_c')"
    done
    [ "$(exported 't_c{room=""}' | grep -o '=0.1' | wc -l)" = 5 ]
    [ "$(exported 't_c' | grep -o '[0-9]*000=' | wc -l)" = 10 ]
}

@test "what the sink drops with a 204 is found missing, and home is told" {
    victoria -retentionPeriod=1
    to_victoria "readback = http://127.0.0.1:$SINK/api/v1/export" 'max_age = 0'
    gauge mixed "$(point 60 "$(int 1)")" "$(point $((60 * 86400)) "$(int 2)")" "$(point 120 "$(int 3)" "$(attribute le '+Inf')")" >/dev/null
    gauge lost "$(point $((90 * 86400)) "$(int 1)")" >/dev/null
    gauge fine "$(point 5 "$(double 1e300)")" >/dev/null
    trip
    [ "$(state delivered)" = 2 ]
    [ "$(state rejected)" = 1 ]
    [ "$(partly)" = '1 of 3 points refused: 1: the sink answered 204 and does not have it' ]
    gives 0 A status
    says 'partly     metrics' '1 of 3 points refused' 'rejected   metrics' \
        '1 of 1 point refused: 1: the sink answered 204 and does not have it'
    [ "$(exported '{__name__=~"mixed|lost|fine"}' | wc -l)" = 3 ]
}

@test "texts among the fields of lines are left out, which is told once and is no refusal" {
    local i
    victoria
    to_victoria
    for i in 1 2 3; do
        printf 'disk,path=a free=%si,label="text %s" %s000000000\n' "$i" "$i" $((NOW - i)) |
            A record metrics - --type text/x-influx-line >/dev/null
    done
    printf 'disk label="text" %s000000000\n' "$NOW" | A record metrics - --type text/x-influx-line >/dev/null
    trip
    [ "$(state delivered)" = 3 ]
    [ -z "$(partly)" ]
    [ "$(A status --json | jq -r '.left_out | "\(.records) \(.reason)"')" = \
        '3 left out: 1 of 2 points: a text, which Prometheus has no form for' ] || fail "$(A status --json)"
    gives 0 A status
    says 'left out   of 3 records what their endpoint has no form for; the newest, metrics ' \
        '1 of 1 point refused: 1 a text, which Prometheus has no form for'
    [ "$(grep -c 'left out' .out)" = 1 ]
    [ "$(exported disk_free)" = "__name__=disk_free,gapferry_site=$ID,path=a: $((NOW - 3))000=3 $((NOW - 2))000=2 $((NOW - 1))000=1" ] ||
        fail "$(exported disk_free)"
}

@test "a point beyond its window does not leave, and takes nothing with it" {
    victoria
    to_victoria
    gauge clock "$(point 60 "$(int 1)")" "$(point -86400 "$(int 2)")" "$(point $((31 * 86400)) "$(int 3)")" "$(point -300 "$(int 4)")" >/dev/null
    gauge text '{"asDouble":"NaN","timeUnixNano":"1700000000000000000"}' "$(point 1 "$(int 1)")" >/dev/null
    trip
    [ "$(state delivered)" = 2 ]
    partly | grep -Fx '2 of 4 points refused: 1 more than 10m ahead; 1 older than 30d'
    partly | grep -Fx '1 of 2 points refused: 1 without a number, which this form of metrics cannot carry'
    [ "$(exported clock)" = "__name__=clock,gapferry_site=$ID: $((NOW - 60))000=1 $((NOW + 300))000=4" ]
}

@test "a readback that does not answer is no verdict on the points" {
    victoria
    to_victoria "readback = http://127.0.0.1:$(free_port)/api/v1/export"
    gauge one "$(point 60 "$(int 1)")" >/dev/null
    trip 75
    fact '.records[0] | .state + ": " + .reason' R records list | tee /dev/stderr | grep -q '^later: readback: refused: '
    sed -i "/^readback/ s|:[0-9][0-9]*/api|:$SINK/no/api|" relay/etc/gapferry/relay.conf
    gives 75 R sync usb
    fact '.records[0] | .state + ": " + .reason' R records list | grep -q '^held: readback: HTTP 400'
    sed -i '/^readback/d' relay/etc/gapferry/relay.conf
    gives 0 R records release
    gives 0 R sync usb
    [ "$(fact '.records[0].state' R records list)" = delivered ]
}

@test "a record that is no metrics is held with its type, and the endpoint is well" {
    victoria
    to_victoria
    echo '{"users":3}' | A record metrics - >/dev/null
    gauge one "$(point 60 "$(int 1)")" >/dev/null
    trip 75
    [ "$(fact '[.records[].state] | sort | join(" ")' R records list)" = 'delivered held' ]
    says 'JSON, but no OpenTelemetry metrics'
}

@test "what is wrong with every request holds its records" {
    victoria
    to_victoria
    sed -i '/^url/ s/$/?extra_label=site/' relay/etc/gapferry/relay.conf
    gauge one "$(point 60 "$(int 1)")" >/dev/null
    trip 75
    fact '.records[0] | .state + ": " + .reason' R records list | tee /dev/stderr |
        grep 'held: HTTP 400:.*extra_label.*without a point as well'
    sed -i '/^url/ s/?extra.*//' relay/etc/gapferry/relay.conf
    gives 0 R records release
    gives 0 R sync usb
    [ "$(fact '.records[0].state' R records list)" = delivered ]
}
