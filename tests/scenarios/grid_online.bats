#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2034 # trip.bash sets out, err and URL
# grid_online.bats -- a grid whose nodes reach their manager by network, while the manager itself reaches
# the world by drive: nobody runs a command on a node, or on the manager's relay.

bats_require_minimum_version 1.5.0

load grid.bash
load services.bash

# NODES EVERY: the manager's services and each node's. The nodes visit it every two seconds; its relay
# looks by itself only every EVERY.
online() {
    local i port
    port=$(free_port)
    printf '[relay]\nevery = %s\n[listen]\naddress = 127.0.0.1\nport = %s\nper_address = 0\n' "$2" "$port" \
        >>mgr/etc/gapferry/relay.conf
    service mr "$BIN/gapferry-relay" --root mgr run
    service m "$BIN/gapferry-agent" --root mgr run
    soon curl -sf "http://127.0.0.1:$port/readyz" -o /dev/null
    for ((i = 1; i <= $1; i++)); do
        printf 'url = http://127.0.0.1:%s\npoll = 2s\nretry = 1s\nsuccesses = 1\n' "$port" \
            >>"node-$i/etc/gapferry/agent.conf" # of [relay "manager"]
        sed -i '/^\[agent\]/a export_interval = 1s' "node-$i/etc/gapferry/agent.conf"
        service "node-$i" "$BIN/gapferry-agent" --root "node-$i" run
        service "link-$i" "$BIN/gapferry-link" --root "node-$i" run
    done
}

onward() { [[ $(MR status) == *"metrics: $1 onward"* ]]; }
taken_in() { [ "$(sqlite3 -cmd '.timeout 10000' mgr/var/lib/gapferry/agent/agent.db 'SELECT count(*) FROM record')" = "$1" ]; }
all_are() { # NODES STATES
    local i
    for ((i = 1; i <= $1; i++)); do [ "$(states "$i")" = "$2" ] || return 1; done
}
all_know() { [[ $(MR notice) == *"$1 of $1 agents"* ]]; }
refuses() { # NODE: its agent records nothing
    local status=0
    usage "$1" 9 2>/dev/null || status=$?
    [ "$status" = 85 ]
}

@test "20 nodes by network, their manager by drive: records, receipts and notices, without a person" {
    grid_ready 20
    online 20 10s
    local i
    for ((i = 1; i <= 20; i++)); do usage "$i" "$i"; done
    soon onward 20
    soon taken_in 20
    soon all_are 20 "2 1"
    outside
    soon all_are 20 "3 1"
    [ "$(tally '.effects | length')" -eq 20 ]
    SITES=mgr agree

    # What the manager asks for reaches each of them with its next visit.
    gives 0 MR notice metrics airgap=hold consent=denied
    soon all_know 20
    for ((i = 1; i <= 20; i++)); do refuses "$i"; done
}

@test "what the manager's agent refuses its node learns by itself; a notice waits for no look of the relay" {
    grid_ready 1
    M consent metrics deny >/dev/null
    online 1 1d
    usage 1 5
    soon all_are 1 "4 1"
    [[ $(of 1 "SELECT reason FROM record") == *"grid's manager"*"consent is denied"* ]]
    gives 0 MR notice metrics consent=denied
    soon refuses 1
}
