#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2153,SC2154 # trip.bash reads SITE and sets out, err and URL
# relay_updates.bats -- updates by way of the relay: manifests that minisign has signed lie in a
# vendor's repository, the relay verifies and carries them, and the artifacts, part by part.

bats_require_minimum_version 1.5.0

load trip.bash

B=$BIN/gapferry-bundle

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    minisign -G -W -p release.pub -s release.key >/dev/null
    minisign -G -W -p stranger.pub -s stranger.key >/dev/null
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp "$BATS_FILE_TMPDIR"/*.{pub,key} .
    mkdir -p usb repo/demo/stable new
    echo "the new tool" >new/tool-1.3.tar
    echo "what is new" >new/NOTES
    vendor_start --files repo
    site_init
    R init --name relay >/dev/null
    repository
    acquaint
    A trust release.pub --duty update >/dev/null
}

teardown() {
    vendor_stop KILL
}

# repository [LINE]...: the endpoint, with further lines.
repository() {
    cat >relay/etc/gapferry/relay.conf <<CONF
[relay]
response_max = 1M
[vendor "acme"]
update = $PWD/release.pub
[endpoint "repo"]
channel = updates
profile = updates
url = $URL/files/
timeout = 3s
refresh = 0
[endpoint "reports"]
channel = updates
type = application/vnd.gapferry.update-report+json
url = $URL/usage
timeout = 3s
CONF
    mkdir -p relay/etc/gapferry/relay.conf.d
    printf '%s\n' "$@" >relay/etc/gapferry/relay.conf.d/more.conf
}

now() { date -u -d "${1:-now}" +%Y-%m-%dT%H:%M:%SZ; }

# publish SERIAL FILE...: version 1.SERIAL, its artifacts and its signature. KEY, PLATFORM, EXPIRES
# say what is unusual.
publish() {
    local serial=$1 file at=repo/demo/stable/${PLATFORM:-any}.json
    shift
    for file; do
        cp "$file" repo/demo/stable/
        jq -n --arg name "${file##*/}" --argjson size "$(stat -c %s "$file")" \
            --arg sha256 "$(sha256sum <"$file" | cut -d' ' -f1)" \
            --arg blake2b "$(b2sum -l 256 <"$file" | cut -d' ' -f1)" '$ARGS.named'
    done | jq -s --argjson serial "$serial" --arg platform "${PLATFORM:-any}" \
        --arg issued "$(now "${ISSUED:-yesterday}")" --arg expires "$(now "${EXPIRES:-next year}")" \
        '{format: "gapferry-update/1", product: "demo", channel: "stable", platform: $platform,
          version: "1.\($serial)", serial: $serial, issued: $issued, expires: $expires, artifacts: .}' >"$at"
    rm -f "$at.minisig"
    minisign -S -s "${KEY:-release.key}" -m "$at" >/dev/null
}

ask() { A updates check --product demo "$@" >/dev/null; }

# relay STATUS: the relay's side of the trip.
relay() { gives "$1" R sync usb; }

trip() { ask "$@" && home && relay 0 && home; }

# served PATTERN: how often the vendor has served it, whatever the status.
served() { grep -cE "^/files/demo/stable/$1 " v/files.log || true; }

missing() { fact '.updates[0].missing' A updates list; }

@test "a check, the manifest, its artifacts, and the way back of the result" {
    publish 3 new/tool-1.3.tar new/NOTES
    trip --version 1.2
    gives 0 A updates list
    says 'demo 1.3 (serial 3, stable, any)' 'here      tool-1.3.tar, 13 bytes' 'here      NOTES'
    mkdir install
    gives 0 A updates fetch --all install
    cmp new/tool-1.3.tar install/tool-1.3.tar
    A updates report demo 1.3 installed >/dev/null
    home && relay 0 && home
    [ "$(tally '[.effects[].path] | join(" ")')" = /usage ]
    grep -q 'gapferry-update-report/1' v/tally.jsonl
    # Who has it already hears so, and gets nothing twice.
    trip
    [ "$(state)" = "delivered 3" ]
    [ "$(served tool-1.3.tar)" = 1 ]
    [ "$(missing)" = 0 ]
}
