#!/usr/bin/env bats
# shellcheck disable=SC2154 # trip.bash sets out and err
# hints.bats -- what people run into at the commands: slips are named with their line, what was asked
# for already is not asked for twice, and nothing stays behind.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

# ---- words ----

@test "records without a word lists them" {
    ready
    users 1 >/dev/null
    home
    there
    gives 0 R records list
    local listed=$out
    gives 0 R records
    [ -n "$out" ] && [ "$out" = "$listed" ]
    gives 64 R records lost
}

@test "a wrong section is named with its file and line" {
    local conf=site/etc/gapferry/agent.conf
    site_init
    cp "$conf" plain
    printf '[channel "a b"]\nallow = x\n' >>"$conf"
    gives 78 A config check
    says "$conf:$(grep -n '"a b"' "$conf" | cut -d: -f1): [channel \"a b\"]"
    cp plain "$conf"
    printf '[source "usage"]\ninterval = 1h\n' >>"$conf"
    gives 78 A config check
    says "$conf:$(grep -n 'source "usage"' "$conf" | cut -d: -f1): [source \"usage\"]: needs a channel"
}

@test "init asks about a rule for a channel that looks like another" {
    gives 0 A init --allow metrcis=users
    says 'metrcis' 'did you mean metrics?'
    SITE=other gives 0 A init --allow metrics=users --allow inventory=hosts
    [[ $err != *'did you mean'* ]]
}

@test "preview names the relay of each channel" {
    local first second
    ready
    RELAY=second R init --name second >/dev/null
    first=$(R card --fingerprint)
    second=$(RELAY=second R card --fingerprint)
    A trust second/var/lib/gapferry/relay/keys/card --yes --fingerprint "$second" >/dev/null
    printf '[relay "one"]\nfingerprint = %s\n[relay "two"]\nfingerprint = %s\n[channel "metrics"]\nrelay = one\n[channel "license"]\nrelay = two\n' \
        "$first" "$second" >>site/etc/gapferry/agent.conf
    users 1 >/dev/null
    license_request >/dev/null
    gives 0 A preview
    says "  relay    $first" "  relay    $second"
    [ "$(fact '[.channels[] | "\(.channel) \(.relay)"] | sort | join(", ")' A preview)" = "license $second, metrics $first" ]
}
