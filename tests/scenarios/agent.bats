#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031 # `run` sets status, output, stderr and stderr_lines
# agent.bats -- gapferry-agent as people use it, as far as that needs no relay: a relay's answers are
# packed by hand with gapferry-bundle.

bats_require_minimum_version 1.5.0

BIN=${GAPFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/bin}
SOURCE=${GAPFERRY_SOURCE:-$BATS_TEST_DIRNAME/../..}
B=$BIN/gapferry-bundle

A() {
    "$BIN/gapferry-agent" --root s "$@"
}

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return
    "$B" keygen --role relay --name relay-1 k/relay
    "$B" keygen --role relay k/other
    "$B" keygen --role reader --name officer k/officer
    "$B" keygen --role vendor k/vendor
    "$B" keygen --role vendor k/stranger
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ln -s "$BATS_FILE_TMPDIR/k" k
    STATE=s/var/lib/gapferry/agent
}

fail() {
    echo "$*" >&2
    return 1
}

# The command fails. (A mere "!" would not fail the test.)
absent() {
    if "$@"; then fail "should fail: $*"; fi
}

# refused STATUS TEXT ARGUMENT...: it fails with this status and says this in one line on standard
# error, and nothing on standard output.
refused() {
    local status_wanted=$1 text=$2
    shift 2
    run --separate-stderr A "$@"
    [ "$status" -eq "$status_wanted" ] || fail "status $status: $stderr"
    [ -z "$output" ] || fail "standard output: $output"
    [[ $stderr == "gapferry-agent: "*"$text"* ]] || fail "stderr: $stderr"
    [ "${#stderr_lines[@]}" -eq 1 ] || fail "more than one line: $stderr"
}

init() {
    A init --name site-a --consent metrics=granted --allow metrics=users,edition >/dev/null
}

fingerprint() {
    "$B" card --fingerprint "$1"
}

# ---- init ----

@test "init makes keys, configuration and queue, and says what is next" {
    run --separate-stderr A init --name 'site "a" \b' --consent metrics=granted --allow metrics=users,edition
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ $output == *"$(A card --fingerprint)"*"--root s trust RELAY.card"* ]]
    [ "$(stat -c %a "$STATE")" = 700 ]
    [ "$(stat -c %a "$STATE"/keys/sign.key)" = 600 ]
    A config show | grep -F '[agent] name = site "a" \b'
    A config show | grep -F '[channel "metrics"] allow = users,edition'
    [ "$(A card --json | jq -r .name)" = 'site "a" \b' ]
    [[ $(A consent metrics) == "metrics: granted since "*" by "* ]]
}

@test "init overwrites nothing" {
    init
    local before
    before=$(cd s && find . -type f -name '[!.]*' -not -name 'agent.db*' -exec b2sum {} +)
    refused 73 'there is an agent already' init
    refused 73 'gapferry-agent --root s card' init
    [ "$before" = "$(cd s && find . -type f -not -name 'agent.db*' -exec b2sum {} +)" ]
}

@test "init keeps a configuration that is there already, and says when it cannot add to it" {
    mkdir -p s/etc/gapferry
    echo '[agent]' >s/etc/gapferry/agent.conf
    refused 73 'exists and is not overwritten' init --allow metrics=users
    [ ! -e "$STATE"/keys ]
    A init
    [ "$(cat s/etc/gapferry/agent.conf)" = '[agent]' ]
}

@test "an init that was interrupted is run again" {
    init
    local id
    # Asked without the agent, which would note that the database belongs to these keys.
    id=$("$B" card --json "$STATE"/keys | jq -r .agent)
    rm -r "$STATE"/keys # as if it had not come to that
    init
    [ "$(A card --json | jq -r .agent)" = "$id" ]
}

@test "init makes no new keys for the database of others" {
    init
    A status >/dev/null
    mv "$STATE"/keys kept
    refused 65 'no keys, but agent.db belongs to some' init
    [ ! -e "$STATE"/keys ]
    mv kept "$STATE"/keys
    A status >/dev/null
}

@test "init refuses what it does not understand, and leaves nothing" {
    refused 64 '--consent' init --consent metrics
    refused 64 '--consent' init --consent metrics=maybe
    refused 64 'its own consent' init --consent license=granted
    refused 64 '--allow' init --allow metrics=
    refused 64 '--allow' init --allow metrics=,
    refused 64 'twice' init --allow metrics=a --allow metrics=b
    refused 64 'channel "Metrics"' init --allow Metrics=a
    refused 64 '--name' init --name "$(printf 'a\nb')"
    [ ! -e s ]
}

@test "without init there is no agent, and each command says so" {
    local command
    for command in 'card' 'consent' 'record metrics -' 'preview' 'license check' 'status' 'trust k/relay/card'; do
        # shellcheck disable=SC2086 # words
        refused 78 'make one: gapferry-agent --root s init' $command </dev/null
    done
}

# ---- trust ----

@test "a card is trusted by its fingerprint, however that is typed" {
    init
    A trust k/relay/card --yes --fingerprint "$(fingerprint k/relay | tr 'A-Z-' 'a-z ')"
    A status | grep -F "\"relay-1\" $(fingerprint k/relay)"
    A trust k/officer/card --fingerprint "$(fingerprint k/officer)" >/dev/null
    [ "$(A trust k/relay/card --fingerprint "$(fingerprint k/relay)" --json | jq .new)" = false ]
}

@test "a card with another fingerprint is not trusted" {
    init
    refused 77 "is $(fingerprint k/relay), not $(fingerprint k/other)" trust k/relay/card --yes --fingerprint "$(fingerprint k/other)"
    refused 77 "repeat with --fingerprint $(fingerprint k/relay)" trust k/relay/card </dev/null
    refused 64 'give the one that its owner read out' trust k/relay/card --yes
    A status | grep 'none is trusted yet'
}

@test "a card is trusted because a vendor with duty card has signed it, and no other" {
    init
    sed '/^untrusted comment/,$d' k/relay/card >card.json
    minisign -S -s k/vendor/sign.key -m card.json >/dev/null
    cat k/relay/card card.json.minisig >vouched
    A trust k/vendor/sign.pub --duty license --name acme
    refused 77 'repeat with --fingerprint' trust vouched </dev/null
    A trust k/vendor/sign.pub --duty card,update --name acme
    [[ $(A trust vouched) == *"by the vendor acme, who signed it"* ]]
}

@test "a vendor's key in the configuration counts while it stands there" {
    init
    local conf=s/etc/gapferry/agent.conf pub=$BATS_FILE_TMPDIR/k/vendor/sign.pub
    sed '/^untrusted comment/,$d' k/relay/card >card.json
    minisign -S -s k/vendor/sign.key -m card.json >/dev/null
    cat k/relay/card card.json.minisig >vouched
    cp "$conf" before
    printf '[vendor "acme"]\nlicense = %s\n' "$pub" >>"$conf"
    A config check
    refused 77 'repeat with --fingerprint' trust vouched </dev/null
    echo "card = $pub" >>"$conf"
    line=$(wc -l <"$conf")
    [ "$(A trust --list --json | jq -c '[.vendors[] | [.name, .duties, .file, .config, .since]]')" = \
        "[[\"acme\",[\"license\"],\"$pub\",\"$conf:$((line - 1))\",null],[\"acme\",[\"card\"],\"$pub\",\"$conf:$line\",null]]" ]
    A trust --list | grep -F "vendor     acme: card; $conf:$line"
    [ "$(A status --json | jq '.vendors | length')" = 2 ]
    [[ $(A trust vouched) == *"by the vendor acme, who signed it"* ]]
    cp before "$conf"
    [ "$(A trust --list --json | jq -c '[.vendors, (.relays | length)]')" = '[[],1]' ]

    # One that `trust` has pinned stays, whatever the configuration says.
    A trust "$pub" --duty update --name acme >/dev/null
    A trust --list | grep 'vendor     acme: update; trusted on 20'
    refused 64 'what is' trust --list "$pub"
}

@test "a vendor's key that cannot be read is told, and does not hold up the others" {
    init
    local conf=s/etc/gapferry/agent.conf pub=$BATS_FILE_TMPDIR/k/vendor/sign.pub
    printf '[vendor "b"]\nlicense = /nowhere/b.pub\n[vendor "acme"]\nlicense = %s\n' "$pub" >>"$conf"
    refused 78 "[vendor \"b\"] license = /nowhere/b.pub: No such file" config check
    A status | grep 'vendor     b: its key does not count: .*/nowhere/b.pub: No such file'
    absent grep -q acme <(A status)
    A trust --list | grep 'vendor     acme: license'
    sed 's/^license = .*sign.pub$/license = \/nowhere\/c.pub/' -i "$conf"
    echo '{}' >x.json
    minisign -S -s k/vendor/sign.key -m x.json >/dev/null
    cat x.json x.json.minisig >l
    refused 78 'b.pub: No such file' license install l
}

@test "what is no card of a relay or reader, and no key, is refused" {
    init
    refused 65 'its role is vendor' trust k/vendor/card
    refused 65 'its role is agent' trust "$STATE"/keys/card
    refused 65 'neither a card' trust "$SOURCE/README.md"
    refused 66 'nowhere' trust nowhere
    refused 64 '--duty' trust k/vendor/sign.pub
    refused 64 'none of license, update, card' trust k/vendor/sign.pub --duty license,cards
    refused 64 'only cards have' trust k/vendor/sign.pub --duty license --fingerprint x
    refused 64 'for vendors' trust k/relay/card --duty card
    sed 's/"relay"/"reader"/' k/relay/card >changed
    refused 80 'changed' trust changed --fingerprint "$(fingerprint k/relay)"
}

@test "what a card says of itself cannot act on a terminal" {
    init
    "$B" keygen --role relay --name "$(printf 're\xe2\x80\xaelay')" odd >/dev/null
    A trust odd/card --fingerprint "$(fingerprint odd)" | grep -F 're\xe2\x80\xaelay'
    A status | grep -F 're\xe2\x80\xaelay'
}

# ---- consent and record ----

@test "nothing is recorded without consent" {
    A init >/dev/null
    refused 85 'consent was not given yet; nothing was recorded. To allow it: gapferry-agent --root s consent usage grant' record usage - <<<'{}'
    A consent usage grant
    A record usage - <<<'{}'
    A consent usage deny
    refused 85 'consent was denied' record usage - <<<'{}'
    [ "$(A status --json | jq .records.queued)" = 0 ]
}

@test "denying deletes what has not left, and only that channel's" {
    init
    A consent usage grant
    A record metrics - <<<'{"users":1}'
    A record usage - <<<'{}'
    A license request --product demo --key K
    [[ $(A consent metrics deny) == *"1 record without receipt deleted, 0 bundles"* ]]
    [ "$(A status --json | jq .records.queued)" = 2 ]
    [ "$(A preview --json | jq -c '[.channels[].channel] | sort')" = '["license","usage"]' ]
}

@test "denying takes bundles out of the outbox and gives other channels their records back" {
    init
    A trust k/relay/card --fingerprint "$(fingerprint k/relay)"
    A consent usage grant
    A record metrics - <<<'{"users":1}'
    A record usage - <<<'{}'
    mkdir usb
    A sync usb
    [ "$(find "$STATE"/outbox -name '*.gfb' | wc -l)" = 1 ]
    run A consent metrics deny
    [[ $output == *"1 bundle taken out"*"queued again"*"written to a drive already"*"to-relay/"* ]]
    [ "$(find "$STATE"/outbox -name '*.gfb' | wc -l)" = 0 ]
    [ "$(A preview --json | jq -c '[.channels[].channel]')" = '["usage"]' ]
}

@test "the configuration can force consent, either way" {
    init
    cat >>s/etc/gapferry/agent.conf <<<'
[channel "free"]
consent = granted
[channel "closed"]
consent = denied'
    A record free - <<<'{}'
    refused 85 'denied by the configuration (s/etc/gapferry/agent.conf:' record closed - <<<'{}'
    refused 78 'is forced at' consent closed grant
    A consent | grep -E '^closed: denied, by the configuration'
    refused 64 'its own consent' consent license deny
    refused 64 'must be grant or deny' consent metrics perhaps
}

@test "the rule of a channel takes out what may not leave, and says so" {
    init
    run --separate-stderr A record metrics - <<<'{"users":42,"edition":"pro","hostname":"classified"}'
    [ "$status" -eq 0 ]
    [[ $stderr == *"dropped by the rule of channel metrics (allow, s/etc/gapferry/agent.conf:"*"): hostname" ]]
    [ "$(A preview --json | jq -r '.channels[0].records[0].body')" = '{"users":42,"edition":"pro"}' ]
    refused 65 'the body is no JSON' record metrics - <<<'users=42'
    run --separate-stderr A record metrics - <<<'{"hostname":"classified"}'
    [ "$status" -eq 66 ]
    [[ $stderr == *"leaves nothing of it"* ]]
    absent grep -rqF classified s
}

@test "a record says what it was told" {
    init
    run A record metrics - --at 2026-01-02T03:04:05Z --product demo --type application/x-y --answer --expires 2y <<<'{"users":1}'
    [ "$(A preview --json | jq -r '.channels[0].records[0] | [.id, .channel, .product, .created, .type, .answer, .clock, .origin] | @csv')" = \
        "\"$output\",\"metrics\",\"demo\",\"2026-01-02T03:04:05Z\",\"application/x-y\",true,\"ok\",\"$(A card --json | jq -r .agent)\"" ]
    [ "$(A preview --json | jq -r '.channels[0].records[0].expires != null')" = true ]
}

@test "an observation of an earlier day keeps its time, its id is of now" {
    init
    local id
    id=$(A record metrics - --at 2020-02-03 <<<'{"users":1}')
    [ "$((16#$(tr -d - <<<"${id:0:13}") / 1000))" -ge "$(date -d '1 hour ago' +%s)" ]
    A preview metrics | grep -F 'created  2020-02-03T00:00:00Z'
}

@test "what cannot be recorded is refused" {
    init
    A consent raw grant
    refused 66 'is empty' record metrics - </dev/null
    refused 66 'nowhere' record metrics nowhere
    refused 66 'is a directory' record metrics k
    refused 84 'longer than 1048576 bytes' record raw - < <(head -c 1100000 /dev/zero)
    refused 84 '' record raw - < <(head -c 1048570 /dev/zero | tr '\0' x) # with its fields too long a line
    refused 64 'CHANNEL is missing' record
    refused 64 'FILE (or -) is missing' record metrics
    refused 64 'what is "b"' record metrics - b
    refused 64 'channel "../x"' record ../x -
    refused 64 'license request' record license -
    refused 64 'updates check' record updates -
    refused 64 'lies in the future' record metrics - --at 2999-01-01 <<<'{}'
    refused 64 '--at yesterday' record metrics - --at yesterday <<<'{}'
    refused 64 'has passed already' record metrics - --expires 2020-01-01 <<<'{}'
    refused 64 'product "A"' record metrics - --product A <<<'{}'
    refused 65 '' record raw - --type "$(printf 'a\nb')" <<<'{}'
    [ "$(A status --json | jq .records.queued)" = 0 ]
}

@test "bodies are taken byte for byte, text or not" {
    init
    A consent raw grant
    printf ' {"a" : 1e2}\n\t\xc2\xb5' >text
    printf '\x00\xff\n' >bytes
    A record raw text
    A record raw bytes
    A preview --json | jq -j '.channels[0].records[0].body' | cmp - text
    A preview --json | jq -j '.channels[0].records[1].body64' | base64 -d | cmp - bytes
    A preview raw | grep -F 'not text (goes as base64)'
}

# ---- preview ----

@test "preview shows exactly what leaves, the rule and the relay, and that nothing left" {
    init
    A consent usage grant
    A record metrics - <<<'{"users":1}'
    A record usage - <<<'{"any":"thing"}'
    run A preview
    [[ $output == *"goes nowhere yet: no relay is trusted"* ]]
    [[ $output == *"metrics: 1 record queued"*"rule     only these fields pass: users,edition"* ]]
    [[ $output == *"usage: 1 record queued"*"rule     no rule: everything passes"* ]]
    [[ $output == *'Nothing of this has left yet: it leaves with the next `gapferry-agent --root s sync DRIVE`.'* ]]
    A trust k/relay/card --fingerprint "$(fingerprint k/relay)"
    A preview usage | grep -F "goes to relay \"relay-1\" $(fingerprint k/relay)"
    A preview usage >shown
    absent grep -q metrics shown
    A preview --json | jq -c '.channels[].records[]' >shown
    mkdir usb
    A sync usb
    "$B" unpack -i k/relay -f "$STATE"/keys/card -C got usb/GAPFERRY/to-relay/*.gfb >/dev/null
    diff <(jq -Sc . shown | sort) <(jq -Sc . got/records.jsonl | sort)
    [[ $(A preview) == *"Nothing is queued."*"2 more records are in bundles already"* ]]
}

@test "a body cannot act on the terminal that shows it" {
    init
    A consent raw grant
    printf 'a\033[2Jb\tc\n' | A record raw -
    A preview raw | grep -F 'a\x1b[2Jb	c'
}

# ---- licences ----

# A licence as this agent's newest request wants it, changed by a jq filter, signed by a key.
licence() { # NAME [FILTER [KEY]]
    A preview license --json | jq -r '.channels[0].records[-1].body' >request
    jq -c '{format: "gapferry-license/1", id: "L-1", product, licensee: "ACME", nonce, counts,
        issued: (now - 3600 | floor | todate), expires: (now + 8640000 | floor | todate),
        fingerprint: {k: 1, factors: (.fingerprint + {always: ("0" * 64)})}, features: ["a"],
        policy: {warn_days: 30, grace_days: 14, then: "block"}}
        | .fingerprint.k = (.fingerprint.factors | length - 1)
        | if .fingerprint.k == 0 then .fingerprint = null else . end | '"${2:-.}" request >"$1.json"
    minisign -S -s "k/${3:-vendor}/sign.key" -m "$1.json" >/dev/null
    cat "$1.json" "$1.json.minisig" >"$1"
}

ELSEWHERE='.fingerprint = {k: 1, factors: {"machine-id": ("0" * 64)}}'

licensing() {
    init
    A trust k/vendor/sign.pub --duty license >/dev/null
    A license request --product demo --key AAAA-BBBB --contact ops@example.org --count seats=5 >/dev/null
}

@test "a licence request says what was asked, and no serial number of this machine" {
    licensing
    A preview license --json | jq -r '.channels[0].records[0].body' >request
    [ "$(jq -c '[.format, .product, .version, .key, .contact, .counts]' request)" = \
        '["gapferry-license-request/1","demo",null,"AAAA-BBBB","ops@example.org",{"seats":5}]' ]
    [ "$(jq -r '.nonce | length' request)" = 32 ]
    [ "$(A preview license --json | jq '.channels[0].records[0].answer')" = true ]
    [ ! -s /etc/machine-id ] || absent grep -qF "$(cat /etc/machine-id)" request
    refused 64 '--product PRODUCT and --key KEY' license request --product demo
    refused 64 'count "seats"' license request --product demo --key K --count seats
    refused 64 'takes no --strict' license request --product demo --key K --strict
}

@test "a request before its vendor is trusted is queued, with a warning" {
    init
    run --separate-stderr A license request --product demo --key K
    [ "$status" -eq 0 ]
    [[ $stderr == *"no vendor is trusted with licences yet"* ]]
}

@test "a licence that fits is installed and holds, offline" {
    licensing
    run A license check
    [ "$status" -eq 90 ]
    [[ $output == *"no licence is installed; its request is queued"* ]]
    licence l
    [[ $(A license install l) == "licence L-1 of product demo is installed: valid until "* ]]
    A license check --strict
    A license status | grep -F 'L-1, for ACME'
    [ "$(A license status --json | jq -c '.licences[0] | [.fact, .may_run, .features, .counts]')" = '["valid",true,["a"],{"seats":5}]' ]
    A status | grep -E '^licence    demo: valid until '
}

@test "a licence that does not fit is refused with its own status" {
    licensing
    licence elsewhere "$ELSEWHERE"
    refused 93 'is for another machine' license install elsewhere
    licence nonce '.nonce = "0" * 32'
    refused 95 'its nonce is not ours' license install nonce
    licence stranger . stranger
    refused 80 'not signed by the vendor key' license install stranger
    licence broken '.extra = 1'
    refused 95 '"extra" is no member' license install broken
    licence l
    sed -i s/ACME/ECMA/ l
    refused 80 'it was changed' license install l
    rm -f l.json.minisig
    refused 65 'no signature' license install l.json
    mkdir l.json.minisig
    refused 66 'l.json.minisig: not a regular file' license install l.json
    run A license check
    [ "$status" -eq 90 ]
}

@test "without a vendor's key no licence is believed" {
    init
    A license request --product demo --key K
    licence l
    refused 77 'no vendor is trusted with licences yet' license install l
    A trust k/vendor/sign.pub --duty update,card
    refused 77 'no vendor is trusted with licences yet' license install l
    A trust k/vendor/sign.pub --duty license
    A license install l
}

# check STATUS STRICT-STATUS WORDS
check() {
    run A license check
    [ "$status" -eq "$1" ] || fail "status $status: $output"
    [[ $output == *"$3"* ]] || fail "$output"
    run A license check --strict
    [ "$status" -eq "$2" ] || fail "strict: status $status: $output"
}

@test "check says what the vendor's policy makes of the fact, --strict the fact" {
    licensing
    licence l '.expires = (now + 864000 | floor | todate)'
    A license install l
    check 0 0 'days left: renew it'
    licence l '.issued = "2020-01-01T00:00:00Z" | .expires = (now - 86400 | floor | todate)'
    A license install l --force
    check 0 91 'in its 14 days of grace'
    licence l '.issued = "2020-01-01T00:00:00Z" | .expires = "2020-02-01T00:00:00Z"'
    A license install l --force
    check 92 92 'ended on 2020-02-01'
    licence l '.issued = "2020-01-01T00:00:00Z" | .expires = "2020-02-01T00:00:00Z" | .policy.then = "warn"'
    A license install l
    check 0 92 'ended on 2020-02-01'
    licence l '.issued = (now + 94608000 | floor | todate) | .expires = null'
    A license install l
    check 0 94 'the clock is in doubt'
    [ "$(A record metrics - <<<'{"users":1}' >/dev/null; A preview metrics --json | jq -r '.channels[0].records[-1].clock')" = behind ]
}

@test "with several licences check asks which" {
    licensing
    licence l
    A license install l
    A license request --product other --key K
    licence m
    A license install m
    refused 64 'say which one: --product' license check
    A license check --product other
    run A license check --product third
    [ "$status" -eq 90 ]
}

# answer FILE: the relay's response with receipts for all that left and this answer to the request.
answer() {
    local line digest id
    rm -rf got
    "$B" unpack -i k/relay -f "$STATE"/keys/card -C got usb/GAPFERRY/to-relay/*.gfb >/dev/null
    while read -r line; do
        id=$(jq -r .id <<<"$line")
        digest=$(jq -j .body <<<"$line" | b2sum -l 256 | cut -d' ' -f1)
        jq -nc --arg id "$id" --arg digest "$digest" '{record: $id, digest: $digest, state: "delivered",
            reason: null, guarantee: "effectively-once", at: "2026-01-02T03:04:05Z"}'
    done <got/records.jsonl >receipts.jsonl
    jq -c --rawfile body "$1" 'select(.channel == "license") | {record: .id, status: 200, headers: {}, body: $body}' \
        got/records.jsonl >answers.jsonl
    mkdir -p usb/GAPFERRY/to-site
    "$B" pack -i k/relay -t "$STATE"/keys/card -k response --receipts receipts.jsonl --answers answers.jsonl \
        -o usb/GAPFERRY/to-site/r.gfb >/dev/null
}

@test "the answer to a request becomes the licence" {
    licensing
    A trust k/relay/card --fingerprint "$(fingerprint k/relay)"
    licence l
    mkdir usb
    A sync usb
    answer l
    A sync usb
    A license check
    [ "$(A status --json | jq -c '[.records.delivered, .trouble]')" = '[1,[]]' ]
}

@test "an answer that cannot be used is told, and kept until it can be" {
    licensing
    A trust k/relay/card --fingerprint "$(fingerprint k/relay)"
    licence l . stranger
    mkdir usb
    A sync usb
    answer l
    run A sync usb
    [ "$status" -eq 75 ]
    [[ $output == *"1 answer unusable"* ]]
    run A license check
    [ "$status" -eq 90 ]
    [[ $output == *"it was changed, or it is somebody else's; it is kept as "* ]]
    A status | grep -E '^unusable   license .*kept as '
    A trust k/stranger/sign.pub --duty license --name late
    absent_file=$(ls "$STATE"/refused)
    [ -z "$absent_file" ] # trust has tried it again, and installed it
    A license check
}

@test "an answer for another product or machine is refused" {
    local filter
    for filter in '.product = "other" | .nonce = null' "$ELSEWHERE"; do
        rm -rf s usb
        licensing
        A trust k/relay/card --fingerprint "$(fingerprint k/relay)" >/dev/null
        licence l "$filter"
        mkdir usb
        A sync usb
        answer l
        run A sync usb
        [ "$status" -eq 75 ]
        A status | grep -E '^unusable   license .*(and demo was asked for|is for another machine)'
        [ "$(A license status --json | jq '.licences | length')" = 0 ]
    done
}

@test "an earlier licence that comes later does not replace a later one" {
    licensing
    A trust k/relay/card --fingerprint "$(fingerprint k/relay)"
    licence new '.id = "NEW"'
    licence old '.id = "OLD" | .issued = "2020-01-01T00:00:00Z"'
    A license install new
    mkdir usb
    A sync usb
    answer old
    A sync usb
    [ "$(A license status --json | jq -r '.licences[0].id')" = NEW ]
    [ "$(A status --json | jq -c .trouble)" = '[]' ]
}

# ---- status, config, the rest ----

@test "status says ten lines, and what is next" {
    init
    [ "$(A status | wc -l)" -le 10 ]
    [[ $(A status) == *"network    not probed"*"next       trust the relay"* ]]
    A trust k/relay/card --fingerprint "$(fingerprint k/relay)"
    [[ $(A status) == *"next       nothing is due"* ]]
    A record metrics - <<<'{"users":1}'
    [[ $(A status) == *"waiting    1 record (metrics 1)"*"--root s sync DRIVE"* ]]
    mkdir usb
    A sync usb
    [[ $(A status) == *"left       1 record (metrics 1) without receipt, in 1 bundle; last written"*"carry the drive"* ]]
}

@test "status shows what gapferry-link has found, as words only" {
    init
    printf 'relay=a\nstate=offline\nsince=2026-01-02T03:04:05Z\nstage=no DNS\nevidence=a.example\033[2J\ntried=x\n\nrelay=b\nstate=unprobed\n\nrelay=c\nstate=answered\n' \
        >"$STATE"/link.state
    A status | grep -F 'network    a: offline since 2026-01-02T03:04:05Z: no DNS (a.example\x1b[2J)'
    A status | grep -x 'network    b: unprobed'
    # What is no state is left out.
    [ "$(A status --json | jq -c '[.network[] | .stage]')" = '["no DNS",null]' ]
    : >"$STATE"/link.state
    A status | grep 'not probed'
}

@test "config check finds mistakes by file and line" {
    init
    [[ $(A config check) == *"no mistake was found" ]]
    echo '[channel "x"]
alow = a' >>s/etc/gapferry/agent.conf
    refused 78 's/etc/gapferry/agent.conf:' config check
    refused 78 'allow' status
    sed -i '$d' s/etc/gapferry/agent.conf
    echo 'consent = grant' >>s/etc/gapferry/agent.conf
    refused 78 'consent' config check
    refused 64 'must be check or show' config list
}

@test "--root may stand anywhere, once" {
    init
    local a=$BIN/gapferry-agent
    "$a" card --root s >/dev/null
    "$a" card --root=s --json >/dev/null
    run --separate-stderr "$a" --root s card --root s
    [ "$status" -eq 64 ]
    run --separate-stderr "$a" card --root
    [ "$status" -eq 64 ]
}

@test "a failure is an object too where facts were wanted as JSON" {
    run --separate-stderr A status --json
    [ "$status" -eq 78 ]
    [ "$(jq -r .error.name <<<"$output")" = config ]
    [ "$(jq -r .error.exit <<<"$output")" = 78 ]
}

@test "no command opens a socket that leaves the site" {
    command -v strace || skip "no strace"
    licensing
    mkdir usb
    local command
    for command in status preview 'license check' 'sync usb'; do
        # shellcheck disable=SC2086 # words
        strace -f -e trace=network -o trace "$BIN/gapferry-agent" --root s $command || true
        [ -s trace ]
        absent grep -E 'AF_INET|AF_NETLINK|AF_PACKET' trace
    done
}

# ---- help, completion, manual ----

COMMANDS='init trust card consent record preview source id license updates sync status config'

# The long options in a command's help; --root stands for all commands in one place.
options_of() {
    A "$1" --help | sed '/^Example/,$d' | grep -oE '^ +(-[a-zA-Z],)? *--[a-z-]+' | grep -oE -- '--[a-z-]+' | grep -vx -- --root
}

@test "help: each command has it, within 80 columns" {
    local command
    A --help | grep -q 'usage: gapferry-agent '
    [[ $(A --version) =~ ^gapferry-agent\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    for command in $COMMANDS; do
        A --help | grep -q "^  $command "
        A "$command" --help | grep -q "^usage: gapferry-agent $command "
        [ "$(A "$command" -h)" = "$(A help "$command")" ]
        [ "$(A "$command" --help | wc -L)" -le 90 ]
        [ -n "$(options_of "$command")" ]
    done
    refused 64 'did you mean record?' recrod
    refused 64 'see gapferry-agent --help' frobnicate
    refused 64 'no command given'
}

@test "the manual has each option of each command, in the right section" {
    local command section
    for command in $COMMANDS; do
        section=$(awk -v head="# ${command^^}" '$0 == head { on = 1; next } /^# / { on = 0 } on' \
            "$SOURCE/docs/man/gapferry-agent.8.scd")
        diff <(grep -oE '^\*-.*' <<<"$section" | grep -oE -- '--[a-z-]+' | sort) \
            <(options_of "$command" | grep -vx -- --help | sort) || fail "$command"
    done
}

@test "the manual has each key of the configuration" {
    init
    local section key
    section=$(awk '$0 == "# CONFIGURATION" { on = 1; next } /^# / { on = 0 } on' "$SOURCE/docs/man/gapferry-agent.8.scd")
    while read -r key; do
        grep -qF "*$key*" <<<"$section" || fail "$key"
    done < <(grep -oE '^ *\{"[a-z]+", [01], "[a-z_]+"' "$SOURCE/agent/agent_keys.c" | sed -E 's/.*"([a-z_]+)"$/\1/' | sort -u)
}

@test "the manual shows the sections of the configuration in the quotes that they need" {
    command -v man >/dev/null || skip "man is not installed: how the page looks was not tried"
    local section
    [ -s "$BIN/../docs/gapferry-agent.8" ] || skip "scdoc is not installed: there is no page"
    man -l "$BIN/../docs/gapferry-agent.8" >page 2>/dev/null
    for section in $(sed -n 's/^ *{"\([a-z]*\)", 1, .*/\1/p' "$SOURCE/agent/agent_keys.c" | sort -u); do
        grep -qFx "   [$section \"NAME\"]" page || fail "$section"
    done
}

@test "every option in --help is completed, and nothing else" {
    local command
    # shellcheck source=/dev/null
    source "$SOURCE/scripts/completion/gapferry-agent.bash"
    for command in $COMMANDS; do
        diff <(options_of "$command" | sort) <(_gapferry_agent_options "$command" | tr ' ' '\n' | sort)
    done
    COMP_WORDS=(gapferry-agent --root x rec) COMP_CWORD=3
    _gapferry_agent
    [ "${COMPREPLY[*]}" = record ]
    COMP_WORDS=(gapferry-agent license ch) COMP_CWORD=2
    _gapferry_agent
    [ "${COMPREPLY[*]}" = check ]
    COMP_WORDS=(gapferry-agent trust x --du) COMP_CWORD=3
    _gapferry_agent
    [ "${COMPREPLY[*]}" = --duty ]
}
