#!/usr/bin/env bats
# shellcheck disable=SC2154 # trip.bash sets out and err
# relay_status.bats -- what the relay says is to be done: by `sync` and by `status` alike, and in the words of
# who is at work.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

teardown() {
    run_stop
    vendor_stop KILL
}

run_start() {
    "$BIN/gapferry-relay" --root relay run 2>>run.log 3>&- &
    RUN=$!
    soon grep -q event=listening run.log
}

run_stop() {
    [ -n "${RUN:-}" ] || return 0
    kill "$RUN" 2>/dev/null || true
    wait "$RUN" || true
    RUN=
}

# next TEXT: what `status` says is to be done begins so.
next() {
    gives 0 R status
    [[ $out == *$'\n'"next         $1"* ]] || fail "next is not \"$1\": $out"
}

# ---- what waits ----

@test "an endpoint that is busy waits, and needs nobody: so say sync, forward and status" {
    ready
    users 1 >/dev/null
    home
    vendor_script '99 status 503 /usage'
    gives 0 R sync usb
    says 'waits        1 record for another try' 'endpoint "usage": 1 to be tried again: HTTP 503' 'nothing need be done'
    [[ $out != *'needs you'* ]] || fail "$out"
    [ "$(R sync usb --json | jq -c '[.exit, (.needs_a_person | length), (.waits | length), .waiting[0].person]')" = '[0,0,1,false]' ]
    gives 0 R forward
    next 'nothing: the next sync tries again what waits; at once: '
    [ "$(fact '.waiting[0] | "\(.endpoint) \(.records) \(.person)"' R status)" = 'usage 1 false' ]

    # Nobody listens there any more: somebody has to look.
    vendor_stop
    gives 75 R sync usb
    says 'needs you    endpoint "usage": 1 to be tried again: refused' 'url in its section'
    gives 75 R forward
    next 'see what keeps back what waits (above)'
    [ "$(fact '.waiting[0].person' R status)" = true ]

    # Busy again, but for longer than a day.
    vendor_start
    vendor_script '99 status 503 /usage'
    gives 0 R sync usb
    sqlite3 "$RSTATE/relay.db" 'UPDATE record SET received = received - 100000'
    gives 75 R sync usb
    says 'needs you    endpoint "usage"' 'ask whoever runs that endpoint'
    next 'see what keeps back what waits (above)'
}

@test "what nobody has tried yet awaits somebody, unless run is at work" {
    ready
    users 1 >/dev/null
    home
    gives 75 R sync usb --wait 0
    next 'send what was not tried yet: '
    says 'sync DRIVE, or' 'forward'
    gives 0 R forward
    next 'carry the responses to their sites: '
}

@test "status speaks of what run does where it serves HTTPS" {
    ready
    local port
    port=$(free_port)
    users 1 >/dev/null
    home
    gives 0 R sync usb
    next 'carry the responses to their sites: '
    printf '[listen]\naddress = 127.0.0.1\nport = %s\n' "$port" >>relay/etc/gapferry/relay.conf
    next 'start `run` (systemctl start gapferry-relay)'
    run_start
    next 'nothing, for sites that come by HTTPS: they fetch their responses'
    vendor_script '99 status 503 /usage'
    users 2 >/dev/null
    home
    gives 0 R sync usb
    next 'nothing: `run` tries again what waits'
}

# ---- who waits ----

@test "an unknown sender whose card never came is named under next, with every way for its card to come" {
    ready
    site_init_other
    SITE=other users 1 >/dev/null
    SITE=other A sync usb >/dev/null 2>&1 || true
    rm usb/GAPFERRY/cards/*
    gives 77 R sync usb
    says 'its card was never seen' 'GAPFERRY/cards' 'approve FINGERPRINT --card FILE'
    absent grep -q 'courier upload' <<<"$out"
    next 'unknown sender '
    says ' sync DRIVE, ' 'approve FINGERPRINT --card FILE' ' decline '
    [ "$(fact '.pending_senders[0] | "\(.card) \(.bundles)"' R status)" = 'unseen 1' ]

    # Where couriers have a page, they can upload it.
    printf '[page]\nenabled = yes\n' >>relay/etc/gapferry/relay.conf
    next 'unknown sender '
    says 'let the courier upload the .card file on the page'
    gives 77 R sync usb
    says 'let the courier upload the .card file on the page'

    # Let in by its card: what waits is not an unknown sender's any more.
    SITE=other gives 0 R approve --card other/var/lib/gapferry/agent/keys/card "$(SITE=other A card --fingerprint)"
    gives 0 R status
    [[ $out != *'unknown sender'* ]] || fail "$out"
    says 'in pending, from before it was decided about'
    [ "$(fact '.pending_senders[0].card' R status)" = decided ]
    gives 0 R sync usb
    gives 0 R status
    [[ $out != *pending* ]] || fail "$out"
}

site_init_other() {
    SITE=other site_init
    SITE=other A trust relay/var/lib/gapferry/relay/keys/card --yes --fingerprint "$(R card --fingerprint)" >/dev/null
}

@test "one unknown sender stands in the command that lets it in, of several none does" {
    local one
    ready
    site_init_other
    SITE=other users 1 >/dev/null
    SITE=other A sync usb >/dev/null 2>&1 || true
    gives 77 R sync usb
    one=$(SITE=other A card --fingerprint)
    next 'compare the fingerprint'
    says " approve $one, or decline" " approve $one (or decline)"
    SITE=third A init >/dev/null
    SITE=third A consent metrics grant >/dev/null 2>&1
    SITE=third users 1 >/dev/null
    SITE=third A trust --yes --fingerprint "$(R card --fingerprint)" usb/GAPFERRY/cards/*.card >/dev/null 2>&1 || true
    SITE=third A sync usb >/dev/null 2>&1 || true
    gives 77 R sync usb
    next 'compare the fingerprint'
    says 'approve FINGERPRINT (or decline)'
}

@test "what a revoked sender sent is not to be sent anew" {
    ready
    users 1 >/dev/null
    home
    gives 0 R sync usb
    R revoke "$(A card --fingerprint)" >/dev/null
    users 2 >/dev/null
    A sync usb >/dev/null 2>&1 || true
    gives 77 R sync usb
    gives 0 R status
    says '1 bundle of agents that were revoked or replaced' 'needs a new agent'
    [[ $out != *'send it anew'* ]] || fail "$out"
    [ "$(fact '"\(.quarantine) \(.quarantine_ended)"' R status)" = '1 1' ]
}

# ---- quotas ----

@test "a bundle that brings nothing but acknowledgements is held by no quota, by drive and by HTTPS" {
    ready
    users 1 >/dev/null
    home
    there
    printf '[relay]\nquota_bundles_per_day = 1\n' >>relay/etc/gapferry/relay.conf
    # Its response is acknowledged by a bundle without records, though one bundle came today.
    home
    [ "$(bundles to-relay)" = 1 ]
    there
    [[ $out != *quota* ]] || fail "$out"
    [ "$(fact .responses R status)" = 0 ]
    # It uses up no quota either; and with records it is over.
    users 2 >/dev/null
    home
    gives 75 R sync usb
    says 'quota_bundles_per_day'
    sed -i 's/^quota_bundles_per_day = 1/quota_bundles_per_day = 2/' relay/etc/gapferry/relay.conf
    there
    says '1 record delivered'
    home

    # By HTTPS.
    local port bundle
    port=$(free_port)
    printf '[listen]\naddress = 127.0.0.1\nport = %s\n' "$port" >>relay/etc/gapferry/relay.conf
    bundle=$(ls usb/GAPFERRY/to-relay/*.gfb)
    post() {
        curl -s -o reply -w '%{http_code}' -H 'Content-Type: application/vnd.gapferry.bundle' --data-binary "@$1" \
            "http://127.0.0.1:$port/v1/bundles"
    }
    run_start
    users 3 >/dev/null
    mkdir other
    A sync other >/dev/null
    [ "$(post "$bundle")" = 200 ] || fail "$(cat reply)"
    local full
    full=$(find other/GAPFERRY/to-relay -name '*.gfb' ! -name "${bundle##*/}")
    [ "$(post "$full")" = 429 ] || fail "$(cat reply)"
}
