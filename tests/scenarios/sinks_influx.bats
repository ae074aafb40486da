#!/usr/bin/env bats
# sinks_influx.bats -- metrics arrive in a real InfluxDB: once, with their own time and value; what its
# retention policy does not keep is refused alone.

bats_require_minimum_version 1.5.0
load trip.bash
load services.bash
load sinks.bash

setup() { setup_with influxd; }

to_influx() { # QUERY [LINE]...
    sink_at 'profile = influx' "url = http://127.0.0.1:${LOSSY:-$SINK}/write?$1" "${@:2}"
}
lines() { printf '%s\n' "$@" | A record metrics - --type text/x-influx-line; }

@test "lines and points of many days arrive once with their time and value, though answers are lost" {
    local day
    with_influx
    command -v node >/dev/null || skip 'node is not installed: no answer was lost'
    lossy 3
    to_influx db=db 'batch_points = 2'
    for day in 0 3 400; do
        lines "cpu\\ load,room=a\\ b,gapferry_site=evil usage=0.1,n=9007199254740993i,s=\"a \\\"b\\\"\",ok=t $((NOW - day * 86400))000000001" \
            "cpu\\ load usage=$day.5 $((NOW - day * 86400))000000000" "mem free=1i $((NOW - day * 86400))000000002" >/dev/null
        gauge "t.c" "$(point $((day * 86400)) "$(int $((day + 1)))" "$(attribute room 'a, b')")" >/dev/null
    done
    A sync usb >/dev/null
    R sync usb >/dev/null 2>&1 || true
    gives 0 R sync usb
    A sync usb >/dev/null
    [ "$(state delivered)" = 6 ]
    [ -z "$(partly)" ]
    for day in 0 3 400; do
        # As it is written: jq would round such numbers.
        influx_do 'SELECT * FROM "cpu load"' | grep -Fq "[$((NOW - day * 86400))000000001,\"$ID\",9007199254740993,true,\"a b\",\"a \\\"b\\\"\",0.1]" ||
            fail "day $day: $(influx_do 'SELECT * FROM "cpu load"')"
        rows 'SELECT * FROM "t.c"' | grep -q "gapferry_site=$ID gauge=$((day + 1)) room=a, b" || fail "$(rows 'SELECT * FROM "t.c"')"
    done
    [ "$(influx_do 'SELECT count(*) FROM "cpu load", mem, "t.c"' | jq -c '[.results[0].series[].values[0][1:] | map(values)]')" = '[[3,3,3,6],[3],[3]]' ] ||
        fail "$(influx_do 'SELECT count(*) FROM "cpu load", mem, "t.c"')"
}

@test "what the retention policy does not keep is refused alone, and home is told" {
    with_influx
    influx_do 'CREATE RETENTION POLICY week ON db DURATION 7d REPLICATION 1' >/dev/null
    to_influx 'db=db&rp=week'
    lines "m v=1 $((NOW - 60))000000000" "m v=2 $((NOW - 30 * 86400))000000000" "m v=3 $((NOW + 86400))000000000" "m v=4 $((NOW - 120))000000000" >/dev/null
    lines "m v=5 $((NOW - 31 * 86400))000000000" >/dev/null
    trip
    [ "$(state delivered)" = 1 ]
    [ "$(state rejected)" = 1 ]
    partly | grep -F '2 of 4 points refused: 1 more than 10m ahead; 1: HTTP 400: {"error":"partial write: points beyond retention policy dropped=1"}' || fail "$(partly)"
    gives 0 A status
    says 'partly     metrics' 'rejected   metrics' 'points beyond retention policy'
    [ "$(rows 'SELECT v FROM week.m' | cut -d' ' -f3 | tr '\n' ' ')" = 'v=4 v=1 ' ] || fail "$(rows 'SELECT v FROM week.m')"
}

@test "a point of another kind of number loses only itself" {
    with_influx
    to_influx db=db 'attributes = none'
    lines "m v=1 $((NOW - 60))000000000" >/dev/null
    trip
    lines "m v=2i $((NOW - 50))000000000" "m v=3 $((NOW - 40))000000000" "m w=\"x\" $((NOW - 30))000000000" >/dev/null
    trip
    partly | grep -F '1 of 3 points refused: 1: HTTP 400: {"error":"partial write: field type conflict' || fail "$(partly)"
    [ "$(rows 'SELECT v FROM m' | cut -d' ' -f3 | tr '\n' ' ')" = 'v=1 v=3 ' ]
}

@test "a database that is not there holds its records, and they go once it is" {
    with_influx
    to_influx db=nowhere
    lines "m v=1 $((NOW - 60))000000000" >/dev/null
    trip 75
    fact '.records[0] | .state + ": " + .reason' R records list | grep -F 'held: HTTP 404: {"error":"database not found: \"nowhere\""}'
    influx_do 'CREATE DATABASE nowhere' >/dev/null
    gives 0 R records release
    gives 0 R sync usb
    [ "$(fact '.records[0].state' R records list)" = delivered ]
}

@test "what is wrong with every request holds its records, and a point with a fault is told apart from it" {
    with_influx
    to_influx 'db=db&consistency=most'
    lines "m v=1 $((NOW - 60))000000000" "m v=2 $((NOW - 50))000000000" >/dev/null
    trip 75
    fact '.records[0] | .state + ": " + .reason' R records list |
        grep -F 'held: HTTP 400: {"error":"invalid consistency level"} (it says so to a request without a point as well'
    sed -i 's/&consistency=most//' relay/etc/gapferry/relay.conf
    gives 0 R records release
    gives 0 R sync usb
    [ "$(fact '.records[0].state' R records list)" = delivered ]
    # Nothing of this one is taken, and yet it is not the endpoint's fault.
    lines "m v=\"x\" $((NOW - 40))000000000" >/dev/null
    trip
    fact '.records[1] | .state + ": " + .reason' R records list | grep -F 'rejected: 1 of 1 point refused: 1: HTTP 400:'
}
