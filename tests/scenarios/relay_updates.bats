#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2153,SC2154 # trip.bash reads SITE and sets out, err and URL
# relay_updates.bats -- updates by way of the relay: manifests that minisign has signed lie in a
# vendor's repository, the relay verifies and carries them, and the artifacts, part by part.

bats_require_minimum_version 1.5.0

load trip.bash
load repo.bash

B=$BIN/gapferry-bundle

setup_file() { repo_keys_once; }

setup() {
    repo_begin
    echo "the new tool" >new/tool-1.3.tar
    vendor_start --files repo
    site_init
    R init --name relay >/dev/null
    repository >relay/etc/gapferry/relay.conf
    acquaint
    A trust release.pub --duty update >/dev/null
}

teardown() {
    vendor_stop KILL
    if mountpoint -q m; then umount -l m; fi
}

ask() { A updates check --product demo "$@" >/dev/null; }

# relay STATUS: the relay's side of the trip.
relay() { gives "$1" R sync usb; }

trip() { ask "$@" && home && relay 0 && home; }

@test "a check, the manifest, its artifacts, and the way back of the result" {
    publish 3 new/tool-1.3.tar new/NOTES
    trip --version 1.2
    gives 0 A updates list
    says 'demo 1.3 (serial 3, stable, any)' 'here       tool-1.3.tar, 13 bytes' 'here       NOTES'
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

@test "an artifact travels in parts, and what a lost drive held is carried again" {
    local bundle
    head -c 3000000 /dev/urandom >new/image.bin
    publish 3 new/image.bin
    ask && home && relay 0
    # News, and four parts, none of them larger than a response may be.
    [ "$(bundles to-site)" = 5 ]
    [ "$(find usb/GAPFERRY/to-site -size +1024k | wc -l)" = 0 ]
    # Two of them are lost on the way.
    mkdir away
    for bundle in $(find usb/GAPFERRY/to-site -size +600k | head -2); do mv "$bundle" away/; done
    home
    [ "$(missing)" = 1 ]
    [ "$(find "$STATE/updates/parts" -type f | wc -l)" = 2 ]
    relay 0
    # The same bytes as before, and nothing else.
    [ "$(bundles to-site)" = 2 ]
    for bundle in away/*.gfb; do cmp "$bundle" "usb/GAPFERRY/to-site/${bundle##*/}"; done
    home
    [ "$(missing)" = 0 ]
    mkdir install
    gives 0 A updates fetch image.bin install
    cmp new/image.bin install/image.bin
    [ "$(served image.bin)" = 1 ]
    # What is damaged at the site is asked for, and sent again, without another visit to the vendor.
    truncate -s 5 "$STATE/updates/demo/stable/any/3/image.bin"
    gives 65 A updates verify
    [ "$(missing)" = 1 ]
    trip
    [ "$(missing)" = 0 ]
    [ "$(served image.bin)" = 1 ]
}

# refused WORDS: the relay uses nothing of what the vendor has now, and says why; the site keeps 5.
refused() {
    ask && home && relay 75
    says "$1" 'for another try'
    home
    [ "$(fact '[.updates[].serial] | join(" ")' A updates list)" = 5 ]
    [ "$(fact '.problems | length' A updates list)" = 0 ]
}

@test "a manifest that is not what it should be reaches no agent" {
    publish 5 new/tool-1.3.tar
    trip
    publish 4
    refused 'it has serial 4, and 5 was seen there'
    publish 5 new/NOTES
    refused 'the same serial 5 and other content'
    KEY=stranger.key publish 6
    refused 'not signed by the vendor key'
    publish 6 && sed -i 's/"serial": 6/"serial": 7/' repo/demo/stable/any.json
    refused 'not signed by the vendor key'
    publish 6 && rm repo/demo/stable/any.json.minisig
    refused 'its signature, of the same name and .minisig, is not there'
    publish 6 && PLATFORM=windows publish 7 && mv repo/demo/stable/windows.json repo/demo/stable/any.json
    mv repo/demo/stable/windows.json.minisig repo/demo/stable/any.json.minisig
    refused 'it is the manifest of demo, channel stable, platform windows'
    publish 6 && head -c 2000000 /dev/zero >>repo/demo/stable/any.json
    refused 'longer than any manifest may be'
    # Once the vendor has mended it all that waited gets it.
    publish 8 new/tool-1.3.tar
    gives 0 R records release
    relay 0
    home
    [ "$(fact '.updates[0].serial' A updates list)" = 8 ]
    [ "$(state)" = "delivered 8" ]
}

# fails WORDS: the artifact cannot be had, and the relay says why; nothing of it reaches the site.
fails() {
    gives 75 R sync usb
    says "$1" 'it is tried again' '1 artifact to be fetched'
    home
    [ "$(missing)" = 1 ]
}

@test "an artifact that is not what its manifest says reaches no agent" {
    head -c 300000 /dev/urandom >new/tool.bin
    publish 3 new/tool.bin
    rm repo/demo/stable/tool.bin
    ask && home
    fails 'HTTP 404'
    gives 0 R status
    says 'tool.bin of demo/stable, 300000 bytes, to be fetched from endpoint "repo": HTTP 404'
    [ "$(fact '.artifacts[0] | "\(.name) \(.bytes)"' R status)" = "tool.bin 300000" ]
    says 'next         see what keeps back what waits (above)'
    # Until when it waits.
    sqlite3 "$RSTATE/relay.db" 'UPDATE update_artifact SET due = 4000000000'
    gives 0 R status
    says 'HTTP 404: without words; tried again from 2096-10-02T07:06:40Z'
    [ "$(fact '.artifacts[0].due' R status)" = 2096-10-02T07:06:40Z ]
    head -c 300000 /dev/zero >repo/demo/stable/tool.bin
    fails 'is not what its manifest names'
    head -c 299999 new/tool.bin >repo/demo/stable/tool.bin
    fails 'shorter than the 300000 bytes that its manifest says'
    (cat new/tool.bin && echo more) >repo/demo/stable/tool.bin
    fails 'longer than the 300000 bytes that its manifest says'
    cp new/tool.bin repo/demo/stable/tool.bin
    vendor_script '1 endless /files/demo/stable/tool.bin'
    fails 'longer than the 300000 bytes'
    vendor_script '1 redirect /files/demo/stable/tool.bin'
    fails 'HTTP 302'
    [ "$(served elsewhere)" = 0 ]
    [ "$(find "$RSTATE/artifacts" -type f -size +0 | wc -l)" = 0 ]
    relay 0
    home
    [ "$(missing)" = 0 ]
}

@test "a download that breaks off goes on where it ended" {
    head -c 900000 /dev/urandom >new/tool.bin
    publish 3 new/tool.bin
    ask && home
    vendor_script '1 half /files/demo/stable/tool.bin'
    fails 'broken'
    relay 0
    grep -qE '^/files/demo/stable/tool.bin 206 450000$' v/files.log
    home
    [ "$(missing)" = 0 ]
    # Another file lies there meanwhile: all of it is fetched, and nothing is mixed.
    head -c 900000 /dev/urandom >new/next.bin
    publish 4 new/next.bin
    ask && home
    vendor_script '1 half /files/demo/stable/next.bin'
    fails 'broken'
    cp new/next.bin repo/demo/stable/other && mv repo/demo/stable/other repo/demo/stable/next.bin
    relay 0
    [ "$(served 'next.bin 200')" = 2 ]
    home
    [ "$(missing)" = 0 ]
    # A server that knows no ranges.
    head -c 900000 /dev/urandom >new/last.bin
    publish 5 new/last.bin
    ask && home
    vendor_script '1 half /files/demo/stable/last.bin' '1 no-range /files/demo/stable/last.bin'
    fails 'broken'
    relay 0
    home
    [ "$(missing)" = 0 ]
    # What no manifest names any more is gone.
    trip && relay 0
    [ "$(find "$RSTATE/artifacts" -type f | wc -l)" = 1 ]
}

@test "twenty agents cost one fetch, and a manifest that is old enough one question" {
    local i sites=()
    sed -i 's/^refresh = 0$/refresh = 1h/' relay/etc/gapferry/relay.conf
    publish 3 new/tool-1.3.tar
    for i in $(seq 20); do
        SITE=s$i
        A init --name "$SITE" >/dev/null
        acquaint
        ask
        home
    done
    relay 0
    says '20 records delivered'
    [ "$(served any.json)" = 1 ]
    [ "$(served any.json.minisig)" = 1 ]
    [ "$(served tool-1.3.tar)" = 1 ]
    for i in 1 7 20; do
        SITE=s$i
        A trust release.pub --duty update >/dev/null
        home
        [ "$(missing)" = 0 ]
    done
    # Nobody is named to the vendor, and it is asked only whether there is something newer.
    sed -i 's/^refresh = 1h$/refresh = 0/' relay/etc/gapferry/relay.conf
    trip
    [ "$(served 'any.json 304')" = 1 ]
    [ "$(served any.json.minisig)" = 1 ]
}

@test "a vendor that is dead, or has nothing: later, held, rejected" {
    vendor_stop
    ask && home && relay 75
    says 'to be tried again' 'refused'
    home
    [ "$(state)" = "relayed 1" ]
    vendor_start --files repo
    relay 75
    says 'nor was any other ever found there: is url right?' 'held'
    publish 3 new/tool-1.3.tar
    gives 0 R records release
    relay 0
    home
    [ "$(state)" = "delivered 1" ]
    # From a repository that is known to be one this is the vendor's last word.
    A updates check --product other >/dev/null
    home && relay 0
    home
    [ "$(state)" = "delivered 1, rejected 1" ]
    gives 0 A status
    says 'has no manifest of other'
    # A version that runs already is nothing new.
    SITE=second
    A init --name second >/dev/null
    acquaint
    A trust release.pub --duty update >/dev/null
    trip --version 1.3
    [ "$(state)" = "delivered 1" ]
    gives 0 A updates list
    says 'no update is known'
}

@test "a platform's own manifest is preferred to that for any" {
    publish 3 new/tool-1.3.tar
    PLATFORM=riscv publish 9 new/NOTES
    trip --platform riscv
    [ "$(fact '[.updates[] | "\(.serial) \(.platform)"] | join(", ")' A updates list)" = "9 riscv" ]
    trip --platform sparc
    [ "$(fact '[.updates[].serial] | join(" ")' A updates list)" = "3 9" ]
    # What only one record may lead to: nowhere but below the address of the section.
    gives 64 A updates check --product ../../etc
}

@test "a manifest that has ended is shown to the site, and nothing is fetched of it" {
    ISSUED='2 years ago' EXPIRES=yesterday publish 3 new/tool-1.3.tar
    trip
    gives 0 A updates list
    says 'ended      on'
    [ "$(served tool-1.3.tar)" = 0 ]
}

@test "what is too large is not fetched; a report without an endpoint of its own is held" {
    mkdir -p relay/etc/gapferry/relay.conf.d
    printf '[endpoint "repo"]\nartifact_max = 12\n' >relay/etc/gapferry/relay.conf.d/more.conf
    publish 3 new/tool-1.3.tar new/NOTES
    ask && home && relay 0
    says 'event=update-artifact-too-large' 'name=tool-1.3.tar'
    home
    [ "$(missing)" = 1 ]
    [ "$(served tool-1.3.tar)" = 0 ]
    sed -i '/^\[endpoint "reports"\]/,$d' relay/etc/gapferry/relay.conf
    A updates report demo 1.3 failed >/dev/null
    home && relay 75
    says 'profile updates takes checks only; add an endpoint of this channel with type ='
    # A configuration that cannot work is told before anything goes anywhere.
    sed -i '/^\[vendor/,/^update = /d' relay/etc/gapferry/relay.conf
    gives 78 R config check
    says 'no vendor is trusted with updates'
    sed -i 's|^url = .*files/$|url = https://vendor.example/updates|' relay/etc/gapferry/relay.conf
    gives 78 R config check
    says 'ends with /'
    sed -i 's/^response_max = .*/response_max = 2G/' relay/etc/gapferry/relay.conf
    gives 78 R config check
    says 'response_max: must be from 1M to 1G'
}

@test "kill -9 at any moment of fetching and writing: the update comes whole, and once" {
    local i pid
    head -c 8000000 /dev/urandom >new/image.bin
    publish 3 new/image.bin
    ask && home
    for i in $(seq 10); do
        "$BIN/gapferry-relay" --root relay sync usb >/dev/null 2>&1 3>&- &
        pid=$!
        sleep 0.0$((RANDOM % 8 + 1))
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    R sync usb >/dev/null
    home
    [ "$(missing)" = 0 ]
    mkdir install
    gives 0 A updates fetch image.bin install
    cmp new/image.bin install/image.bin
    [ "$(state)" = "delivered 1" ]
    # Nothing is left over once it has arrived.
    relay 0
    [ "$(find "$RSTATE/outbox" "$RSTATE/work" -type f | wc -l)" = 0 ]
    [ "$(find "$RSTATE/artifacts" -type f | wc -l)" = 1 ]
}

@test "an artifact of any size costs the relay no memory" {
    command -v /usr/bin/time >/dev/null || skip 'no time(1): MEMORY WAS NOT MEASURED'
    if grep -q __asan_init "$BIN/gapferry-relay"; then skip 'the sanitizers take memory of their own'; fi
    local size
    sed -i 's/^response_max = .*/response_max = 32M/' relay/etc/gapferry/relay.conf
    for size in 20 100; do
        head -c ${size}000000 /dev/zero >new/image.bin
        publish $size new/image.bin
        ask && home
        /usr/bin/time -f %M -o memory.$size "$BIN/gapferry-relay" --root relay sync usb >/dev/null
        home
        [ "$(missing)" = 0 ]
    done
    [ "$(cat memory.100)" -le $(($(cat memory.20) + 8192)) ] || fail "$(cat memory.*) KiB"
    [ "$(cat memory.100)" -le 49152 ] || fail "$(cat memory.*) KiB"
}

@test "the daemon fetches by itself, ends in the middle of it, and goes on" {
    local pid i
    head -c 300000 /dev/urandom >new/tool.bin
    publish 3 new/tool.bin
    ask && home
    vendor_script '1 slow 60 /files/demo/stable/tool.bin'
    # The record is in the ledger, and nothing was forwarded.
    gives 75 R sync --wait 0 usb
    "$BIN/gapferry-relay" --root relay run >run.log 2>&1 3>&- &
    pid=$!
    for ((i = 0; i < 200; i++)); do
        if [ "$(fact '.artifacts | length' R status)" = 1 ]; then break; fi
        sleep 0.1
    done
    [ "$(fact '.artifacts | length' R status)" = 1 ]
    SECONDS=0
    kill -TERM "$pid"
    wait "$pid" || true
    [ "$SECONDS" -lt 15 ]
    grep -q 'the next turn goes on' run.log
    relay 0
    home
    [ "$(missing)" = 0 ]
}

@test "a drive too small for all of it brings the news first, and the rest in several trips" {
    local trips
    head -c 6000000 /dev/urandom >new/image.bin
    publish 3 new/image.bin
    mkdir m
    mount -t tmpfs -o size=4m gapferry-test m 2>/dev/null || skip "cannot mount a file system here: $BATS_TEST_DESCRIPTION was not tried"
    ask && home m
    gives 73 R sync m
    says 'the response stays here for the next drive'
    home m
    [ "$(state)" = "delivered 1" ]
    for ((trips = 1; trips < 6 && $(missing) > 0; trips++)); do
        R sync m >/dev/null 2>&1 || true
        home m
    done
    [ "$trips" -le 4 ]
    [ "$(missing)" = 0 ]
}
