#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2034 # trip.bash sets out, err and URL
# newcomer.bats -- what somebody stumbles over who has never done this, and what the programs then
# say.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p usb
}

teardown() {
    vendor_stop
}

@test "a relay without an endpoint says so when it is made, checked and synced" {
    gives 0 R init
    says 'Until a channel has an endpoint'
    gives 0 R config check
    says 'there is no [endpoint "NAME"] in it'
    gives 0 R sync usb
    says 'there is no [endpoint "NAME"]'
    printf '[endpoint "e"]\nchannel = metrics\nurl = https://example.com/\n' \
        >>relay/etc/gapferry/relay.conf
    gives 0 R config check
    [[ $err != *endpoint* ]]
    gives 0 R sync usb
    [[ $out != *endpoint* ]]
}
