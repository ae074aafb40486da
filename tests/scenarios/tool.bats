#!/usr/bin/env bats
# shellcheck disable=SC2154 # `run` sets stderr and stderr_lines
# tool.bats -- gapferry-bundle as people use it: the whole round by hand, each refusal, and that
# nothing is left behind.

bats_require_minimum_version 1.5.0

B=${GAPFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/bin}/gapferry-bundle
SOURCE=${GAPFERRY_SOURCE:-$BATS_TEST_DIRNAME/../..}

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    "$B" keygen --role agent --name site-a k/site-a
    "$B" keygen --role agent --name site-b k/site-b
    "$B" keygen --role relay --name relay-1 k/relay-1
    "$B" keygen --role reader --name officer k/officer
    printf '{"users":%d}\n' 1 2 3 >bodies.jsonl
    printf '{"unit":"\xc2\xb5s",  "n":1e2}\n' >>bodies.jsonl
    head -c 300000 /dev/urandom >big.iso
    "$B" pack --identity k/site-a --to k/relay-1/card --wrap metrics:demo --records bodies.jsonl \
        -o a.gfb big.iso
    "$B" unpack --identity k/relay-1 --from k/site-a/card a.gfb -C from-a
    local id
    id=$(head -n 1 from-a/records.jsonl | jq -r .id)
    jq -nc --arg id "$id" '{record: $id, digest: ("ab" * 32), state: "delivered", reason: null,
        guarantee: "effectively-once", at: "2026-01-02T03:04:05Z"}' >receipts.jsonl
    jq -nc --arg id "$id" '{record: $id, status: 200, headers: {"content-type": "text/plain"},
        body: "thanks"}' >answers.jsonl
    jq -nc '{bundle: ("cd" * 16), code: "expired", reason: "its time has passed",
        at: "2026-01-02T03:04:05Z"}' >refusals.jsonl
    jq -nc '{type: "time", at: "2026-01-02T03:04:05Z", data: "now"}' >notices.jsonl
}

# Each test has a directory of its own, in which the things above are to be found.
setup() {
    cd "$BATS_TEST_TMPDIR" || return
    local file
    for file in "$BATS_FILE_TMPDIR"/*; do
        ln -s "$file" .
    done
    rm from-a
}

# refused STATUS TEXT COMMAND...: it fails with this status and says this in one line on standard
# error, and nothing on standard output; no hidden file is left.
refused() {
    local status_wanted=$1 text=$2
    shift 2
    run --separate-stderr "$@"
    [ "$status" -eq "$status_wanted" ] || fail "status $status: $stderr"
    [ -z "$output" ] || fail "standard output: $output"
    [[ $stderr == "gapferry-bundle: "* ]] || fail "stderr: $stderr"
    [[ $stderr == *"$text"* ]] || fail "stderr: $stderr"
    [ "${#stderr_lines[@]}" -eq 1 ] || fail "more than one line: $stderr"
    nothing_hidden .
}

fail() {
    echo "$*" >&2
    return 1
}

nothing_hidden() {
    local found
    found=$(find "$1" -name '.gapferry*' -o -name '.identity*' -o -name '.*.part')
    [ -z "$found" ] || fail "left behind: $found"
}

PACK() {
    "$B" pack --identity k/site-a --to k/relay-1/card "$@"
}

UNPACK() {
    "$B" unpack --identity k/relay-1 --from k/site-a/card "$@"
}

# The names in a directory, in one line.
names_in() {
    find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}

# Put a byte into a file.
poke() { # FILE OFFSET CHARACTER
    printf '%s' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# ---- the round ----

@test "keygen makes five files, of which only the owner may read the secret ones" {
    "$B" keygen --role agent --name "new site" deep/er/site
    [ "$(ls deep/er/site)" = "$(printf 'card\nseal.key\nseal.pub\nsign.key\nsign.pub')" ]
    "$B" keygen --role relay slash/// | grep -q '^directory   slash$'
    [ "$(stat -c %a deep/er/site deep/er/site/s*.key deep/er/site/card | xargs)" = "700 600 600 644" ]
}

@test "keygen: agent id, expiry and json" {
    run --separate-stderr "$B" keygen --role agent --agent 0123456789abcdef0123456789abcdef \
        --expires 2099-01-01 --json x
    [ "$status" -eq 0 ]
    [ "$(jq -r '.agent + " " + .expires + " " + .role' <<<"$output")" = \
        "0123456789abcdef0123456789abcdef 2099-01-01T00:00:00Z agent" ]
    [ "$(jq -r .fingerprint <<<"$output")" = "$("$B" card --fingerprint x)" ]
}

@test "times: points, days and spans, and nothing else" {
    local span now
    now=$(date +%s)
    for span in 90s:90 15m:900 12h:43200 30d:2592000 4w:2419200 1y:31536000; do
        "$B" keygen --role relay --expires "${span%:*}" --json "x${span%:*}" |
            jq -e --argjson t $((now + ${span#*:})) '(.expires | fromdate) - $t | . >= 0 and . < 30'
    done
    [ "$("$B" keygen --role relay --expires 2096-02-29 --json y | jq -r .expires)" = 2096-02-29T00:00:00Z ]
    [ "$("$B" keygen --role relay --expires 2096-02-29T01:02:03Z --json z | jq -r .expires)" = 2096-02-29T01:02:03Z ]
    for span in 30 d 30x 30dd -1d 1.5d 2095-02-29 2096-02-29T01:02:03 2096-02-29T01:02:03+01:00 ' 30d' ''; do
        refused 64 "must be a time" "$B" keygen --role relay --expires "$span" no
    done
    [ ! -e no ]
}

@test "keygen refuses what is wrong, and never touches what exists" {
    refused 64 "--role ROLE is missing" "$B" keygen x
    refused 64 "must be agent, relay, vendor or reader" "$B" keygen --role king x
    refused 64 "only an agent has an agent id" "$B" keygen --role relay --agent 0123456789abcdef0123456789abcdef x
    refused 64 "32 lower-case hex digits" "$B" keygen --role agent --agent 12 x
    refused 64 "--name" "$B" keygen --role agent --name "$(printf 'a\nb')" x
    refused 64 "--name" "$B" keygen --role agent --name "$(printf 'a%.0s' {1..65})" x
    refused 64 "--name" "$B" keygen --role agent --name "$(printf '\xff')" x
    refused 64 "has passed already" "$B" keygen --role agent --expires 2001-01-01 x
    refused 64 "a span like 30d" "$B" keygen --role agent --expires soon x
    refused 64 "DIR is missing" "$B" keygen --role agent
    [ ! -e x ]
    local before
    before=$(md5sum k/site-a/*)
    refused 73 "k/site-a" "$B" keygen --role agent k/site-a
    [ "$(md5sum k/site-a/*)" = "$before" ]
}

@test "a card is shown, and compared with what the owner reads out" {
    local print
    print=$("$B" card --fingerprint k/relay-1)
    [[ $print =~ ^([A-Z2-7]{4}-){4}[A-Z2-7]{4}$ ]]
    [ "$("$B" card -f k/relay-1/card)" = "$print" ]
    run --separate-stderr "$B" card k/relay-1
    [ "$status" -eq 0 ]
    [[ $output == *"$print"* && $output == *relay-1* ]]
    "$B" card --check "$print" k/relay-1
    "$B" card --check "$(tr -d - <<<"${print,,}")" k/relay-1/card
    refused 77 "do not use this card" "$B" card --check "$print" k/site-a
    [ "$("$B" card --json k/relay-1 | jq -r .fingerprint)" = "$print" ]
    "$B" card --json --check "$print" k/relay-1 | jq -e .checked
}

@test "card: an ended one says so, and a fingerprint must look like one" {
    run --separate-stderr "$B" card k/site-a
    [[ $output != *ended* ]]
    "$B" card --json k/site-a | jq -e '.ended == false'
    "$B" keygen --role agent --expires 1s brief >/dev/null
    sleep 2
    run --separate-stderr "$B" card brief
    [ "$status" -eq 0 ]
    [[ $output == *"this card has ended"* ]]
    "$B" card --json brief | jq -e '.ended'
    refused 64 "must be a fingerprint" "$B" card --check ABCD k/site-a
    refused 64 "must be a fingerprint" "$B" card --check 'ABCD-EFGH-IJKL-MNOP-QRS!' k/site-a
}

@test "a key is not taken for a card, and a secret one gets a warning" {
    refused 65 "is not a card but a secret key" "$B" card k/site-a/sign.key
    refused 65 "is not a card but a secret key" "$B" card k/site-a/seal.key
    refused 65 "is not a card but a public key" "$B" card k/site-a/sign.pub
    refused 65 "is not a card but a public key" "$B" card k/site-a/seal.pub
    echo hi >tiny
    refused 65 "tiny: is not a bundle, or cut off" "$B" inspect tiny
}

@test "card: what is no card is refused" {
    refused 66 "nowhere" "$B" card nowhere
    refused 64 "CARD is missing" "$B" card
    refused 64 "one CARD at a time" "$B" card k/site-a k/site-b
    head -c 100 k/site-a/card >short
    run --separate-stderr "$B" card short
    [ "$status" -eq 65 ]
    sed 's/site-a/site-x/' k/site-a/card >changed
    refused 80 "changed" "$B" card changed
    head -c 9000 /dev/zero >huge
    refused 84 "huge" "$B" card huge
}

@test "a name on a card cannot steer the terminal" {
    # Control characters are refused; a right-to-left override is legal in JSON, but is shown escaped.
    "$B" keygen --role agent --name "$(printf 'a\u202eb')" odd
    run --separate-stderr "$B" card odd
    [[ $output == *'a\xe2\x80\xaeb'* || $output == *'\x'* ]]
    [[ $output != *"$(printf '\u202e')"* ]]
    "$B" card --json odd >shown
    grep -F 'a\u202eb' shown
    [ "$(jq -r .name shown)" = "$(printf 'a\u202eb')" ]
}

@test "bodies and a file travel to the relay, exactly" {
    UNPACK a.gfb -C out
    [ "$(ls -A out)" = "$(printf 'contents.json\nfiles\nrecords.jsonl')" ]
    cmp out/files/big.iso big.iso
    jq -rj '.body + "\n"' out/records.jsonl | cmp - bodies.jsonl
    [ "$(jq -r '.channel + ":" + .product + " " + .type + " " + .clock' out/records.jsonl | sort -u)" = \
        "metrics:demo application/json ok" ]
    [ "$(jq -r .origin out/records.jsonl | sort -u)" = "$("$B" card --json k/site-a | jq -r .agent)" ]
    [ "$(jq -r .id out/records.jsonl | sort -u | grep -cE '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-')" -eq 4 ]
    [ "$(jq -r .answer out/records.jsonl | sort -u)" = false ]
    [ "$(stat -c %a a.gfb -L)" = 644 ]
}

@test "pack prints what it wrote; --json is one object" {
    run --separate-stderr PACK -w metrics:demo -r bodies.jsonl -o x.gfb big.iso --json
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    jq -e '.kind == "request" and .seq == 1 and .prev == null and (.id | length == 32)
        and (.members | map(.member) == ["records.jsonl", "files/big.iso"])
        and .members[1].name == "big.iso" and .members[1].size == 300000
        and (.readers | length == 1) and .readers[0] == .from' <<<"$output"
    [ "$(jq .size <<<"$output")" -eq "$(stat -c %s x.gfb)" ]
    [ "$(jq -r .addressee.fingerprint <<<"$output")" = "$("$B" card -f k/relay-1)" ]
    local id
    id=$(jq -r .id <<<"$output")
    run --separate-stderr PACK -r bodies.jsonl -w metrics -o y.gfb --answer --type text/plain
    [[ $output == *"records.jsonl, "* && $output == *"$("$B" card -f k/relay-1)"* ]]
    [[ $output != *"$id"* ]]
    UNPACK y.gfb -C out
    [ "$(jq -r '[.product, .answer, .type] | tostring' out/records.jsonl | sort -u)" = \
        '[null,true,"text/plain"]' ]
}

@test "every line of inspect is marked unverified" {
    run --separate-stderr "$B" inspect a.gfb
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -gt 10 ]
    local line
    for line in "${lines[@]}"; do
        [[ $line == "unverified: "* ]] || fail "$line"
    done
    [[ $output == *"gapferry-bundle verify --from CARD a.gfb"* ]]
    "$B" inspect --json a.gfb | jq -e '.verified == false and .kind == "request"'
    # It looks at the form, at no signature.
    cp -L a.gfb forged.gfb
    local at
    at=$(grep -abo '"created":"20' forged.gfb | head -n 1 | cut -d: -f1)
    poke forged.gfb $((at + 11)) 9
    "$B" inspect forged.gfb | grep -q '^unverified: created     9'
    refused 80 "forged.gfb" "$B" verify --from k/site-a/card forged.gfb
}

@test "a suggested command can be pasted, whatever the file is called" {
    cp -L a.gfb "it's a.gfb"
    cp -L a.gfb ./-x.gfb
    "$B" inspect "it's a.gfb" | grep -qF "verify --from CARD 'it'\\''s a.gfb'"
    "$B" inspect -- -x.gfb | grep -qF 'verify --from CARD ./-x.gfb'
}

@test "verify says who made it, with public keys alone" {
    mkdir public
    cp k/site-a/card public/
    run --separate-stderr "$B" verify --from public/card a.gfb
    [ "$status" -eq 0 ]
    local line
    for line in "${lines[@]}"; do
        [[ $line == "verified: "* ]] || fail "$line"
    done
    [[ $output == *"$("$B" card -f k/site-a) agent \"site-a\""* ]]
    "$B" verify --json --from k/site-b --from k/site-a a.gfb |
        jq -e --arg f "$("$B" card -f k/site-a)" '.verified == true and .sender.fingerprint == $f'
    "$B" verify --from k/site-a --to k/relay-1/card a.gfb | grep -q 'as the addressee'
    "$B" verify --from k/site-a --to k/site-a --json a.gfb | jq -e '.as == "reader"'
    refused 81 "a.gfb" "$B" verify --from k/site-a --to k/officer a.gfb
    refused 77 "a.gfb" "$B" verify --from k/site-b a.gfb
    refused 64 "--from CARD is missing" "$B" verify a.gfb
    refused 66 "nowhere.gfb" "$B" verify --from k/site-a nowhere.gfb
    refused 66 "is a directory" "$B" verify --from k/site-a k
    refused 64 "save it to a file" "$B" verify --from k/site-a -
}

@test "standard tools open it, at the relay and at the site" {
    tar xf a.gfb
    [ "$(tar tf a.gfb | xargs)" = "bundle.json bundle.json.minisig payload.age" ]
    minisign -Vm bundle.json -p k/site-a/sign.pub
    [ "$(b2sum payload.age | cut -d' ' -f1)" = "$(jq -r .payload.blake2b bundle.json)" ]
    for who in relay-1 site-a; do
        [ "$(age -d -i k/$who/seal.key payload.age | zstd -d | tar t | xargs)" = \
            "records.jsonl files/big.iso contents.json" ]
    done
    age -d -i k/site-a/seal.key payload.age | zstd -d | tar xO files/big.iso | cmp - big.iso
    run age -d -i k/officer/seal.key payload.age
    [ "$status" -ne 0 ]
}

@test "a response carries receipts, answers, refusals and notices back" {
    "$B" pack --kind response --identity k/relay-1 --to k/site-a/card --receipts receipts.jsonl \
        --answers answers.jsonl --refusals refusals.jsonl --notices notices.jsonl -o b.gfb big.iso
    "$B" inspect b.gfb | grep -q 'kind        response'
    "$B" unpack --identity k/site-a --from k/relay-1/card b.gfb -C back
    for what in receipts answers refusals notices; do
        cmp $what.jsonl back/$what.jsonl
    done
    cmp big.iso back/files/big.iso
}

@test "the relay's own response, from standard input" {
    "$B" pack -k response -i k/relay-1 -t k/site-a --receipts - -o b.gfb <receipts.jsonl
    "$B" unpack -i k/relay-1 -f k/relay-1 b.gfb -C back | grep -q 'opened as   reader'
    cmp receipts.jsonl back/receipts.jsonl
}

# ---- pack ----

@test "finished records are checked and travel byte for byte" {
    cp -r "$BATS_FILE_TMPDIR/from-a" from-a
    PACK --records from-a/records.jsonl -o x.gfb
    UNPACK x.gfb -C out
    cmp from-a/records.jsonl out/records.jsonl
    # The same by standard input and by a pipe with a name.
    PACK --records - -o y.gfb <from-a/records.jsonl
    UNPACK y.gfb -C out2
    cmp from-a/records.jsonl out2/records.jsonl
    PACK --records <(cat from-a/records.jsonl) -o z.gfb
    UNPACK z.gfb -C out3
    cmp from-a/records.jsonl out3/records.jsonl
}

@test "a bad line is named by its number, from a file and from standard input" {
    local good
    good=$(head -n 1 "$BATS_FILE_TMPDIR/from-a/records.jsonl")
    printf '%s\n' "$good" "$good" '{"id":"x"}' >bad.jsonl
    refused 65 "bad.jsonl: line 3: " PACK --records bad.jsonl -o x.gfb
    run --separate-stderr bash -c "'$B' pack -i k/site-a -t k/relay-1 -r - -o x.gfb <bad.jsonl"
    [ "$status" -eq 65 ]
    [[ $stderr == *"standard input: line 3: "* ]]
    printf '%s\n\n%s\n' "$good" "$good" >gap.jsonl
    refused 65 "gap.jsonl: line 2: is empty" PACK --records gap.jsonl -o x.gfb
    printf '%s\n%s' "$good" "$good" >noend.jsonl
    refused 65 "noend.jsonl: line 2: the last line must end in a line feed" PACK -r noend.jsonl -o x.gfb
    refused 65 "bodies.jsonl: line 1: " PACK -r bodies.jsonl -o x.gfb
    { printf '%s\n' "$good"; head -c 1100000 /dev/zero | tr '\0' a; echo; } >long.jsonl
    refused 84 "long.jsonl: line 2" PACK -r long.jsonl -o x.gfb
    printf '%s\n' '{"n":1}' '' '{"n":2}' >bodygap.jsonl
    refused 65 "bodygap.jsonl: line 2: is empty" PACK -w metrics:demo -r bodygap.jsonl -o x.gfb
    head -c 1100000 /dev/zero | tr '\0' a >longbody.jsonl
    refused 84 "longbody.jsonl: line 1" PACK -w metrics:demo -r longbody.jsonl -o x.gfb
    [ ! -e x.gfb ]
    # Receipts are no answers.
    refused 65 "receipts.jsonl: line 1" "$B" pack -k response -i k/relay-1 -t k/site-a --answers receipts.jsonl -o x.gfb
}

@test "bodies need not be JSON, nor UTF-8, nor end in a line feed" {
    printf 'a=1 \\ "q"\r\n\xff\xfe\nlast' >odd.txt
    PACK -w metrics:demo --type text/plain -r odd.txt -o x.gfb
    UNPACK x.gfb -C out
    [ "$(jq -r '.body // .body64' out/records.jsonl | head -n 1)" = "$(printf 'a=1 \\ "q"\r')" ]
    [ "$(sed -n 2p out/records.jsonl | jq -r .body64)" = "//4=" ]
    [ "$(sed -n 3p out/records.jsonl | jq -r .body)" = last ]
}

@test "a record may refer to a file of the bundle, and only to such" {
    jq -c 'del(.body) + {file: "files/big.iso"}' "$BATS_FILE_TMPDIR/from-a/records.jsonl" | head -n 1 >ref.jsonl
    PACK -r ref.jsonl -o x.gfb big.iso
    UNPACK x.gfb -C out
    refused 65 "files/big.iso, which is not in this bundle" PACK -r ref.jsonl -o y.gfb bodies.jsonl
    refused 65 "files/big.iso, which is not in this bundle" PACK -r ref.jsonl -o y.gfb
}

@test "nothing to pack is said, whether nothing was named or nothing was in it" {
    : >empty
    refused 64 "nothing to pack" PACK -o x.gfb
    refused 66 "empty: is empty: nothing to pack" PACK -r empty -o x.gfb
    refused 66 "standard input: is empty: nothing to pack" PACK -r - -o x.gfb </dev/null
    refused 66 "empty: is empty: nothing to pack" PACK -w metrics:demo -r empty -o x.gfb
    [ ! -e x.gfb ]
    # An empty file is something, and empty lines beside it do not matter.
    PACK -r empty -o x.gfb empty
    UNPACK x.gfb -C out
    [ "$(ls out)" = "$(printf 'contents.json\nfiles')" ]
    [ -f out/files/empty ] && [ ! -s out/files/empty ]
}

@test "an existing output is refused, and --force replaces it whole" {
    echo precious >x.gfb
    refused 73 "x.gfb: exists; --force" PACK -o x.gfb big.iso
    [ "$(cat x.gfb)" = precious ]
    PACK --force -o x.gfb big.iso
    "$B" verify --from k/site-a x.gfb
    mkdir dir
    refused 73 "dir: is a directory" PACK -o dir big.iso
    refused 73 "dir: is a directory" PACK --force -o dir big.iso
    refused 73 "make the directory first" PACK -o no/such/x.gfb big.iso
    refused 64 "--output -" PACK -o - big.iso
    # What fails with --force leaves the old one alone.
    echo precious >y.gfb
    refused 65 "line 1" PACK --force -r bodies.jsonl -o y.gfb
    [ "$(cat y.gfb)" = precious ]
}

@test "--force never destroys an input, nor what is no file" {
    local before
    cp -L a.gfb in.gfb
    cp -r "$BATS_FILE_TMPDIR/k" keys
    cp "$BATS_FILE_TMPDIR/from-a/records.jsonl" in.jsonl
    ln in.gfb hard.gfb
    before=$(md5sum in.gfb in.jsonl keys/*/*)
    refused 73 "is an input too" PACK --force -o in.gfb in.gfb
    refused 73 "is an input too" PACK --force -o ./hard.gfb big.iso in.gfb
    refused 73 "is an input too" PACK --force -r in.jsonl -o in.jsonl
    run --separate-stderr bash -c "'$B' pack -i k/site-a -t k/relay-1 --force -r - -o in.jsonl <in.jsonl"
    [ "$status" -eq 73 ]
    refused 73 "is an input too" "$B" pack -i keys/site-a -t k/relay-1 --force -o keys/site-a/sign.key big.iso
    refused 73 "is an input too" "$B" pack -i k/site-a -t keys/relay-1/card --force -o keys/relay-1/card big.iso
    refused 73 "is an input too" "$B" pack -i k/site-a -t k/relay-1 --reader keys/officer --force -o keys/officer/card big.iso
    [ "$(md5sum in.gfb in.jsonl keys/*/*)" = "$before" ]
    mkfifo pipe
    ln -s in.gfb link
    refused 73 "pipe: is a pipe or device" PACK --force -o pipe big.iso
    refused 73 "link: is a link" PACK --force -o link big.iso
    [ -p pipe ] && [ -L link ]
}

@test "pack makes only what a reader accepts of this sender" {
    "$B" keygen --role vendor v
    refused 64 "add --kind response" "$B" pack -i k/relay-1 -t k/site-a -o x.gfb big.iso
    refused 64 "leave out --kind response" "$B" pack --kind response -i k/site-a -t k/relay-1 -o x.gfb big.iso
    refused 64 "v: is a vendor, which sends no bundles" "$B" pack -i v -t k/relay-1 -o x.gfb big.iso
    refused 64 "is a reader, which sends no bundles" "$B" pack -k response -i k/officer -t k/site-a -o x.gfb big.iso
    [ ! -e x.gfb ]
}

@test "an output whose directory is missing, or gone, is the output's problem" {
    refused 73 "make the directory first" UNPACK a.gfb -C no/such/place
    touch file
    refused 73 "file" "$B" keygen --role agent file/x
    refused 73 "file" PACK -o file/x.gfb big.iso
    local here=$PWD command
    for command in "keygen --role agent x" "keygen --role agent x/y" \
        "pack -i $here/k/site-a -t $here/k/relay-1 -o x.gfb $here/big.iso" \
        "unpack -i $here/k/relay-1 -f $here/k/site-a $here/a.gfb -C out"; do
        mkdir gone
        run --separate-stderr bash -c "cd gone && rmdir ../gone && '$B' $command"
        [ "$status" -eq 73 ] || fail "$command: $status $stderr"
        [[ $stderr == *"make the directory first"* ]] || fail "$stderr"
    done
}

@test "an identity that is none is refused with what to name instead" {
    mkdir empty
    local wrong
    for wrong in k/site-a/card nowhere empty; do
        refused 66 "$wrong" "$B" pack -i $wrong -t k/relay-1 -o x.gfb big.iso
        [[ $stderr == *"name the directory made by keygen" ]] || fail "$stderr"
        refused 66 "name the directory made by keygen" "$B" unpack -i $wrong -f k/site-a a.gfb -C out
    done
    if [ "$(id -u)" -eq 0 ]; then
        command -v setpriv || skip "no setpriv"
        run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
            "$B" pack -i "$BATS_FILE_TMPDIR/k/site-a" -t c -o o f
        [ "$status" -ne 126 ] && [ "$status" -ne 127 ] || skip "others may not run $B"
        [ "$status" -eq 66 ] || fail "$status $stderr"
        [[ $stderr == *"name the directory made by keygen" ]] || fail "$stderr"
    fi
}

@test "files keep their real names as data, however hostile" {
    local long newline=$'new\nline' long_utf8
    long=$(printf 'n%.0s' {1..255})
    long_utf8=$(printf 'ä%.0s' {1..127})
    mkdir in in/1 in/2
    echo dash >in/-dash
    echo newline >"in/$newline"
    echo utf8 >in/Größe.ISO
    echo long >"in/$long"
    echo long8 >"in/$long_utf8"
    echo hidden >in/...
    echo quote >"in/\"'\\"
    echo one >in/1/same
    echo two >in/2/same
    ln -s ../k in/k
    (
        cd in
        PACK --json -o ../x.gfb "$newline" Größe.ISO "$long" "$long_utf8" ... "\"'\\" 1/same 2/same -- -dash
    )
    UNPACK x.gfb -C out
    [ "$(find out/files -type f | wc -l)" -eq 9 ]
    [ "$(find out/files -type f -printf '%f\n' | grep -cE '^[a-z0-9][a-z0-9.-]{0,63}$')" -eq 9 ]
    # Each member has the content of the file whose real name stands beside it.
    local n i
    n=$(jq '.members | length' out/contents.json)
    for ((i = 0; i < n; i++)); do
        jq -j ".members[$i].name" out/contents.json >name
        printf '%s: %s' "$(cat "out/$(jq -r ".members[$i].member" out/contents.json)")" "$(cat name)"
        echo
    done >found
    grep -qx -- 'dash: -dash' found
    grep -qx 'utf8: Größe.ISO' found
    grep -qx "long: $long" found
    grep -qx "long8: $long_utf8" found
    grep -qx 'hidden: \.\.\.' found
    grep -qxF "quote: \"'\\" found
    [ "$(grep -cx 'one: same\|two: same' found)" -eq 2 ]
    grep -A 1 -x 'newline: new' found | grep -qx line
    # In text a line stays a line.
    run --separate-stderr PACK -o y.gfb -- "in/$newline"
    [ "${#lines[@]}" -eq 7 ]
    [[ $output == *'"new\x0aline"'* ]]
}

@test "inputs that cannot be packed are named before anything is written" {
    refused 66 "nowhere.iso" PACK -o x.gfb big.iso nowhere.iso
    refused 66 "k: is a directory" PACK -o x.gfb k
    mkfifo pipe
    refused 66 "pipe: is a pipe" PACK -o x.gfb pipe
    refused 64 "no file name" PACK -o x.gfb - </dev/null
    local odd
    odd=$(printf 'odd\xff')
    echo odd >"$odd"
    refused 64 "not UTF-8" PACK -o x.gfb "$odd"
    truncate -s 3G sparse
    refused 84 "sparse" PACK -o x.gfb sparse
    refused 66 "k/nowhere: cannot read it" PACK -o x.gfb -r k/nowhere
    [ ! -e x.gfb ]
}

@test "options that do not fit each other are refused with the remedy" {
    refused 64 "--identity DIR is missing" "$B" pack -t k/relay-1 -o x.gfb big.iso
    refused 64 "--to CARD is missing" "$B" pack -i k/site-a -o x.gfb big.iso
    refused 64 "--output FILE is missing" PACK big.iso
    refused 64 "must be request or response" PACK -k other -o x.gfb big.iso
    refused 64 "add --kind response" PACK --receipts receipts.jsonl -o x.gfb
    refused 64 "add --kind request" PACK -k response -r bodies.jsonl -o x.gfb
    refused 64 "goes with --wrap" PACK --answer -r bodies.jsonl -o x.gfb
    refused 64 "goes with --wrap" PACK --type text/plain -r bodies.jsonl -o x.gfb
    refused 64 "needs bodies" PACK -w metrics:demo -o x.gfb big.iso
    refused 64 "must be CHANNEL:PRODUCT" PACK -w Metrics:demo -r bodies.jsonl -o x.gfb
    refused 64 "must be CHANNEL:PRODUCT" PACK -w metrics: -r bodies.jsonl -o x.gfb
    refused 64 "add --kind response" "$B" pack -i k/relay-1 -t k/site-a -w metrics:demo -r bodies.jsonl -o x.gfb
    refused 64 "read only once" "$B" pack -k response -i k/relay-1 -t k/site-a --receipts - --answers - -o x.gfb
    refused 64 "from 1 to 19" PACK --level 20 -o x.gfb big.iso
    refused 64 "from 1 to 64" PACK --threads 0 -o x.gfb big.iso
    refused 64 "has passed already" PACK --expires 2001-01-01 -o x.gfb big.iso
    refused 64 "unknown option --recrods; did you mean --records?" PACK --recrods x
    refused 64 "unknown command pakc; did you mean pack?" "$B" pakc
    refused 64 "no command given" "$B"
    refused 66 "nowhere" "$B" pack -i nowhere -t k/relay-1 -o x.gfb big.iso
    refused 66 "nowhere" PACK --reader nowhere -o x.gfb big.iso
    [ ! -e x.gfb ]
}

@test "readers may open it too, and --no-self leaves ourselves out" {
    PACK --reader k/officer/card -o x.gfb big.iso
    [ "$("$B" inspect --json x.gfb | jq '.readers | length')" -eq 2 ]
    "$B" unpack -i k/officer -f k/site-a x.gfb -C officer | grep -q 'opened as   reader'
    "$B" unpack -i k/site-a -f k/site-a x.gfb -C self | grep -q 'opened as   reader'
    UNPACK x.gfb -C relay --json | jq -e '.as == "addressee"'
    cmp officer/files/big.iso relay/files/big.iso

    PACK --no-self -o y.gfb big.iso
    [ "$("$B" inspect --json y.gfb | jq '.readers | length')" -eq 0 ]
    refused 81 "y.gfb" "$B" unpack -i k/site-a -f k/site-a y.gfb -C self2
    [ ! -e self2 ]
    PACK --no-self --reader k/officer -o z.gfb big.iso
    tar xOf z.gfb bundle.json | jq -e --arg o "$("$B" card --json k/officer | jq -r .identity)" '.readers == [$o]'

    # Naming ourselves does not name us twice; naming another one twice does.
    PACK --reader k/site-a -o w.gfb big.iso
    refused 64 "twice" PACK --reader k/officer --reader k/officer/card -o v.gfb big.iso
    refused 64 "addressee" PACK --reader k/relay-1 -o v.gfb big.iso
}

@test "at most 15 readers" {
    local many=() i
    for i in {1..15}; do
        "$B" keygen --role reader "r/$i" >/dev/null
        many+=(--reader "r/$i")
    done
    refused 84 "at most 15 readers" PACK "${many[@]}" -o x.gfb bodies.jsonl
    PACK "${many[@]}" --no-self -o x.gfb bodies.jsonl
    "$B" unpack -i r/15 -f k/site-a x.gfb -C out
    UNPACK x.gfb -C out2
}

@test "expired bundles and cards are refused, unless another time is asked for" {
    PACK --expires 1h -o x.gfb bodies.jsonl
    "$B" verify --from k/site-a x.gfb
    refused 83 "x.gfb" "$B" verify --from k/site-a --at 2100-01-01 x.gfb
    refused 83 "x.gfb" UNPACK --at 2100-01-01T00:00:00Z -C out x.gfb
    refused 64 "--at" "$B" verify --from k/site-a --at 30d x.gfb
    "$B" keygen --role agent --expires 3s brief
    "$B" pack -i brief -t k/relay-1 -o brief.gfb bodies.jsonl
    local end
    end=$(date -d "$("$B" card --json brief | jq -r .expires)" +%s)
    while [ "$(date +%s)" -le "$end" ]; do sleep 0.1; done
    refused 83 "ended on" "$B" pack -i brief -t k/relay-1 -o y.gfb bodies.jsonl
    refused 83 "ended on" PACK --reader brief -o y.gfb bodies.jsonl
    refused 83 "ended on" "$B" pack -k response -i k/relay-1 -t brief/card -o y.gfb bodies.jsonl
    refused 83 "ended on" "$B" verify -f brief -f k/site-a brief.gfb
    refused 83 "ended on" "$B" unpack -i k/relay-1 -f brief brief.gfb -C out
    # A card that has ended spoils no bundle of others.
    "$B" verify -f brief -f k/site-a a.gfb
    "$B" verify -f brief --at "$(date -u +%F)" brief.gfb
    [ ! -e out ]
}

@test "secret keys that others may read are refused, with the command that mends it" {
    cp -rL k/site-a loose
    chmod 640 loose/sign.key
    refused 65 "chmod 600 loose/sign.key" "$B" pack -i loose -t k/relay-1 -o x.gfb big.iso
    chmod 600 loose/sign.key
    cp -L k/site-b/card loose/card
    refused 65 "loose/card" "$B" pack -i loose -t k/relay-1 -o x.gfb big.iso
}

# ---- unpack ----

@test "unpack into a directory that is there, and never over anything in it" {
    mkdir out
    echo mine >out/mine
    UNPACK a.gfb -C out
    [ "$(names_in out)" = "contents.json files mine records.jsonl" ]
    local before
    before=$(find out -type f -exec md5sum {} + | sort)
    refused 73 "out/records.jsonl: exists, and unpack never overwrites" UNPACK a.gfb -C out
    rm out/records.jsonl
    refused 73 "out/files/big.iso: exists" UNPACK a.gfb -C out
    [ ! -e out/records.jsonl ]
    rm -r out/files out/contents.json
    : >out/files
    refused 73 "out/files: is no directory" UNPACK a.gfb -C out
    rm out/files
    ln -s /tmp out/files
    refused 73 "out/files: is no directory" UNPACK a.gfb -C out
    rm out/files
    ln -s nowhere out/contents.json
    refused 73 "out/contents.json: exists" UNPACK a.gfb -C out
    [ "$(names_in out)" = "contents.json mine" ]
    # files/ that holds other files is fine.
    rm out/contents.json
    mkdir out/files
    echo other >out/files/other
    UNPACK a.gfb -C out/
    [ "$(names_in out/files)" = "big.iso other" ]
}

@test "two that unpack into one directory: one does, the other says why not" {
    command -v strace >/dev/null || skip "strace is not installed: no race was made"
    local error
    export ASAN_OPTIONS=detect_leaks=0 # which cannot be told below strace
    # As if the other came first, between our look and our rename.
    for error in EEXIST ENOTEMPTY; do
        refused 73 'new: another program puts files there' strace -o /dev/null -e "inject=renameat2:error=$error" \
            "$B" unpack -i k/relay-1 -f k/site-a a.gfb -C new
    done
    mkdir there
    refused 73 'there: another program puts files there' strace -o /dev/null -e inject=renameat2:error=EEXIST \
        "$B" unpack -i k/relay-1 -f k/site-a a.gfb -C there
    [ -z "$(ls -A there)" ]
    [ ! -e new ]

    local pid round status
    for round in 1 2 3 4 5; do
        rm -rf new
        UNPACK a.gfb -C new >other 2>&1 &
        pid=$!
        status=0
        UNPACK a.gfb -C new >mine 2>&1 || status=$?
        if wait "$pid"; then
            [ "$status" -eq 0 ] || grep -q 'never overwrites' mine || fail "round $round: $(cat mine)"
        else
            [ "$status" -eq 0 ]
            grep -q 'never overwrites' other || fail "round $round: $(cat other)"
        fi
        cmp new/files/big.iso big.iso
    done
}

@test "unpack makes the directory only when all is well, with the modes that the umask leaves" {
    (umask 027 && UNPACK a.gfb -C new/)
    [ "$(stat -c %a new new/files new/records.jsonl new/files/big.iso new/contents.json | xargs)" = \
        "750 750 640 640 640" ]
    cp -L a.gfb bad.gfb
    poke bad.gfb 200000 "$(printf '\x01')"
    refused 65 "bad.gfb" UNPACK bad.gfb -C bad
    [ ! -e bad ]
    refused 73 "no/such" UNPACK a.gfb -C no/such/dir
    refused 73 "is no directory" UNPACK a.gfb -C bodies.jsonl
    refused 73 "is no directory" UNPACK a.gfb -C big.iso/x
}

@test "unpack refuses senders, addressees and options that are wrong" {
    refused 77 "a.gfb" "$B" unpack -i k/relay-1 -f k/site-b a.gfb -C out
    refused 81 "a.gfb" "$B" unpack -i k/officer -f k/site-a a.gfb -C out
    refused 64 "--directory DIR is missing" UNPACK a.gfb
    refused 64 "--identity DIR is missing" "$B" unpack -f k/site-a a.gfb -C out
    refused 64 "--from CARD is missing" "$B" unpack -i k/relay-1 a.gfb -C out
    refused 64 "FILE is missing" UNPACK -C out
    refused 64 "unknown option --force" UNPACK --force a.gfb -C out
    refused 65 "big.iso" UNPACK big.iso -C out
    : >empty
    refused 65 "empty" UNPACK empty -C out
    head -c 100000 a.gfb >cut.gfb
    refused 65 "cut.gfb" UNPACK cut.gfb -C out
    { cat a.gfb; echo; } >more.gfb
    refused 65 "more.gfb" UNPACK more.gfb -C out
    [ ! -e out ]
}

@test "a failure with --json is one object too" {
    run --separate-stderr "$B" verify --json --from k/site-b a.gfb
    [ "$status" -eq 77 ]
    jq -e '.error.name == "sender" and .error.exit == 77 and (.error.text | startswith("a.gfb: "))' <<<"$output"
    [[ $stderr == "gapferry-bundle: a.gfb: "* ]]
    run --separate-stderr "$B" pack --json --nonsense
    [ "$status" -eq 64 ]
    jq -e '.error.name == "usage"' <<<"$output"
}

# ---- nothing is left behind ----

@test "a full disk leaves nothing behind" {
    [ "$(id -u)" -eq 0 ] || skip "needs root for a small tmpfs"
    unshare -m true 2>/dev/null || skip "needs mount namespaces"
    mkdir small
    export B
    cat >full <<'END'
mount -t tmpfs -o size=400k none small || exit 99
small_is_empty() { [ -z "$(ls -A small)" ] || { ls -lA small >&2; exit 1; }; }
expect() { # STATUS COMMAND...
    "${@:2}" 2>said
    rc=$?
    [ $rc -eq "$1" ] || { echo "status $rc, not $1:" >&2; cat said >&2; exit 1; }
    cat said >&2
    small_is_empty
}
head -c 600000 /dev/urandom >noise
expect 73 "$B" pack -i k/site-a -t k/relay-1 -o small/x.gfb noise
base64 -w 100 noise >lines
expect 73 "$B" pack -i k/site-a -t k/relay-1 -w m:p -r lines -o small/x.gfb
"$B" pack -i k/site-a -t k/relay-1 -o noise.gfb noise >/dev/null || exit 1
expect 73 "$B" unpack -i k/relay-1 -f k/site-a noise.gfb -C small
expect 73 "$B" unpack -i k/relay-1 -f k/site-a noise.gfb -C small/new
# Room for the copy, but not for what is in it.
head -c 2000000 /dev/zero >zeros
"$B" pack -i k/site-a -t k/relay-1 -o zeros.gfb zeros >/dev/null || exit 1
expect 73 "$B" unpack -i k/relay-1 -f k/site-a zeros.gfb -C small
# Only some kilobytes: not even the keys fit.
mount -t tmpfs -o size=8k none small || exit 99
expect 73 "$B" keygen --role agent small/deep/er/x
END
    run unshare -m bash full
    [ "$status" -ne 99 ] || skip "cannot mount a tmpfs here"
    [ "$status" -eq 0 ] || fail "$output"
    # The file or directory without room is named, not an input.
    [ "$(grep -cE '^gapferry-bundle: small/x.gfb: cannot .*: No space left on device$' <<<"$output")" -eq 2 ] || fail "$output"
    [ "$(grep -cE '^gapferry-bundle: small(/new)?: .*make room, or choose another place with -C$' <<<"$output")" -eq 3 ] || fail "$output"
    [[ $output == *"small: member 'files/zeros'"*'there is room for'* ]]
    [[ $output == *"small/deep/er/x: "*"No space left on device"* ]] || fail "$output"
}

# Start a command in the background with signals as a terminal has them, wait until PATTERN exists,
# send SIGNAL, and return its status in $status.
interrupted() { # SIGNAL PATTERN COMMAND...
    local signal=$1 pattern=$2 i
    shift 2
    env --default-signal=INT,TERM,HUP "$@" 3>&- >/dev/null 2>said &
    local pid=$!
    for ((i = 0; i < 1000; i++)); do
        compgen -G "$pattern" >/dev/null && break
        sleep 0.005
    done
    compgen -G "$pattern" >/dev/null || fail "$pattern never came: $(cat said)"
    kill -s "$signal" "$pid"
    status=0
    wait "$pid" || status=$?
}

@test "pack leaves nothing behind when it is interrupted" {
    mkfifo bodies
    exec 8<>bodies # so that reading waits for more
    local signal
    for signal in INT TERM HUP; do
        interrupted $signal '.x.gfb.*.part' "$B" pack -i k/site-a -t k/relay-1 -w m:p -r bodies -o x.gfb
        [ "$status" -eq $((128 + $(kill -l $signal))) ] || fail "status $status"
        [ ! -e x.gfb ]
        nothing_hidden .
    done
    exec 8>&-
}

@test "keygen leaves nothing behind, or all, when it is interrupted" {
    local signal i pid
    for i in {1..60}; do
        for signal in INT TERM HUP; do
            env --default-signal=INT,TERM,HUP "$B" keygen --role agent new/er/x 3>&- >/dev/null 2>&1 &
            pid=$!
            sleep "0.00$((i % 10))$((i % 7))"
            kill -s $signal $pid 2>/dev/null || true
            wait $pid || true
            nothing_hidden .
            if [ -e new/er/x ]; then
                [ "$(names_in new/er/x)" = "card seal.key seal.pub sign.key sign.pub" ]
            else
                [ ! -e new ] || fail "left behind: $(find new)"
            fi
            rm -rf new
        done
    done
}

@test "keygen that fails removes the directories that it made, and no others" {
    mkdir -p there
    printf '#define _GNU_SOURCE\n#include <errno.h>\nint renameat2(void) { errno = ENOSPC; return -1; }\n' >no.c
    command -v gcc || skip "no gcc"
    if nm -D "$B" | grep -q __asan_init; then skip "a build with sanitizers"; fi
    gcc -shared -fPIC -o no.so no.c
    run --separate-stderr env LD_PRELOAD="$PWD/no.so" "$B" keygen --role agent there/a//b/x
    [ "$status" -eq 73 ]
    [ -z "$(ls -A there)" ]
    [ -d there ]
    nothing_hidden .
}

@test "a limit on the size of files is an error like others" {
    head -c 3000000 /dev/urandom >noise
    PACK -o noise.gfb noise
    run --separate-stderr bash -c "ulimit -f 1000; env --default-signal=XFSZ '$B' pack -i k/site-a -t k/relay-1 -o x.gfb noise"
    [ "$status" -eq 73 ] || fail "$status $stderr"
    [[ $stderr == "gapferry-bundle: x.gfb: "* ]] || fail "$stderr"
    run --separate-stderr bash -c "ulimit -f 1000; env --default-signal=XFSZ '$B' unpack -i k/relay-1 -f k/site-a noise.gfb -C out"
    [ "$status" -eq 73 ] || fail "$status $stderr"
    [ ! -e x.gfb ] && [ ! -e out ]
    nothing_hidden .
}

@test "unpack leaves nothing behind when it is interrupted" {
    head -c 500000000 /dev/zero >zeros
    PACK -o zeros.gfb zeros
    rm zeros
    local signal
    mkdir there
    for signal in INT TERM; do
        interrupted $signal '.gapferry-*/items/files/zeros' "$B" unpack -i k/relay-1 -f k/site-a zeros.gfb -C new
        [ "$status" -eq $((128 + $(kill -l $signal))) ] || fail "status $status"
        nothing_hidden .
        [ ! -e new ]
        interrupted $signal 'there/.gapferry-*/items/files/zeros' "$B" unpack -i k/relay-1 -f k/site-a zeros.gfb -C there
        [ "$status" -eq $((128 + $(kill -l $signal))) ] || fail "status $status"
        [ -z "$(ls -A there)" ]
    done
    # Killed outright only the hidden directory stays.
    interrupted KILL 'there/.gapferry-*/items/files/zeros' "$B" unpack -i k/relay-1 -f k/site-a zeros.gfb -C there
    [[ $(ls -A there) == .gapferry-* ]]
}

@test "signals that are ignored stay ignored" {
    mkfifo bodies
    exec 8<>bodies
    (
        trap '' INT
        exec "$B" pack -i k/site-a -t k/relay-1 -w m:p -r bodies -o x.gfb 8>&- 3>&- >/dev/null
    ) &
    local pid=$! i
    for ((i = 0; i < 1000; i++)); do
        compgen -G '.x.gfb.*.part' >/dev/null && break
        sleep 0.005
    done
    kill -INT $pid
    sleep 0.1
    echo body >&8
    exec 8>&-
    wait $pid
    "$B" verify --from k/site-a x.gfb
}

@test "output that nobody takes is an error, a closed pipe is not" {
    [ -e /dev/full ] || skip "no /dev/full"
    run --separate-stderr bash -c "'$B' card k/site-a >/dev/full"
    [ "$status" -ne 0 ]
    [ "$status" -eq 73 ]
    [[ $stderr == *"standard output"* ]]
    # However much it is, the reason is the real one; what was made is there, and that is said.
    mkdir many
    (cd many && for i in {1..300}; do echo $i >"a file with a name of some length, so that it makes a long list, $i"; done)
    run --separate-stderr bash -c "'$B' pack -i k/site-a -t k/relay-1 -o many.gfb many/* >/dev/full"
    [ "$status" -eq 73 ] || fail "$status $stderr"
    [[ $stderr == *"No space left on device; but the work is done: many.gfb is complete" ]] || fail "$stderr"
    run --separate-stderr bash -c "'$B' unpack -i k/relay-1 -f k/site-a many.gfb -C many-out --json >/dev/full"
    [ "$status" -eq 73 ] || fail "$status $stderr"
    [[ $stderr == *"No space left on device; but the work is done: many-out is complete" ]] || fail "$stderr"
    [ "$(find many-out/files -type f | wc -l)" -eq 300 ]
    run --separate-stderr bash -c "'$B' keygen --role agent made >/dev/full"
    [ "$status" -eq 73 ]
    [[ $stderr == *"made is complete" && -e made/card ]]
    nothing_hidden .
    run --separate-stderr bash -c "'$B' unpack -i k/relay-1 -f k/site-a many.gfb -C many-out2 --json | true; exit \${PIPESTATUS[0]}"
    [ "$status" -eq 0 ] || [ "$status" -eq 141 ] || fail "$status $stderr"
    [ -z "$stderr" ]
    nothing_hidden .
    run --separate-stderr bash -c "set -o pipefail; '$B' inspect a.gfb | true"
    [ "$status" -eq 0 ] || [ "$status" -eq 141 ]
    [ -z "$stderr" ]
    # Closed descriptors do not become the bundle.
    PACK -o x.gfb big.iso <&- >&- 2>&-
    "$B" verify --from k/site-a x.gfb
}

# ---- help, completion, manual ----

COMMANDS='keygen card pack inspect verify unpack'

# The long options in a command's help.
options_of() {
    "$B" "$1" --help | sed '/^Example/,$d' | grep -oE '^ +(-[a-zA-Z],)? *--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

@test "help: each command has it, within 80 columns" {
    local command
    "$B" --help | grep -q 'usage: gapferry-bundle COMMAND'
    [ "$("$B" --version)" = "gapferry-bundle $("$B" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+')" ]
    for command in $COMMANDS; do
        "$B" --help | grep -q "^  $command "
        "$B" "$command" --help | grep -q "^usage: gapferry-bundle $command "
        [ "$("$B" "$command" -h)" = "$("$B" help "$command")" ]
        [ "$("$B" "$command" --help | wc -L)" -le 90 ]
        [ -n "$(options_of "$command")" ]
    done
}

@test "help says what the issue asks it to say" {
    "$B" pack --help | tr -s ' \n' ' ' >said
    grep -q 'each of which is checked; - is standard input' said
    grep -q 'may open it too' said
    grep -q 'do not list ourselves among the readers' said
    grep -q 'are bodies, not records' said
}

@test "the manual has each option of each command, in the right section" {
    local command option section
    for command in $COMMANDS; do
        section=$(awk -v head="# ${command^^}" '$0 == head { on = 1; next } /^# / { on = 0 } on' \
            "$SOURCE/docs/man/gapferry-bundle.1.scd")
        for option in $(options_of "$command"); do
            [ "$option" = --help ] || grep -qF -- "*$option*" <<<"$section" || fail "$command $option"
        done
        diff <(grep -oE '^\*-.*' <<<"$section" | grep -oE -- '--[a-z-]+' | sort) \
            <(options_of "$command" | grep -vx -- --help | sort)
    done
}

@test "the manual's exit status is that of exit.h, and has all that errors can give" {
    awk '/^# EXIT STATUS/ { on = 1; next } /^# / { on = 0 } on && /^\|  [0-9]/ { print $2 }' \
        "$SOURCE/docs/man/gapferry-bundle.1.scd" | sort >in-manual
    sed -n 's/.*X(GF_[A-Z_]*, "[a-z-]*", \(GF_EXIT_[A-Z_]*\)).*/\1/p' \
        "$SOURCE/bundle-format/include/gapferry/err.h" | sort -u >names
    while read -r name; do
        sed -n "s/^ *$name = \([0-9]*\),.*/\1/p" "$SOURCE/bundle-format/include/gapferry/exit.h"
    done <names | sort >in-code
    [ "$(wc -l <in-code)" -eq "$(wc -l <names)" ]
    diff in-manual in-code
}

@test "gfb(5) gives each error its status" {
    sed -n 's/.*X(GF_[A-Z_]*, "\([a-z-]*\)", GF_EXIT_.*/\1/p' "$SOURCE/bundle-format/include/gapferry/err.h" |
        grep -vx ok | while read -r name; do
        grep -qE "^\|  $name\$|\*$name\*" "$SOURCE/docs/man/gfb.5.scd" || fail "$name"
    done
}

@test "the man pages can be made" {
    command -v scdoc || skip "no scdoc"
    local page
    for page in "$SOURCE"/docs/man/*.scd; do
        scdoc <"$page" >made
        [ -s made ]
    done
}

@test "every option in --help is completed, and nothing else" {
    local command
    # shellcheck source=/dev/null
    source "$SOURCE/scripts/completion/gapferry-bundle.bash"
    for command in $COMMANDS; do
        diff <(options_of "$command" | sort) <(_gapferry_bundle_options "$command" | tr ' ' '\n' | sort)
    done
    COMP_WORDS=(gapferry-bundle pa) COMP_CWORD=1
    _gapferry_bundle
    [ "${COMPREPLY[*]}" = pack ]
    COMP_WORDS=(gapferry-bundle pack --rec) COMP_CWORD=2
    _gapferry_bundle
    [ "${COMPREPLY[*]}" = "--records --receipts" ] || [ "${COMPREPLY[*]}" = --records ]
    COMP_WORDS=(gapferry-bundle keygen --role v) COMP_CWORD=3
    _gapferry_bundle
    [ "${COMPREPLY[*]}" = vendor ]
}

@test "on a terminal the next command is suggested, elsewhere not" {
    command -v script || skip "no script(1)"
    run --separate-stderr "$B" keygen --role agent quiet
    [[ $stderr != *next:* ]]
    TERM=xterm run script -qec "$B keygen --role agent loud" /dev/null
    [[ $output == *"next: "* ]]
    TERM=xterm run script -qec "$B verify --from k/site-a a.gfb" /dev/null
    [[ $output == *"next: gapferry-bundle unpack --identity DIR --from CARD a.gfb -C OUT"* ]]
}

@test "what a killed keygen or unpack has left is removed a day later, and nothing else" {
    local old=.gapferry-0123456789abcdef young=.gapferry-00000000000000aa other=.gapferry-mine
    mkdir -p place/$old/items/files place/$young/items place/$other place/.gapferry-00000000000000bb/items
    echo x >place/$old/items/files/a
    echo x >place/$old/sign.key
    find place/$old place/$other -exec touch -h -d '2 days ago' {} +
    # One in which somebody is still at work: only its deepest part is young.
    echo x >place/.gapferry-00000000000000bb/items/part
    touch -d '2 days ago' place/.gapferry-00000000000000bb/items place/.gapferry-00000000000000bb
    "$B" keygen --role agent place/k >/dev/null
    [ ! -e place/$old ]
    [ -d place/$young/items ]
    [ -d place/$other ]
    [ -e place/.gapferry-00000000000000bb/items/part ]
    # unpack likewise, and never what belongs to somebody else.
    mkdir -p place/$old
    touch -d '2 days ago' place/$old
    if [ "$(id -u)" -eq 0 ]; then
        mkdir place/.gapferry-00000000000000cc
        chown 65534 place/.gapferry-00000000000000cc
        touch -d '2 days ago' place/.gapferry-00000000000000cc
    fi
    "$B" keygen --role relay place/r >/dev/null
    "$B" pack -i place/k -t place/r -o place/a.gfb "$BATS_TEST_FILENAME" >/dev/null
    mkdir -p place/$old
    touch -d '2 days ago' place/$old
    "$B" unpack -i place/r -f place/k place/a.gfb -C place/out >/dev/null
    [ ! -e place/$old ]
    [ "$(id -u)" -ne 0 ] || [ -d place/.gapferry-00000000000000cc ]
}

# ---- the program itself ----

@test "the program loads few libraries, and imports no socket" {
    if nm -D "$B" | grep -q __asan_init; then skip "a build with sanitizers"; fi
    run ldd "$B"
    [[ $output != *libarchive* && $output != *libsodium* && $output != *libzstd* && $output != *libxml* ]] ||
        skip "built with shared libraries"
    ! nm -D --undefined-only "$B" | grep -wE 'socket|connect|bind|listen|accept4?|getaddrinfo|gethostbyname' ||
        fail "a socket function is imported"
}

@test "it starts in a moment" {
    if nm -D "$B" | grep -q __asan_init; then skip "a build with sanitizers"; fi
    local start took best=1000000000 i
    for i in {1..50}; do
        start=$(date +%s%N)
        "$B" --version >/dev/null
        took=$(($(date +%s%N) - start))
        if [ $took -lt $best ]; then best=$took; fi
    done
    echo "$((best / 1000)) us, with date(1)"
    # The program takes about one millisecond, and date another; ten leave room for slow machines.
    [ $best -lt 10000000 ]
}
