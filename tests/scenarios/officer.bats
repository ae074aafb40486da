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
