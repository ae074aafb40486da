#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154 # trip.bash reads SITE and sets out, err and URL
# grid_updates.bats -- what does not fit a line, through a grid's manager: updates with their
# artifacts, and long answers.

bats_require_minimum_version 1.5.0

load grid.bash
load repo.bash

setup_file() { repo_keys_once; }

setup() {
    repo_begin
    mkdir lan
    head -c 3000000 /dev/urandom >new/image.bin
}

# NODES: all know each other; the manager trusts the vendor, unless STRANGE is set.
updates_ready() {
    local i
    vendor_start --files repo
    R init --name relay >/dev/null
    repository >relay/etc/gapferry/relay.conf
    manager_init
    printf '[relay]\nresponse_max = 1M\n' >>mgr/etc/gapferry/relay.conf
    [ -n "${STRANGE:-}" ] || M trust release.pub --duty update >/dev/null
    for ((i = 1; i <= $1; i++)); do
        node_init "$i"
        N "$i" trust release.pub --duty update >/dev/null
    done
}

ask() { N "$1" updates check --product demo "${@:2}" >/dev/null; } # NODE [OPTION]...
whole() { # NODE FILE: the node has it, and it is what the vendor has published
    rm -rf got && mkdir got
    gives 0 N "$1" updates fetch "$2" got
    cmp "new/$2" "got/$2"
}
lacks() { fact '.updates[0].missing' N "$1" updates list; } # NODE: how many artifacts it misses

@test "an update goes through the manager to each node that asks, and over its drive once" {
    updates_ready 3
    publish 3 new/image.bin new/NOTES
    ask 1
    ask 2
    up 3
    outside
    [ "$(served image.bin)" = 1 ]
    # One copy of it, in parts, for both.
    [ -z "$(find mgr/var/lib/gapferry/agent/returns -size +100k -links 1)" ]
    down 3
    whole 1 image.bin
    whole 2 NOTES
    whole 2 image.bin
    gives 0 N 3 updates list
    says "no update is known"
    [ "$(states 1)" = "3 1" ]

    # Nothing is left behind, and nothing comes twice.
    up 3
    outside
    down 3
    [ -z "$(find mgr/var/lib/gapferry/agent/returns -type f)" ]
    ask 1 --version 1.3
    ask 3 --version 1.3 # has it from a disc, and is not given what it has
    up 3
    outside
    MR sync lan >/dev/null
    [ -z "$(find lan usb -name '*.gfb' -size +100k)" ]
    down 3
    gives 0 N 3 updates list
    says "no update is known"
    # A node that comes later needs no trip for the artifacts: they are here.
    ask 3
    up 3
    outside
    [ -z "$(find usb -name '*.gfb' -size +100k)" ]
    down 3
    whole 3 image.bin
    [ "$(served image.bin)" = 1 ]
}

@test "what a node has lost comes again from its manager; what is newer comes from outside" {
    updates_ready 1
    publish 3 new/image.bin
    ask 1
    up 1
    outside
    down 1
    whole 1 image.bin
    truncate -s 5 node-1/var/lib/gapferry/agent/updates/demo/stable/any/3/image.bin
    gives 65 N 1 updates verify
    ask 1
    up 1
    down 1
    whole 1 image.bin
    [ "$(served image.bin)" = 1 ]
    head -c 200000 /dev/urandom >new/image.bin
    publish 4 new/image.bin
    ask 1
    up 1
    outside
    down 1
    whole 1 image.bin
    # What only the older manifest has named is not kept by the manager's relay.
    up 1
    outside
    down 1
    [ "$(find mgr/var/lib/gapferry/relay/artifacts -type f | wc -l)" = 1 ]
}

@test "a manager that does not trust the vendor passes on the manifest, and the files once it does" {
    STRANGE=1 updates_ready 1
    publish 3 new/NOTES
    ask 1
    up 1
    M sync usb >/dev/null || true
    R sync usb >/dev/null || true
    M sync usb >said 2>&1 || true
    grep -q node-update-without-artifacts said
    down 1
    gives 0 N 1 updates list
    says "1.3"
    [ "$(lacks 1)" = 1 ]
    M trust release.pub --duty update >/dev/null
    ask 1
    up 1
    outside
    down 1
    whole 1 NOTES
}

@test "kill -9 while artifacts pass a manager loses and doubles nothing" {
    updates_ready 1
    publish 3 new/image.bin new/NOTES
    ask 1
    up 1
    M sync usb >/dev/null || true
    R sync usb >/dev/null || true
    local i
    for i in $(shuf -i 5-250 -n 6); do
        killed "$(printf %03d "$i")" "$BIN/gapferry-agent" --root mgr sync usb
        killed "$(printf %03d "$i")" "$BIN/gapferry-relay" --root mgr sync lan
    done
    # Parts of which a kill has left half are asked for again, which takes a trip more.
    for i in 1 2 3 4; do
        outside
        down 1
        down 1
        [ "$(lacks 1)" != 0 ] || break
        up 1
    done
    whole 1 image.bin
    whole 1 NOTES
    [ "$(states 1)" = "3 1" ]
    outside
    up 1
    [ -z "$(find mgr/var/lib/gapferry/agent/returns -type f)" ]
}

@test "artifacts pass between two users, neither of whom can change what the other keeps" {
    updates_ready 1
    publish 3 new/image.bin
    ask 1
    N 1 sync lan >/dev/null || true
    two_users
    share_spools
    relay_as 61001 sync lan >/dev/null || true
    agent_as sync usb >/dev/null || true
    R sync usb >/dev/null || true
    agent_as sync usb >/dev/null || true
    local handed
    handed=$(find $MSTATE/returns -size +1000k)
    [ "$(stat -c '%U %G %a' "$handed")" = "UNKNOWN UNKNOWN 640" ]
    absent setpriv --reuid 61002 --regid 61002 --groups 61001 dd if=/dev/null of="$handed"
    relay_as 61001 sync lan >/dev/null || true
    [ ! -e "$handed" ]
    N 1 sync lan >/dev/null || true
    whole 1 image.bin
    # What the relay has is its own copy.
    [ "$(find $MRSTATE/artifacts -type f -uid 61002 -perm 600 | wc -l)" = 1 ]
}

@test "an answer that is longer than a line of the spool arrives byte for byte" {
    vendor_start
    R init --name relay >/dev/null
    head -c 1000000 /dev/zero | tr '\0' '"' >long
    printf '#!/bin/sh\nexec cat %s/long\n' "$PWD" >answer-long
    chmod 755 answer-long
    printf '[endpoint "licences"]\nchannel = license\nprofile = exec\nprogram = %s/answer-long\n' "$PWD" \
        >>relay/etc/gapferry/relay.conf
    manager_init
    node_init 1
    N 1 license request --product demo --key AAAA-BBBB --contact ops@example.org >/dev/null
    up 1
    outside
    down 1
    [ "$(states 1)" = "3 1" ]
    # It is no licence, so that the node keeps what came, to be looked at.
    cmp long node-1/var/lib/gapferry/agent/refused/*.lic*
    [ -z "$(find mgr/var/lib/gapferry/agent/returns -type f)" ]
}
