#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031 # out and err are set by `gives`
# link_trip.bats -- the whole trip by HTTPS: agent, link, the relay's listener, a vendor, and back.

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ready
    local port
    port=$(free_port)
    base=http://127.0.0.1:$port
    printf '[listen]\naddress = 127.0.0.1\nport = %s\n' "$port" >>relay/etc/gapferry/relay.conf
    printf '\n[relay "r"]\nurl = %s\nsuccesses = 1\nretry = 1s\npoll = 2s\n' "$base" >>site/etc/gapferry/agent.conf
    unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
}

teardown() {
    local pid
    for pid in ${LINK:-} ${RUN:-}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    vendor_stop
}

L() { "$BIN/gapferry-link" --root site "$@"; }

relay_start() {
    "$BIN/gapferry-relay" --root relay run 2>>run.log 3>&- &
    RUN=$!
    local i
    for ((i = 0; i < 300; i++)); do
        ! curl -sf -o /dev/null "$base/healthz" || return 0
        sleep 0.1
    done
    fail "the relay does not listen: $(cat run.log)"
}

# Until the agent knows that one record was delivered.
delivered() {
    local i file
    for ((i = 0; i < 120; i++)); do
        for file in "$STATE"/inbox/*.gfb; do
            [ ! -e "$file" ] || A import "$file" >>import.log 2>&1 || true
        done
        [ "$(A status --json | jq .records.delivered)" -lt 1 ] || return 0
        "$@"
        sleep 0.3
    done
    fail "not delivered: $(A status) $(cat site/var/lib/gapferry/agent/link.state run.log import.log)"
}

@test "unknown, then approved: a record goes by HTTPS, and its receipt comes back" {
    gives 0 R approve --withdraw "$(A card --fingerprint)"
    relay_start
    users 7 >/dev/null
    gives 0 A export
    gives 75 L carry
    says 'does not let this agent in'
    gives 0 A status
    says 'r: online since'
    gives 0 R approve "$(A card --fingerprint)"
    gives 0 L carry
    says '1 sent'
    delivered L carry
    agree
}

@test "run: the same without a hand, through a relay that comes late" {
    gives 0 R approve --card "$STATE/keys/card" "$(A card --fingerprint)"
    "$BIN/gapferry-link" --root site run 2>link.err 3>&- &
    LINK=$!
    users 7 >/dev/null
    gives 0 A export
    sleep 1
    relay_start
    delivered true
    agree
    [ "$(A status --json | jq -r '.network[0].state')" = online ]
}

@test "a relay whose ledger was put back gets again what it has forgotten" {
    relay_start
    # The card is known, and one record was delivered before the backup.
    home
    R sync usb >/dev/null
    users 1 >/dev/null
    gives 0 A export
    gives 0 L carry
    delivered L carry
    kill "$RUN" && wait "$RUN" || true
    cp -a relay relay.bak
    relay_start
    local i
    for i in 2 3 4; do
        users "$i" >/dev/null
        gives 0 A export
    done
    gives 0 L carry
    kill "$RUN" && wait "$RUN" || true
    cp relay.bak/var/lib/gapferry/relay/relay.db "$RSTATE/relay.db"
    gives 65 R status
    gives 0 R reconcile
    relay_start
    # What the relay said before does not reach the agent.
    rm -f "$STATE"/inbox/*.gfb
    for i in 1 2 3 4 5 6; do
        L carry >/dev/null || true
        A run --once >/dev/null 2>&1 || true
        [ "$(state delivered)" -lt 4 ] || break
    done
    [ "$(state delivered)" = 4 ] || fail "$(state) $(cat run.log)"
    [ "$(tally '[.effects[] | select(.count != 1)] | length')" = 0 ]
}
