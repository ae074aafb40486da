#!/usr/bin/env bats
# shellcheck disable=SC2154 # trip.bash sets out and err
# ledger.bats -- the relay's memory: what it forgets in time, and what it does not.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

# count TABLE: its rows.
count() { sqlite3 "file:$RSTATE/relay.db?mode=ro" "SELECT count(*) FROM $1"; }

# later SPAN COMMAND...: the relay's clock stands there.
later() {
    local span=$1
    shift
    faketime -f "$span" "$BIN/gapferry-relay" --root relay "$@"
}

relay_start() {
    "$BIN/gapferry-relay" --root relay run 2>>run.log 3>&- &
    RUN=$!
    soon curl -sf -o /dev/null "http://127.0.0.1:$port/healthz"
}

relay_stop() { # [SIGNAL]
    [ -n "${RUN:-}" ] || return 0
    kill -"${1:-TERM}" "$RUN" 2>/dev/null || true
    wait "$RUN" 2>/dev/null || true
    RUN=
}

teardown() {
    relay_stop KILL
    vendor_stop KILL
    if mountpoint -q m; then umount -l m; fi
}

@test "what is acknowledged is forgotten after 400 days, and takes no effect when it comes again" {
    command -v faketime >/dev/null || skip "faketime is not installed: no year went by"
    local trip oldest code port=$((10000 + RANDOM % 20000))
    ready
    mkdir old
    for trip in 1 2 3; do
        users "$trip" >/dev/null
        home
        cp usb/GAPFERRY/to-relay/*.gfb old/
        there
        [ "$trip" != 2 ] || oldest=$(find old -newer marker -name '*.gfb')
        touch marker
    done
    home
    there
    [ "$(count record)" = 3 ]
    gives 75 later +11y sync usb
    says 'is it right' 'nothing is removed for its age'
    gives 0 later +399d sync usb
    [ "$(count record)" = 3 ]
    gives 0 later +401d sync usb
    grep -q 'pruned.*records=3' .err || fail "$err"
    [ "$(count record) $(count line) $(count attempt)" = '0 0 0' ]
    gives 0 R audit verify
    R audit export | jq -r .line | grep -q '"event":"prune","records":3' || fail "$(R audit export)"
    # The drives of those trips are found in a drawer.
    cp old/*.gfb usb/GAPFERRY/to-relay/
    gives 0 later +402d sync usb
    says 'seen before'
    [ "$(count record)" = 0 ]
    [ "$(tally .requests)" = 3 ] || fail "$(tally .)"
    # By HTTPS it is answered, too, as one that was seen.
    printf '[listen]\naddress = 127.0.0.1\nport = %s\n' "$port" >>relay/etc/gapferry/relay.conf
    relay_start
    code=$(curl -s -o body -w '%{http_code}' -H 'Content-Type: application/vnd.gapferry.bundle' \
        --data-binary "@$oldest" "http://127.0.0.1:$port/v1/bundles")
    [ "$code" = 200 ] || fail "$code $(cat body run.log)"
    relay_stop
    [ "$(count record)" = 0 ]
    # What is new goes its way.
    users 4 >/dev/null
    home
    there
    home
    [ "$(state delivered)" = 4 ] || fail "$(state)"
    agree
}
