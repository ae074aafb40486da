#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # `run` sets status, output and stderr; functions are called by `within`
# link_run.bats -- gapferry-link run: hysteresis, changes told once, waking up, modes, and that in airgap
# mode nothing leaves.

bats_require_minimum_version 1.5.0
load link.bash

setup() {
    site
}

teardown() {
    stop_all
}

QUICK=('failures = 2' 'successes = 2' 'retry = 1s' 'retry_max = 2s' 'poll = 2s')

running() {
    kill -0 "$LINK_PID" 2>/dev/null
}

evidence() { # PATTERN
    [[ $(value evidence) == *"$1"* ]]
}

@test "a relay that comes and goes: each change once, with its stage, in log, history and status" {
    relay
    config "$URL" "${QUICK[@]}"
    daemon
    within 10 is online
    relay_down
    within 15 is offline refused
    relay
    within 15 is online
    behave '{"hello": "<html>log in</html>"}'
    within 15 is offline 'wrong answer'
    behave '{"hello": 503}'
    within 10 is offline 'relay error'
    behave '{}'
    within 15 is online
    [ "$(changes)" = 'online: offline:refused online: offline:wrong answer online:' ] || fail "$(changes)"
    [ "$(grep -c event=relay-changed link.err)" = 5 ]
    [ "$(A status --json | jq -r '.network[0].changes | map("\(.state):\(.stage // "")") | join(" ")')" = "$(changes)" ]
    [ "$(A status --json | jq -r '.network[0] | "\(.relay) \(.state) \(.since)"')" = "r online $(value since)" ]
    A status | grep -E '^network +r: online since '
}

@test "one failure, and one success, change nothing" {
    relay
    # Each fact stands for two seconds, so that it is seen on a busy machine too.
    config "$URL" 'failures = 3' 'successes = 3' 'retry = 2s' 'retry_max = 2s' 'poll = 2s'
    daemon
    within 15 is online
    behave '{"hello": 503}'
    within 10 evidence 'failure 1 of 3: '
    behave '{}'
    within 10 evidence 'hello signed by'
    is online
    behave '{"hello": 503}'
    within 20 is offline
    behave '{}'
    within 10 evidence 'success 1 of 3: '
    is offline
    behave '{"hello": 503}'
    within 10 evidence 'status 503'
    [ "$(changes)" = 'online: offline:relay error' ] || fail "$(changes)"
}

@test "what was established outlasts the program" {
    local since
    relay
    config "$URL" "${QUICK[@]}"
    daemon
    within 10 is online
    since=$(value since)
    kill -9 "$LINK_PID"
    wait "$LINK_PID" || true
    daemon
    sleep 2.5
    [ "$(value since)" = "$since" ]
    [ "$(changes)" = online: ]
}

@test "SIGTERM ends it at once, also in the middle of a request" {
    says silence
    config "$URL" "${QUICK[@]}"
    daemon
    connected() { ss -tnH state established "dport = :$SAID" | grep -q .; }
    within 10 connected
    local begin=$SECONDS
    kill "$LINK_PID"
    wait "$LINK_PID"
    [ $((SECONDS - begin)) -le 6 ] # the request would take ten
}

@test "SIGHUP reads the configuration; a wrong one is told and changes nothing; airgap ends it" {
    relay
    config "$URL" "${QUICK[@]}"
    daemon
    within 10 is online
    MODE=sometimes config "$URL" "${QUICK[@]}"
    kill -HUP "$LINK_PID"
    within 5 grep -q 'event=reload-failed .*mode' link.err
    running
    MODE=airgap config "$URL" "${QUICK[@]}"
    kill -HUP "$LINK_PID"
    wait "$LINK_PID"
    grep -q 'in airgap mode only relays with reach = site are served, and there is none' link.err
    is airgap
    [ "$(changes)" = 'online: airgap:' ]
}

@test "without a card it waits for one, and begins when it is trusted" {
    relay
    rm -r s
    A init >/dev/null
    config "$URL" "${QUICK[@]}"
    daemon
    within 5 is unprobed
    running
    A trust relay/card --fingerprint "$(fingerprint relay)" >/dev/null
    within 10 is online
}

@test "there is only one: another run, and carry, are refused; probe changes nothing" {
    relay
    config "$URL" "${QUICK[@]:0:4}" 'poll = 1h'
    daemon
    within 10 is online
    run L run
    [ "$status" -eq 73 ]
    run L carry
    [ "$status" -eq 73 ]
    [[ $output == *'another gapferry-link is at work'* ]]
    behave '{"hello": 404}'
    cp "$STATE/link.state" before
    run L probe
    [ "$status" -eq 69 ]
    cmp before "$STATE/link.state"
}

@test "between visits it sleeps" {
    relay
    config "$URL" "${QUICK[@]:0:4}" 'poll = 1h'
    daemon
    within 10 is online
    local before after
    switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$LINK_PID/status"; }
    settled switches
    before=$(switches)
    sleep 4
    after=$(switches)
    [ "$before" = "$after" ] || fail "$before, then $after"
    [ "$(cut -d= -f2 <<<"$(grep ^next= "$STATE/link.state")")" \> "$(date -u -d +40min +%FT%TZ)" ]
}

@test "a relay whose certificate file is gone causes no busy loop" {
    relay
    config "$URL" "${QUICK[@]}" 'ca_file = /nonexistent/ca.pem'
    daemon
    within 5 grep -q event=visit-failed link.err
    sleep 2
    [ "$(grep -c event=visit-failed link.err)" = 1 ]
    running
}

@test "a change of routes wakes it" {
    namespace
    [ "$(id -u)" = 0 ] || skip 'not root: NO NETWORK COULD BE CHANGED'
    command -v nsenter >/dev/null || skip 'no nsenter(1): NO NETWORK COULD BE CHANGED'
    background space unshare -n -- sh -c 'echo there; exec sleep 300'
    local in=(nsenter -t "$PID" -n --)
    certificate ours
    PORT=8443 relay 0.0.0.0 ours.key ours.pem -- "${in[@]}"
    config https://192.0.2.1:8443 "ca_file = $PWD/ours-ca.pem" 'failures = 2' 'successes = 1' 'retry = 3s' 'retry_max = 1h'
    daemon "${in[@]}"
    within 15 is offline 'no route'
    # Offline, the next try is at least nine seconds away after one more failure.
    local tried
    tried=$(value tried)
    changed() { [ "$(value tried)" != "$tried" ]; }
    within 10 changed
    local begin=$SECONDS
    "${in[@]}" sh -c 'ip link set lo up && ip addr add 192.0.2.1/24 dev lo'
    within 8 is online
    [ $((SECONDS - begin)) -le 8 ]
}

@test "airgap mode: not one packet leaves in a simulated hour, while a relay on the site is visited" {
    namespace
    [ "$(id -u)" = 0 ] || skip 'not root: PACKETS WERE NOT COUNTED'
    command -v nft >/dev/null || skip 'no nft(8): PACKETS WERE NOT COUNTED'
    command -v faketime >/dev/null || skip 'no faketime: PACKETS WERE NOT COUNTED'
    background space unshare -n -- sh -c 'echo there; exec sleep 300'
    local in=(nsenter -t "$PID" -n --)
    # A way out that would be taken, and a counter on it.
    "${in[@]}" sh -c 'ip link set lo up && ip link add out0 type veth peer name out1 && ip link set out0 up &&
        ip link set out1 up && ip addr add 192.0.2.2/24 dev out0 &&
        ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out0 nud permanent &&
        nft add table inet t && nft add chain inet t c "{ type filter hook output priority 0; }" &&
        nft add rule inet t c oifname out0 meta nfproto ipv4 counter' || skip 'no such network here: PACKETS WERE NOT COUNTED'
    packets() { "${in[@]}" nft -j list table inet t | jq '[.nftables[].rule.expr[]?.counter.packets? // empty] | add'; }
    PORT=8001 relay -- "${in[@]}"
    local both=('reach = site' 'poll = 10m' 'successes = 1' '[relay "out"]' 'url = https://192.0.2.1:8443' 'poll = 10m')

    MODE=airgap config "$URL" "${both[@]}"
    daemon "${in[@]}" env FAKETIME_NO_CACHE=1 faketime -f '+0 x400'
    sleep 11
    kill "$(pgrep -P "$LINK_PID" -f 'gapferry-link' || echo "$LINK_PID")" "$LINK_PID" 2>/dev/null || true
    wait "$LINK_PID" || true
    # Its limits of time pass four hundred times as fast too, so that on a busy machine a visit may fail.
    [[ " $(changes)" == *' online:'* ]] || fail "$(changes)"
    # More than an hour has passed: it was visited every ten minutes.
    [ "$(asked GET /v1/hello)" -ge 5 ] || fail "$(cat r/log link.err)"
    [ "$(packets)" = 0 ]
    grep -A1 '^relay=out' "$STATE/link.state" | grep -qx state=airgap

    # Without a relay on the site it ends at once.
    MODE=airgap config https://192.0.2.1:8443
    run "${in[@]}" "$BIN/gapferry-link" --root s run
    [ "$status" -eq 0 ]
    [[ $output == *'only relays with reach = site'* ]]
    [ "$(packets)" = 0 ]

    # The counter would have seen them.
    MODE=auto config https://192.0.2.1:8443
    run "${in[@]}" "$BIN/gapferry-link" --root s probe
    [ "$(packets)" -gt 0 ]
}

# leap DATE: what the clock of the daemon says from now on.
leap() {
    printf '%s' "$1" >clock.new
    mv clock.new clock
}

@test "a clock that leaps years ahead and back neither stops the tries nor lets them spin" {
    local lib before tries when
    lib=$(find /usr/lib -name libfaketimeMT.so.1 | head -n 1)
    [ -n "$lib" ] || skip "libfaketime is not installed: no clock leapt"
    relay
    behave '{"hello": 503}'
    config "$URL" "${QUICK[@]}"
    # The clock that counts from the start goes on as it does where somebody sets the other one.
    leap '+0'
    LD_PRELOAD=$lib FAKETIME_TIMESTAMP_FILE=$PWD/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
        DONT_FAKE_MONOTONIC=1 "$BIN/gapferry-link" --root s run 2>link.err 3>&- &
    LINK_PID=$!
    PIDS="${PIDS:-} $LINK_PID"
    within 15 is offline
    for when in '+9y' '-3y' '+0'; do
        leap "$when"
        before=$(asked GET /v1/hello)
        sleep 6
        tries=$(($(asked GET /v1/hello) - before))
        # Each comes a second or two after the one before, at most half as much for want of regularity.
        [[ $tries -ge 1 && $tries -le 12 ]] || fail "$tries tries in 6 s after $when: $(cat "$STATE/link.state")"
        case $when in
        +9y) [[ $(value tried) > "$(date -u -d '+8 years' +%Y)" ]] || fail "the clock did not leap: $(value tried)" ;;
        esac
    done
    running
}
