#!/usr/bin/env bats
# shellcheck disable=SC2034,SC2154 # trip.bash reads SITE, and sets out and err
# updates.bats -- updates as sites and vendors use them: manifests are signed by minisign, the
# relay's answers are packed by hand with gapferry-bundle, or a vendor hands over a disc.

bats_require_minimum_version 1.5.0

load trip.bash

B=$BIN/gapferry-bundle

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    "$B" keygen --role relay --name relay-1 k/relay >/dev/null
    minisign -G -W -p vendor.pub -s vendor.key >/dev/null
    minisign -G -W -p stranger.pub -s stranger.key >/dev/null
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    cp -r "$BATS_FILE_TMPDIR"/{k,vendor.pub,vendor.key,stranger.pub,stranger.key} .
    mkdir usb
    A init --name site-a >/dev/null
    A trust k/relay/card --fingerprint "$("$B" card --fingerprint k/relay)" >/dev/null
    A trust vendor.pub --duty update >/dev/null
    echo "the new tool" >tool-1.3.tar
    echo "what is new" >NOTES
}

now() { date -u -d "${1:-now}" +%Y-%m-%dT%H:%M:%SZ; }

# json SERIAL FILE...: a manifest of version 1.SERIAL, by standard tools alone. ISSUED, EXPIRES,
# PRODUCT, PLATFORM say what is unusual.
json() {
    local serial=$1 file
    shift
    for file; do
        jq -n --arg name "${file##*/}" --argjson size "$(stat -c %s "$file")" \
            --arg sha256 "$(sha256sum <"$file" | cut -d' ' -f1)" \
            --arg blake2b "$(b2sum -l 256 <"$file" | cut -d' ' -f1)" '$ARGS.named'
    done | jq -s --argjson serial "$serial" --arg product "${PRODUCT:-demo}" --arg platform "${PLATFORM:-any}" \
        --arg issued "$(now "${ISSUED:-yesterday}")" --arg expires "$(now "${EXPIRES:-next year}")" \
        '{format: "gapferry-update/1", product: $product, channel: "stable", platform: $platform,
          version: "1.\($serial)", serial: $serial, issued: $issued, expires: $expires, artifacts: .}'
}

# signed OUT SERIAL FILE...: the manifest and its signature in one file. KEY is whose.
signed() {
    local out=$1
    shift
    json "$@" >"$out.json"
    rm -f "$out.json.minisig"
    minisign -S -s "${KEY:-vendor.key}" -m "$out.json" >/dev/null
    cat "$out.json" "$out.json.minisig" >"$out"
}

# response BODY FILE...: what is queued leaves, and each check of it is answered with BODY; the
# response brings the further files.
response() {
    local body=$1 bundle
    shift
    rm -rf got
    A sync usb >/dev/null
    mkdir got
    for bundle in usb/GAPFERRY/to-relay/*.gfb; do
        rm -rf got/one
        "$B" unpack -i k/relay -f "$STATE/keys/card" -C got/one "$bundle" >/dev/null
        cp got/one/contents.json got/
        if [ -e got/one/records.jsonl ]; then cat got/one/records.jsonl >>got/records.jsonl; fi
    done
    jq -c --rawfile body "$body" 'select(.answer) | {record: .id, status: 200, headers: {}, body: $body}' \
        got/records.jsonl >answers.jsonl
    while read -r line; do
        jq -nc --arg id "$(jq -r .id <<<"$line")" --arg at "$(now)" \
            --arg digest "$(jq -j .body <<<"$line" | b2sum -l 256 | cut -d' ' -f1)" \
            '{record: $id, digest: $digest, state: "delivered", reason: null, guarantee: "effectively-once", at: $at}'
    done <got/records.jsonl >receipts.jsonl
    mkdir -p usb/GAPFERRY/to-site
    "$B" pack -i k/relay -t "$STATE/keys/card" -k response --receipts receipts.jsonl \
        --answers answers.jsonl -o "usb/GAPFERRY/to-site/$(openssl rand -hex 16).gfb" "$@" >/dev/null
    rm usb/GAPFERRY/to-relay/*.gfb
    # 75: an answer cannot be used, a person is needed.
    A sync usb >synced 2>logged || [ $? -eq 75 ]
}

# ask and answer: check, and the trip. ANSWER FILE...
trip() {
    A updates check --product demo >/dev/null
    response "$@"
}

@test "a manifest signed by minisign and its artifacts come back with the trip" {
    gives 0 A updates check --product demo --version 1.2 --platform linux-x86-64 --feature reports
    signed m 3 tool-1.3.tar NOTES
    response m tool-1.3.tar NOTES
    # What left says what the design says, and no more.
    jq -e '.channel == "updates" and .answer and .type == "application/vnd.gapferry.update-check+json"' got/records.jsonl
    jq -e '.body | fromjson == {format: "gapferry-update-check/1", product: "demo", version: "1.2",
        platform: "linux-x86-64", channel: null, features: ["reports"], license: null, ext: {}}' got/records.jsonl
    gives 0 A status
    says 'update     demo 1.3: here, to be installed'
    gives 0 A updates list
    says 'demo 1.3 (serial 3, stable, any)' 'here       tool-1.3.tar, 13 bytes' 'here       NOTES'
    [ "$(fact '.updates[0] | "\(.serial) \(.missing) \(.ended) \(.artifacts | length)"' A updates list)" = "3 0 false 2" ]
    mkdir install
    gives 66 A updates fetch tool-1.3.tar no/where
    says 'no/where: there is no' 'mkdir -p no/where'
    gives 0 A updates fetch tool-1.3.tar install
    cmp tool-1.3.tar install/tool-1.3.tar
    gives 73 A updates fetch tool-1.3.tar install
    says 'exists already'
    rm -r install && mkdir install
    gives 0 A updates fetch --all install
    cmp NOTES install/NOTES && cmp m install/demo-1.3.update
    # What was handed out verifies anywhere.
    gives 0 A updates verify install/demo-1.3.update
    says 'tool-1.3.tar: good' 'NOTES: good'
}

@test "the result of an installation travels back" {
    signed m 3 tool-1.3.tar
    trip m tool-1.3.tar
    gives 0 A updates report demo 1.3 failed --note "disk too small"
    response m
    jq -es 'map(select(.type == "application/vnd.gapferry.update-report+json")) | length == 1 and
        (.[0].answer | not) and (.[0].body | fromjson | .result == "failed" and .serial == 3 and
        .version == "1.3" and .note == "disk too small")' got/records.jsonl
    gives 0 A status
    says 'update     demo 1.3: its installation failed'
    gives 0 A updates report demo 1.3 installed
    [ "$(fact '.updates[0].state' A status)" = installed ]
    gives 0 A updates list
    says 'installed  reported on'
    # One column, whatever word stands in it.
    [ "$(grep -oE '^  [a-z]+ +' <<<"$out" | awk '{ print length }' | sort | uniq -c | awk '{ print ($1 > 1) }')" = 1 ] || fail "$out"
    # The next check says what runs here now.
    A updates check --product demo >/dev/null
    response m
    [ "$(jq -rs 'map(select(.answer)) | last | .body | fromjson | .version' got/records.jsonl)" = 1.3 ]
    gives 64 A updates report demo 1.3 perhaps
    says 'must be installed or failed'
    gives 64 A updates report demo '1 3' installed
}

# refuses_manifest WORDS CODE: the answer cannot be used; the agent says so, keeps it, and goes on
# with what it had.
refuses_manifest() {
    trip bad
    grep -q 'event=answer-unusable' logged
    [ "$(fact '.problems[0].code' A updates list)" = "$2" ]
    gives 0 A updates list
    says "PROBLEM with demo" "$1"
    gives 0 A status
    says 'update     PROBLEM with demo: '
    [ "$(fact '[.updates[].serial] | join(" ")' A updates list)" = 5 ]
    [ "$(fact '.checks | last | .reason | length > 0' A updates list)" = true ]
    find "$STATE/refused" -name '*.update' | grep -q .
}

@test "rollback, conflict, stranger, other product and platform are refused and told" {
    signed m 5 tool-1.3.tar
    trip m tool-1.3.tar
    signed bad 4
    refuses_manifest 'is older than one that came before' rollback
    signed bad 5 NOTES
    refuses_manifest 'the same serial 5 and other content' conflict
    KEY=stranger.key signed bad 6
    refuses_manifest 'not signed by the vendor key' signature
    A trust stranger.pub --duty license >/dev/null
    refuses_manifest 'not signed by the vendor key' signature
    PRODUCT=other signed bad 6
    refuses_manifest 'is of product other, and demo was asked for' not-for-us
    PLATFORM=windows signed bad 6
    refuses_manifest 'is of demo for windows' not-for-us
    signed bad 6 && sed -i 's/"serial": 6/"serial": 7/' bad
    refuses_manifest 'not signed by the vendor key' signature
    json 6 >unsigned.json && printf 'no signature\n' >bad
    refuses_manifest 'manifest' document
    # Something newer and right ends the worry.
    signed m 6 tool-1.3.tar
    trip m
    [ "$(fact '.problems | length' A updates list)" = 0 ]
    # The very same file needed no second trip.
    [ "$(fact '.updates[0].missing' A updates list)" = 0 ]
}

@test "a wrong artifact is not installed, is told, and is asked for again" {
    signed m 3 tool-1.3.tar NOTES
    mkdir wrong && echo "the bad tool" >wrong/tool-1.3.tar
    trip m wrong/tool-1.3.tar NOTES
    gives 0 A updates list
    says 'missing    tool-1.3.tar' 'here       NOTES' 'is not what the manifest with serial 3 names'
    mkdir install
    gives 66 A updates fetch tool-1.3.tar install
    says 'tool-1.3.tar: is not here yet'
    # Endless data: longer than said.
    head -c 100000 /dev/zero >wrong/tool-1.3.tar
    trip m wrong/tool-1.3.tar
    gives 0 A updates list
    says 'is longer than its manifest says (100000 bytes, not 13)'
    # Mix-and-match: the artifact of another manifest.
    echo "the old tool" >wrong/tool-1.3.tar
    trip m wrong/tool-1.3.tar
    [ "$(fact '.updates[0].missing' A updates list)" = 1 ]
    # The next request says what is missed.
    trip m
    [ "$(jq -r '.want[0].digest' got/contents.json)" = "$(b2sum -l 256 <tool-1.3.tar | cut -d' ' -f1)" ]
    trip m tool-1.3.tar
    [ "$(fact '"\(.updates[0].missing) \(.problems | length)"' A updates list)" = "0 0" ]
}

@test "a manifest that has ended is known, told, and used only when asked twice" {
    ISSUED='2 years ago' EXPIRES=yesterday signed m 3 tool-1.3.tar
    trip m tool-1.3.tar
    gives 0 A updates list
    says 'ended      on' 'ask again'
    mkdir install
    gives 83 A updates fetch tool-1.3.tar install
    says 'its manifest ended on' '--expired'
    [ -z "$(ls install)" ]
    gives 0 A updates fetch --expired tool-1.3.tar install
    cmp tool-1.3.tar install/tool-1.3.tar
    gives 83 A updates verify m tool-1.3.tar
    gives 0 A updates verify --expired -m m tool-1.3.tar
}

@test "a vendor's disc is imported without any trip" {
    mkdir disc
    cp tool-1.3.tar NOTES disc
    (cd disc && json 3 tool-1.3.tar NOTES >demo.json) && minisign -S -s vendor.key -m disc/demo.json >/dev/null
    gives 0 A updates verify disc/demo.json
    says 'disc/demo.json: good' 'tool-1.3.tar: good' 'NOTES: good'
    mv disc/NOTES .
    gives 75 A updates import disc
    says '1 of 2 artifacts are missing'
    cp NOTES disc
    gives 0 A updates import disc/demo.json
    says 'all 2 artifacts are here'
    mkdir install
    gives 0 A updates fetch --all install
    # Older than what is known.
    rm -r disc && mkdir disc && signed disc/old.update 2
    rm disc/old.update.json*
    gives 82 A updates import disc
    says 'is older than one that came before'
    gives 82 A updates verify disc/old.update
    # A changed artifact, a changed manifest, nobody's manifest.
    mkdir new && echo good >new/x && signed new.update 4 new/x && echo evil >new/x && mv new.update new
    gives 65 A updates import new
    says 'is not what its manifest names'
    sed -i 's/"serial": 4/"serial": 9/' new/new.update
    gives 80 A updates import new
    KEY=stranger.key signed new/new.update 5
    rm new/new.update.json*
    gives 80 A updates import new
    gives 66 A updates import install/nothing
    mkdir empty
    gives 66 A updates import empty
    says 'there is no update manifest'
}

@test "root imports a disc that only root may read, and fetches to where only root may write" {
    [ "$(id -u)" = 0 ] || skip "only root can become somebody else: no disc of root's was imported"
    mkdir -m 700 disc
    cp tool-1.3.tar NOTES disc
    (cd disc && json 3 tool-1.3.tar NOTES >demo.json) && minisign -S -s vendor.key -m disc/demo.json >/dev/null
    # Where the other user may go.
    local dir agent
    dir=$(mktemp -d /tmp/gapferry-updates.XXXXXX)
    cp -r site disc "$BIN/gapferry-agent" "$dir"
    chmod 755 "$dir"
    chown -R 65534:65534 "$dir/site/var/lib/gapferry/agent"
    agent=("$dir/gapferry-agent" --root "$dir/site")
    gives 0 "${agent[@]}" updates verify "$dir/disc/demo.json"
    gives 0 "${agent[@]}" updates import "$dir/disc"
    mkdir -m 700 "$dir/install"
    gives 0 "${agent[@]}" updates fetch --all "$dir/install"
    cmp tool-1.3.tar "$dir/install/tool-1.3.tar"
    [ -s "$dir/install/demo-1.3.update" ]
    [ "$(find "$dir/install" -name '.*' | wc -l)" = 0 ]
    [ -z "$(find "$dir/site/var/lib/gapferry/agent" ! -user 65534)" ]
    rm -r "$dir"
}

@test "links, pipes and directories on a disc are not followed" {
    mkdir disc && cp tool-1.3.tar disc
    signed disc/demo.update 3 disc/tool-1.3.tar
    rm disc/demo.update.json* disc/tool-1.3.tar
    echo "the new tool" >outside
    ln -s ../outside disc/tool-1.3.tar
    gives 66 timeout 20 "$BIN/gapferry-agent" --root site updates verify disc/demo.update
    rm disc/tool-1.3.tar && mkfifo disc/tool-1.3.tar
    gives 66 timeout 20 "$BIN/gapferry-agent" --root site updates verify disc/demo.update
    says 'is no regular file'
    gives 66 timeout 20 "$BIN/gapferry-agent" --root site updates import disc
    [ "$(fact '.updates[0].missing' A updates list)" = 1 ]
}

@test "what is kept is found damaged, and asked for again" {
    signed m 3 tool-1.3.tar
    trip m tool-1.3.tar
    gives 0 A updates verify
    says 'tool-1.3.tar: good'
    echo "the Bad tool" >"$STATE/updates/demo/stable/any/3/tool-1.3.tar"
    mkdir install
    gives 65 A updates fetch tool-1.3.tar install
    [ -z "$(ls -A install)" ]
    gives 65 A updates verify
    says 'is not what its manifest names'
    [ "$(fact '.updates[0].missing' A updates list)" = 1 ]
    trip m tool-1.3.tar
    gives 0 A updates fetch tool-1.3.tar install
}

@test "without a vendor, a product or sense nothing is asked or believed" {
    SITE=bare
    A init --name bare >/dev/null
    gives 0 A updates check --product demo
    says 'no vendor is trusted with updates yet'
    signed m 3
    gives 77 A updates verify m
    says 'trust VENDOR.pub --duty update'
    gives 64 A updates check
    says '--product PRODUCT is needed'
    gives 64 A updates check --product 'De mo'
    gives 64 A updates check --product demo --note x
    says 'updates check: takes no --note'
    gives 64 A updates
    gives 64 A updates install
    gives 0 A updates list
    says 'no update is known'
}

@test "the rule of the channel acts on checks, too" {
    printf '[channel "updates"]\nallow = format,product,version,platform\nproduct = demo\n' >>site/etc/gapferry/agent.conf
    gives 0 A updates check
    says 'dropped by the rule of channel updates' 'features'
    A sync usb >/dev/null
    "$B" unpack -i k/relay -f "$STATE/keys/card" -C got usb/GAPFERRY/to-relay/*.gfb >/dev/null
    [ "$(jq -r '.body | fromjson | keys | join(" ")' got/records.jsonl)" = "format platform product version" ]
}
