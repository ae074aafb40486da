#!/usr/bin/env bats
# shellcheck disable=SC2154 # trip.bash sets out and err
# officer.bats -- what is told to those who answer for the site: is it true, and is it all?

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p usb
    CONF=site/etc/gapferry/agent.conf
}

@test "a channel that was denied is shown as denied, also where nothing else is known of it" {
    A init >/dev/null
    A consent other grant 2>/dev/null
    A consent other deny >/dev/null
    gives 0 A consent
    says 'other: denied since'
    gives 0 A status
    says 'consent    metrics not asked yet; other denied ('
    [ "$(A status --json | jq -r .consent.other)" = denied ]
    printf '[source "s"]\nchannel = other\ncommand = /bin/true\n' >>$CONF
    A doctor >.out || true
    grep -q 's: does not run: consent to channel other was denied' .out
}

@test "the report of a source that the rule swallows: which fields to name, and the manual's example works" {
    site_init
    printf '[source "daily"]\nchannel = metrics\nkind = document\n' >>$CONF
    gives 66 A preview --now
    says "(allow, $CONF:" 'name there what may leave of format, installation, at, product,'
    # As docs/operations.md has it.
    sed -n '/^\[source "daily"\]$/,/^```/p' "$SOURCE/docs/operations.md" | grep -v '```' >part
    grep -q '^allow' part
    sed -i '/^\[source "daily"\]$/,$d' $CONF
    cat part >>$CONF
    gives 0 A preview --now
    says 'only these fields pass' '"installation"' '"product": "demo"'
    A consent daily grant >/dev/null
    gives 0 A source run
    says '1 record queued'
}

@test "what is held or discarded while its relay is out of reach is not said to leave by drive" {
    ready
    printf '[channel "later"]\nairgap = hold\nconsent = granted\n' >>$CONF
    printf '[channel "never"]\nairgap = discard\nconsent = granted\n' >>$CONF
    A record later - <<<'{"a":1}' >/dev/null 2>&1
    gives 0 A preview
    says 'airgap   hold: these records will NOT leave' 'nothing of it leaves with the next'
    gives 0 A status
    says 'waiting    1 record (later 1)' '; 1 not by drive (airgap)'
    says 'next       nothing: what waits does not go by drive (airgap)'
    A record never - <<<'{"a":1}' >/dev/null 2>&1
    users 1 >/dev/null
    gives 0 A preview
    says 'airgap   discard: these records will NOT leave' 'it leaves, but for what will NOT, with the next'
    [ "$(A preview --json | jq -c '[.channels[] | [.channel, .airgap, .leaves]] | sort')" = \
        '[["later","hold",false],["metrics","carry",true],["never","discard",false]]' ]
    gives 0 A status
    says "next       write it to a drive: "
    # It is as they were told.
    home
    [ "$(A preview --json | jq -c '[.channels[].channel]')" = '["later"]' ]
    [ "$(A status --json | jq '.lost')" = 1 ]
    gives 0 A status
    says 'next       carry the drive'
}

@test "an answer that cannot be used: nobody waits for it, doctor tells it, and the reason is the present one" {
    command -v minisign >/dev/null || skip 'minisign is not installed: no other vendor was made'
    vendor_start
    site_init
    relay_init
    acquaint
    license_request >/dev/null
    home && there
    gives 75 A sync usb
    says '1 answer unusable' 'waits      nothing'
    A doctor >.out || true
    grep -q 'answers to licence requests that cannot be used: 1' .out
    grep -q 'license status has the reasons' .out
    gives 0 A status
    says 'unusable   license' 'no vendor is trusted with licences yet'
    # Another vendor's key: the old reason would be untrue from now on.
    minisign -G -W -p other.pub -s other.key >/dev/null
    gives 0 A trust other.pub --duty license
    gives 0 A status
    says 'unusable   license' 'not signed by the vendor key'
    [[ $out != *'no vendor is trusted'* ]]
    gives 0 A trust v/vendor.pub --duty license
    says 'installed'
    A doctor >.out || true
    absent grep -q 'cannot be used' .out
}

@test "renewing a licence that was never asked for here says what is missing" {
    command -v minisign >/dev/null || skip 'minisign is not installed: no licence was signed'
    A init >/dev/null
    minisign -G -W -p v.pub -s v.key >/dev/null
    printf '%s\n' '{"format": "gapferry-license/1", "id": "L-1", "product": "hand", "issued": "2026-01-02T03:04:05Z"}' >l
    minisign -S -s v.key -m l >/dev/null
    cat l l.minisig >l.license
    A trust v.pub --duty license >/dev/null
    gives 0 A license install l.license
    gives 64 A license renew
    says 'no request for hand is known here' '--key KEY'
    gives 0 A license renew --key AAAA-BBBB
}

@test "an artifact that is not what its manifest says stands in doctor" {
    command -v minisign >/dev/null || skip 'minisign is not installed: no manifest was signed'
    A init >/dev/null
    minisign -G -W -p v.pub -s v.key >/dev/null
    A trust v.pub --duty update >/dev/null
    mkdir disc
    echo right >disc/a.bin
    printf '{"format": "gapferry-update/1", "product": "demo", "channel": "stable", "platform": "any",
 "version": "1.0", "serial": 1, "issued": "2026-01-02T03:04:05Z", "expires": "2100-01-02T03:04:05Z",
 "artifacts": [{"name": "a.bin", "size": 6, "sha256": "%s", "blake2b": "%s"}]}\n' \
        "$(sha256sum disc/a.bin | cut -d' ' -f1)" "$(b2sum -l 256 disc/a.bin | cut -d' ' -f1)" >disc/demo.json
    gives 66 A updates verify disc/demo.json
    says 'demo.json: holds no signature, and beside it there is no demo.json.minisig'
    minisign -S -s v.key -m disc/demo.json >/dev/null
    echo wrong >disc/a.bin
    gives 65 A updates import disc
    says 'demo 1.0 (serial 1): its artifact is missing'
    A doctor >.out || true
    grep -q 'manifests and artifacts that cannot be used: 1' .out
    grep -q 'updates list has the reasons' .out
    echo right >disc/a.bin
    gives 0 A updates import disc
    says 'its artifact is here'
    A doctor >.out || true
    absent grep -q 'cannot be used' .out
}

@test "a body that is JSON and no object is not called no JSON; a site without a relay's url has no relay named nothing" {
    site_init
    gives 65 A record metrics - <<<'[1]'
    says 'the body is no JSON object; on a channel with a rule (allow) it must be one'
    gives 0 "$BIN/gapferry-link" --root site probe
    says 'no relay: unprobed since' 'agent.conf has no [relay] with a url'
    [[ $out != *'relay ""'* ]]
}

@test "whom a person trusts, and for what, stands in the history with the user" {
    site_init
    R init >/dev/null
    R sync usb >/dev/null 2>&1
    gives 0 A trust usb/GAPFERRY/cards/*.card --fingerprint "$(R card --fingerprint)"
    minisign -G -W -p acme.pub -s acme.key >/dev/null
    gives 0 A trust acme.pub --duty license,update
    A history --json >events
    [ "$(jq -r '.events[] | select(.role == "relay") | .event + " by " + .by' events)" = \
        "trusted by its fingerprint" ]
    [ "$(jq -r '.events[] | select(.role == "relay") | .fingerprint' events)" = "$(R card --fingerprint)" ]
    [ "$(jq -r '.events[] | select(.role == "vendor") | .vendor + ": " + .duties + " (" + .user + ")"' events)" = \
        "acme: license, update ($(id -un))" ]
    # Said again, it is no news.
    known=$(jq '.events | length' events)
    A trust usb/GAPFERRY/cards/*.card --fingerprint "$(R card --fingerprint)" >/dev/null
    [ "$(A history --json | jq '.events | length')" = "$known" ]
    gives 0 A history verify
}
