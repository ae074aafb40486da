#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2153,SC2154 # trip.bash reads SITE and RELAY and sets out, err and URL
# grid.bats -- a grid by drive: what nodes send, and what they learn of it.

bats_require_minimum_version 1.5.0

load grid.bash

@test "20 nodes behind a manager: each learns what became of its record, and the tallies agree" {
    grid_ready 20
    local i delivered=0 rejected=
    for ((i = 1; i <= 20; i++)); do usage "$i" "$i"; done
    up 20
    gives 0 MR status
    says "metrics: 20 onward"
    [ "$(states 7)" = "2 1" ] || down 20 # relayed, not delivered
    [ "$(states 7)" = "2 1" ]

    # The vendor refuses one of them, and the drive to the relay outside is lost on its first way.
    M sync usb >/dev/null
    rm -rf usb/GAPFERRY
    vendor_script '1 status 422 /usage'
    outside
    down 20
    for ((i = 1; i <= 20; i++)); do
        case $(states "$i") in
        "3 1") delivered=$((delivered + 1)) ;;
        "4 1") rejected+=" $i" ;;
        *) fail "node $i: $(states "$i")" ;;
        esac
    done
    [ "$delivered" -eq 19 ]
    i=${rejected# }
    [[ $(of "$i" "SELECT reason FROM record") == *"HTTP 422"* ]]
    [ "$(tally '.effects | length')" -eq 19 ]
    gives 0 MR status
    says "metrics: 19 delivered, 1 rejected"
    SITES=mgr agree

    # The vendor knows the nodes as the origin of what the manager has sent; nothing is said twice.
    outside
    down 20
    gives 0 MR status
    says "metrics: 19 delivered, 1 rejected"
    [ -z "$(find mgr/var/lib/gapferry/agent/{intake,returns} -name '*.spool')" ]
}

@test "a node's licence request is answered through both hops, and the licence is the node's" {
    grid_ready 2
    local i
    for i in 1 2; do N "$i" trust v/vendor.pub --duty license >/dev/null; done
    N 2 license request --product demo --key AAAA-BBBB --contact ops@example.org >/dev/null
    up 2
    outside
    down 2
    gives 0 N 2 license check
    gives 90 N 1 license check
    gives 90 M license check # the manager passes it on and keeps none of it
    [ "$(states 2)" = "3 1" ]
}

@test "what the manager's agent refuses its nodes learn with the reason; what it has not decided waits" {
    grid_ready 2
    M consent metrics deny >/dev/null
    usage 1 5
    up 2
    outside
    down 2
    [ "$(states 1)" = "4 1" ]
    [[ $(of 1 "SELECT reason FROM record") == *"grid's manager"*"consent is denied"* ]]
    [ "$(tally '.effects | length')" -eq 0 ]

    # A channel that nobody has thought of is held, and passes once somebody has.
    M consent metrics grant >/dev/null
    sed -i 's/^nodes = yes/nodes = no/' mgr/etc/gapferry/agent.conf
    usage 2 6
    up 2
    outside
    down 2
    gives 0 MR records list --state held
    says "nodes = yes"
    [ "$(states 2)" = "2 1" ]
    sed -i 's/^nodes = no/nodes = yes/' mgr/etc/gapferry/agent.conf
    gives 0 MR records release
    MR sync lan
    outside
    down 2
    [ "$(states 2)" = "3 1" ]

    # Withdrawn before it left: the record is deleted there, and the node learns that, too.
    usage 2 7
    up 2
    M sync lan >/dev/null || true # only takes it in
    M consent metrics deny >/dev/null
    outside
    down 2
    [ "$(states 2)" = "3 1, 4 1" ]
    [[ $(of 2 "SELECT reason FROM record WHERE state = 4") == *"manager"* ]]
}

@test "a notice of the manager reaches every node with the next drive, and is obeyed where it is stricter" {
    grid_ready 3
    usage 1 5
    up 3
    gives 64 MR notice metrics airgap=never
    gives 64 MR notice license consent=denied
    says "has decided by that"
    gives 0 MR notice metrics consent=denied
    says "0 of 3 agents"
    down 3
    local i
    for i in 1 2 3; do
        gives 85 N "$i" record metrics - <<<'{"users":1}'
        says "grid's manager"
    done
    up 3
    gives 0 MR notice
    says "consent denied" "3 of 3 agents"
    MR audit verify >/dev/null
    gives 0 MR audit export
    says 'notice' 'denied'

    # The manager's own agent obeys only what its own relay says; taken back, the nodes may again.
    M consent metrics | grep -q granted
    gives 0 MR notice metrics airgap=carry
    down 3
    for i in 1 2 3; do N "$i" consent metrics grant >/dev/null && usage "$i" 6; done
    up 3
    outside
    down 3
    for i in 2 3; do [ "$(states "$i")" = "3 1" ]; done
}

@test "two users share the spools and nothing else" {
    grid_ready 1
    usage 1 5
    N 1 sync lan >/dev/null
    two_users
    gives 73 relay_as 61002 endpoints check --connect
    says "intake" "GRID"
    gives 0 relay_as 61002 config check
    says "warning" "intake" "GRID"
    gives 75 agent_as doctor
    says "intake" "another user (#61002)" "install -d -o 61001"
    gives 0 agent_as config check
    says "warning" "intake" "2770"

    share_spools
    gives 0 relay_as 61001 config check
    [[ $err != *warning* ]]
    gives 0 agent_as config check
    [[ $err != *warning* ]]
    chmod 700 $MSTATE
    gives 0 agent_as config check
    says "may not be passed by its group"
    chmod 710 $MSTATE
    gives 0 relay_as 61001 endpoints check --connect
    absent setpriv --reuid 61002 --regid 61002 --groups 61001 cat $MSTATE/keys/sign.key
    absent setpriv --reuid 61002 --regid 61002 --groups 61001 cat $MSTATE/agent.db
    absent setpriv --reuid 61001 --regid 61001 --clear-groups cat $MRSTATE/relay.db
    relay_as 61001 sync lan >/dev/null
    agent_as sync usb >/dev/null
    R sync usb >/dev/null
    agent_as sync usb >/dev/null
    relay_as 61001 sync lan >/dev/null
    N 1 sync lan >/dev/null
    [ "$(states 1)" = "3 1" ]
}

@test "kill -9 in the middle of insertion, of taking in, and of returning doubles and loses nothing" {
    grid_ready 1
    local i
    for ((i = 1; i <= 300; i++)); do echo "{\"users\":$i}"; done | N 1 record metrics --jsonl - >/dev/null
    N 1 sync lan >/dev/null
    for i in 010 030 050 080 120; do
        killed "$i" "$BIN/gapferry-relay" --root mgr sync lan
        killed "$i" "$BIN/gapferry-agent" --root mgr sync usb
    done
    MR sync lan >/dev/null || true
    gives 0 MR status
    says "metrics: 300 onward"
    M sync usb >/dev/null || true
    R sync usb >/dev/null || true
    for i in 010 030 050; do killed "$i" "$BIN/gapferry-agent" --root mgr sync usb; done
    outside
    for i in 010 030 050; do killed "$i" "$BIN/gapferry-relay" --root mgr sync lan; done
    down 1
    [ "$(states 1)" = "3 300" ]
    [ "$(tally '.effects | length')" -eq 300 ]
    SITES=mgr agree
}
