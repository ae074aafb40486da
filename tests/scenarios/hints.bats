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

@test "who denies a channel that nobody has spoken of hears which one goes on" {
    gives 0 A init --consent metrics=granted
    gives 0 A consent metrcs deny
    says 'did you mean metrics, which this does not deny?'
    # Now it is known, as is one that was recorded on; and a word that is near to none is no mistake.
    gives 0 A consent metrcs deny
    [[ $err != *'did you mean'* ]]
    gives 0 A consent inventory deny
    [[ $err != *'did you mean'* ]]
    gives 0 A consent metrics deny
    [[ $err != *'did you mean'* ]]
}

@test "what many records were rejected for is said once, and warned of a few times" {
    ready
    vendor_script '7 status 422 /usage'
    for i in 1 2 3 4 5 6 7; do users "$i" >/dev/null; done
    home
    there
    : >said
    JOURNAL_STREAM=$(stat -c %d:%i said) A sync usb >/dev/null 2>>said
    [ "$(grep -c '^<4>event=record-rejected' said)" = 5 ]
    [ "$(grep -c '^<6>event=record-rejected' said)" = 2 ]
    gives 0 A status
    says ', 7 rejected' ' and 6 before it: HTTP 422'
    [ "$(grep -c '^rejected ' <<<"$out")" = 1 ]
    [ "$(fact '.trouble | "\(length) \(.[0].records)"' A status)" = '1 7' ]
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
    says 'goes to one of 2 relays, which stands with each channel' "  relay    $first" "  relay    $second"
    [ "$(grep -cE "$first|$second" .out)" = 2 ] || fail "$out"
    [ "$(fact '[.channels[] | "\(.channel) \(.relay)"] | sort | join(", ")' A preview)" = "license $second, metrics $first" ]
}

# ---- licences ----

@test "what was asked for and is not answered is not asked for twice, unless that is meant" {
    local first
    ready
    first=$(A license request --product demo --key AAAA-BBBB --count seats=5 --count cores=2)
    gives 0 A license request --product demo --key AAAA-BBBB --count seats=5 --count cores=2
    says 'asked already' 'waits since 20' '--again'
    [ "$out" = "$first" ] || fail "$out"
    [[ $(fact .asked_already A license request --product demo --key AAAA-BBBB --count seats=5 --count cores=2) =~ ^20[0-9-]+T[0-9:]+Z$ ]]
    [ "$(state queued)" = 1 ]
    # Anything else is another wish, and so is the same on purpose.
    gives 0 A license request --product demo --key AAAA-BBBB --count seats=6 --count cores=2
    [[ $err != *'asked already'* ]]
    gives 0 A license request --product demo --key AAAA-BBBB --count seats=5 --count cores=2 --again
    [ "$(state queued)" = 3 ]
    [ "$(fact .asked_already A license request --product demo --key CCCC)" = null ]
    home
    there
    home
    # Answered: a renewal is asked for once, too, also while it is on its way.
    gives 0 A license renew
    home
    gives 0 A license renew
    says 'asked already'
    gives 0 A license renew --again
    [[ $err != *'asked already'* ]]
}

@test "an answer that could not be used is no trouble any more once a newer licence is here" {
    ready
    license_request >/dev/null
    # The request is forgotten, as after a restore: its answer fits nothing here.
    sqlite3 "$STATE/agent.db" 'UPDATE license_request SET nonce = zeroblob(16)'
    home
    there
    A sync usb >/dev/null 2>&1 || true
    gives 0 A status
    says 'unusable   license'
    gives 0 A license request --product demo --key AAAA-BBBB
    home
    there
    home
    gives 0 A license check
    gives 0 A status
    [[ $out != *unusable* ]] || fail "$out"
    [ "$(fact '.trouble | length' A status)" = 0 ]
}

@test "a licence whose signature lies beside it is installed as it is" {
    command -v minisign >/dev/null || skip "minisign is not installed: $BATS_TEST_DESCRIPTION was not tried"
    ready
    jq -n '{format: "gapferry-license/1", id: "L-1", product: "demo", issued: (now - 3600 | floor | todate),
        expires: (now + 8640000 | floor | todate), policy: {warn_days: 30, grace_days: 14, then: "block"}}' >l.json
    # Without one, or with another's, it is refused as before.
    gives 65 A license install l.json
    says 'l.json' 'has no signature'
    cp l.json other.json
    echo >>other.json
    minisign -S -s v/vendor.key -m other.json -x l.json.minisig >/dev/null </dev/null
    gives 80 A license install l.json
    minisign -S -s v/vendor.key -m l.json -x l.json.minisig >/dev/null </dev/null
    gives 0 A license install l.json
    gives 0 A license check --product demo --strict
}
