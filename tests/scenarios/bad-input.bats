#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031,SC2034 # trip.bash sets out and err, and uses SITE and RELAY
# bad-input.bats -- what an agent meets and must not be led astray by: each with its words, its exit
# status, nothing lost, and a status that is right afterwards. (Licences: license.bats; updates:
# updates.bats; drives that are full, read-only, hostile: trip.bats.)

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ready
    RECORD=$(users 1)
    DIGEST=$(A preview metrics --json | jq -j '.channels[0].records[0].body' | b2sum -l 256 | cut -d' ' -f1)
    home
}

teardown() {
    vendor_stop KILL
    if mountpoint -q m; then umount -l m; fi
}

# receipt RECORD STATE [DIGEST]: a line; the digest of the record's body unless told.
receipt() {
    local digest=${3:-$DIGEST}
    jq -nc --arg record "$1" --arg state "$2" --arg digest "$digest" \
        '{record: $record, digest: $digest, state: $state, reason: (if $state == "rejected" then "no" else null end),
          guarantee: (if $state == "delivered" then "effectively-once" else null end), at: "2026-01-01T00:00:00Z"}'
}

# response <LINES: a response bundle of receipts to the agent, on the drive.
response() {
    mkdir -p usb/GAPFERRY/to-site
    "$BIN/gapferry-bundle" pack -i "${FROM:-$RSTATE/keys}" -t "${TO:-$STATE/keys/card}" --kind response \
        --receipts - -o "usb/GAPFERRY/to-site/${NAME:-11111111111111111111111111111111}.gfb" --force >/dev/null
}

# Nothing has changed: the record waits for its receipt still, and a good trip brings it.
unharmed() {
    [ "$(state exported)" = 1 ] || fail "$(state)"
    gives 0 A history verify
    rm -f usb/GAPFERRY/to-site/1111*
    there
    home
    [ "$(state delivered)" = 1 ] || fail "$(state)"
    agree
}

@test "a record with the id of another is told by sync, with the remedy" {
    there
    mkdir got
    "$BIN/gapferry-bundle" unpack -i "$STATE/keys" -f "$STATE/keys/card" -C got "$STATE"/outbox/*.gfb >/dev/null
    sed -i 's/users\\":1/users\\":2/' got/records.jsonl
    "$BIN/gapferry-bundle" pack -i "$STATE/keys" -t "$RSTATE/keys/card" --kind request \
        --records got/records.jsonl -o usb/GAPFERRY/to-relay/22222222222222222222222222222222.gfb >/dev/null
    gives 0 R sync usb
    says 'conflicts    1 record came again with another body, and was rejected' 'records list' \
        'cloned' 'recorded there anew'
    gives 0 R sync usb
    [[ $out != *conflicts* ]]
    [ "$(fact .conflicts R sync usb)" = 0 ]
    gives 0 R status
    says '1 record came again with another body'
}

@test "a receipt from the relay counts, as it is" {
    receipt "$RECORD" delivered | response
    home
    [ "$(state delivered)" = 1 ]
}

@test "a response for another agent is left alone" {
    SITE=other site_init
    receipt "$RECORD" delivered | TO=other/var/lib/gapferry/agent/keys/card response
    home
    says 'nothing for this agent'
    [ -e usb/GAPFERRY/to-site/11111111111111111111111111111111.gfb ]
    unharmed
}

@test "a response from an unknown relay is refused, and stays on the drive as evidence" {
    RELAY=evil R init --name evil >/dev/null
    receipt "$RECORD" delivered | FROM=evil/var/lib/gapferry/relay/keys response
    gives 77 A sync usb
    says 'needs you' 11111111111111111111111111111111.gfb
    [ -e usb/GAPFERRY/to-site/11111111111111111111111111111111.gfb ]
    unharmed
}

@test "a response carried again does nothing again" {
    there
    cp usb/GAPFERRY/to-site/*.gfb kept
    home
    [ "$(state delivered)" = 1 ]
    cp kept "usb/GAPFERRY/to-site/$(tar xOf kept bundle.json | jq -r .id).gfb"
    home
    says 'seen before'
    [ "$(state delivered)" = 1 ]
    gives 82 A import kept
}

@test "a receipt for another body is odd, and moves nothing" {
    receipt "$RECORD" delivered "$(printf other | b2sum -l 256 | cut -d' ' -f1)" | response
    home
    says 'fits nothing'
    unharmed
}

@test "a receipt for a record that never was is odd, and moves nothing" {
    receipt 01a20000-0000-7000-8000-000000000000 delivered | response
    home
    says 'fits nothing'
    unharmed
}

@test "a receipt does not go back: delivered stays delivered" {
    receipt "$RECORD" delivered | response
    home
    receipt "$RECORD" rejected | NAME=22222222222222222222222222222222 response
    home
    [ "$(state delivered)" = 1 ]
    [ "$(state rejected)" = 0 ]
}

@test "receipts in the wrong order end where the last word is" {
    receipt "$RECORD" delivered | response
    receipt "$RECORD" relayed | NAME=22222222222222222222222222222222 response
    home
    [ "$(state delivered)" = 1 ]
}

@test "a receipt by a relay that the record never went to moves nothing" {
    RELAY=second R init --name second >/dev/null
    A trust second/var/lib/gapferry/relay/keys/card --yes \
        --fingerprint "$(RELAY=second R card --fingerprint)" >/dev/null
    receipt "$RECORD" delivered | FROM=second/var/lib/gapferry/relay/keys response
    home
    says 'fits nothing'
    [ "$(state exported)" = 1 ]
}

@test "a forged signature is found, whatever the bundle says" {
    receipt "$RECORD" delivered | response
    local f=usb/GAPFERRY/to-site/11111111111111111111111111111111.gfb
    # One byte of the header: what it says is not what was signed.
    printf X | dd of="$f" bs=1 seek=600 conv=notrunc status=none
    gives 80 A sync usb
    says 'needs you' signature
    unharmed
}

@test "an answer to a request that was never made is not applied" {
    jq -nc '{record: "01a20000-0000-7000-8000-000000000000", status: 200, headers: {}, body: "{}"}' >answers
    mkdir -p usb/GAPFERRY/to-site
    "$BIN/gapferry-bundle" pack -i "$RSTATE/keys" -t "$STATE/keys/card" --kind response --answers answers \
        -o usb/GAPFERRY/to-site/11111111111111111111111111111111.gfb >/dev/null
    home
    gives 90 A license check
    unharmed
}

@test "an expired response is refused with its date" {
    command -v faketime >/dev/null || skip "faketime is not installed: no response has expired"
    receipt "$RECORD" delivered >line
    mkdir -p usb/GAPFERRY/to-site
    faketime '2025-12-01 00:00:00' "$BIN/gapferry-bundle" pack -i "$RSTATE/keys" -t "$STATE/keys/card" \
        --kind response --receipts line --expires 2026-01-01 \
        -o usb/GAPFERRY/to-site/11111111111111111111111111111111.gfb >/dev/null
    gives 83 A sync usb
    says 2026-01-01
    unharmed
}

@test "a misspelt key is an error with file, line and the nearest name" {
    echo 'alow = users' >>site/etc/gapferry/agent.conf
    gives 78 A status
    says agent.conf: alow 'did you mean'
    gives 78 A sync usb
    sed -i '/^alow/d' site/etc/gapferry/agent.conf
    unharmed
}

@test "clocks of 1970, of 2106, and an hour back: records are kept, and told as they are" {
    command -v faketime >/dev/null || skip "faketime is not installed: no clock was moved"
    local at
    for at in '1970-01-02 00:00:00' '2106-02-08 00:00:00' "$(date -d '-1 hour' '+%F %T')"; do
        TZ=UTC faketime "$at" "$BIN/gapferry-agent" --root site record metrics - <<<'{"users":5}' >/dev/null
        TZ=UTC faketime "$at" "$BIN/gapferry-agent" --root site sync usb >/dev/null
        TZ=UTC faketime "$at" "$BIN/gapferry-agent" --root site status >/dev/null
    done
    gives 0 A history verify
    there
    home
    [ "$(state delivered)" = 4 ] || fail "$(state)"
    agree
}

@test "two agents on one state directory: each waits, none breaks the other" {
    local i pids=()
    for ((i = 0; i < 8; i++)); do
        A record metrics - <<<"{\"users\":1$i}" >/dev/null 2>&1 &
        pids+=($!)
        A sync usb >/dev/null 2>&1 &
        pids+=($!)
    done
    wait "${pids[@]}" || true
    home
    there
    home
    [ "$(state delivered)" = 9 ] || fail "$(state)"
    agree
}

@test "a full disk: refused with words, and nothing that was accepted is lost" {
    mkdir m
    mount -t tmpfs -o size=2m gapferry-test m 2>/dev/null || skip "cannot mount a file system here: no disk was filled"
    SITE=m/site site_init
    local i=0 kept
    head -c 60000 /dev/zero | tr '\0' x | jq -Rc '{users: .}' >big
    while SITE=m/site A record metrics big >ids 2>said && [ "$i" -lt 100 ]; do i=$((i + 1)); done
    [ "$i" -lt 100 ] || fail 'the disk was never full'
    grep -qi 'space\|full\|room' said || fail "$(cat said)"
    kept=$(SITE=m/site A status --json | jq .records.queued)
    [ "$kept" = "$i" ] || fail "$i accepted, $kept there"
}

@test "a drive that is gone is missed by name, and the next one takes everything" {
    users 2 >/dev/null
    run A sync m
    [ "$status" -eq 66 ] || fail "$status: $output"
    [[ $output == *m* && $output == *mounted* ]] || fail "$output"
    home
    there
    home
    [ "$(state delivered)" = 2 ]
}

@test "a state put back from a snapshot is noticed, by the agent or by the relay, and restore mends it" {
    cp -a "$STATE" snapshot
    there
    home
    users 2 >/dev/null
    home
    there
    home
    rm -rf "$STATE"
    cp -a snapshot "$STATE"
    users 3 >/dev/null
    A sync usb >/dev/null || true
    R sync usb >/dev/null || true
    A sync usb >/dev/null || true
    # Whoever noticed it says what to do.
    gives 0 A restore
    home
    R sync usb >/dev/null || true
    A sync usb >/dev/null || true
    R sync usb >/dev/null || true
    home
    [ "$(state exported)" = 0 ] || fail "$(state)"
    [ "$(tally '[.effects[] | select(.count != 1)] | length')" = 0 ]
}
