#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2034 # trip.bash sets out, err and URL
# online.bats -- the same trip without a person: three services, TLS between them, and a relay that
# comes and goes.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/services.bash
. "$BATS_TEST_DIRNAME/services.bash"
# shellcheck source=tests/scenarios/repo.bash
. "$BATS_TEST_DIRNAME/repo.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ready
    # The relay has seen the agent's card, on a drive that carried nothing else.
    home
    R sync usb >/dev/null
    openssl req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
        -keyout tls.key -out tls.crt 2>/dev/null
    PORT2=$(free_port)
    cat >>relay/etc/gapferry/relay.conf <<CONF
[listen]
address = 127.0.0.1
port = $PORT2
cert_file = $PWD/tls.crt
key_file = $PWD/tls.key
CONF
    cat >>site/etc/gapferry/agent.conf <<CONF
[relay "hq"]
url = https://127.0.0.1:$PORT2
ca_file = $PWD/tls.crt
poll = 2s
retry = 1s
retry_max = 2s
failures = 2
successes = 1
CONF
    sed -i '/^\[agent\]/a export_interval = 1s' site/etc/gapferry/agent.conf
}

relay_up() {
    service relay "$BIN/gapferry-relay" --root relay run
    soon curl -sf --cacert tls.crt "https://127.0.0.1:$PORT2/readyz" -o /dev/null
}

complete() { [ "$(missing)" = 0 ]; }
fetched() { compgen -G "$STATE/inbox/*.gfb" >/dev/null; }
delivered() { [ "$(state delivered)" = "$1" ]; }
network() { [ "$(A status --json | jq -r '.network[0].state')" = "$1" ]; }

@test "three services make the trip by themselves, and both sides agree" {
    relay_up
    service link "$BIN/gapferry-link" --root site run
    service agent "$BIN/gapferry-agent" --root site run
    users 1 >/dev/null
    license_request >/dev/null
    soon delivered 2
    gives 0 A license check
    [ "$(A status --json | jq -r '.network[0].state')" = online ]
    [ "$(A history --json | jq -r '[.events[] | select(.event == "left")][0].courier')" = https ]
    users 2 >/dev/null
    soon delivered 3
    agree

    # What only says what has come is not for a drive either.
    kill -TERM "$PID_agent" && wait "$PID_agent"
    users 3 >/dev/null
    gives 0 A export
    soon fetched
    kill -STOP "$PID_link"
    gives 0 A import
    gives 0 A export
    [ "$(state delivered)" = 4 ]
    gives 0 A status
    says 'left       0 records' ' for gapferry-link to carry' 'next       nothing: gapferry-link carries it'
}

@test "an update comes by itself, in parts, and the result goes back" {
    repo_keys
    mkdir -p repo/demo/stable new
    head -c 2500000 /dev/urandom >new/tool.bin
    publish 3 new/tool.bin
    vendor_stop
    vendor_start --files repo
    repository >>relay/etc/gapferry/relay.conf
    A trust release.pub --duty update >/dev/null
    relay_up
    service link "$BIN/gapferry-link" --root site run
    service agent "$BIN/gapferry-agent" --root site run
    A updates check --product demo >/dev/null
    soon complete
    mkdir install
    gives 0 A updates fetch tool.bin install
    cmp new/tool.bin install/tool.bin
    A updates report demo 1.3 installed >/dev/null
    soon delivered 2
    grep -q 'gapferry-update-report/1' v/tally.jsonl
    [ "$(served tool.bin)" = 1 ]
}

@test "a relay that goes is noticed with its stage, and what waits leaves when it is back" {
    relay_up
    service link "$BIN/gapferry-link" --root site run
    service agent "$BIN/gapferry-agent" --root site run
    soon network online
    stop relay
    soon network offline
    users 1 >/dev/null
    sleep 2
    delivered 0
    [ "$(A status --json | jq -r '.network[0].stage')" = refused ]
    gives 0 A doctor
    says offline 'nobody listens'
    relay_up
    soon delivered 1
    soon network online
    # Each change stands there with its stage.
    [ "$(A status --json | jq -r '[.network[0].changes[].state] | join(" ")')" = 'online offline online' ] ||
        fail "$(A status --json | jq .network)"
    agree
}

@test "kill -9 of any of the three, again and again: nothing is lost, nothing is doubled" {
    relay_up
    service link "$BIN/gapferry-link" --root site run
    service agent "$BIN/gapferry-agent" --root site run
    local i
    for i in 1 2 3 4; do
        users "$i" >/dev/null
        sleep 0.$((RANDOM % 9))
        stop relay KILL
        relay_up
        users "1$i" >/dev/null
        sleep 0.$((RANDOM % 9))
        stop link KILL
        service link "$BIN/gapferry-link" --root site run
        stop agent KILL
        service agent "$BIN/gapferry-agent" --root site run
    done
    soon delivered 8
    agree
}
