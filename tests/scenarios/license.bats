#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031,SC2034 # trip.bash sets out, err and URL, and uses SITE and RELAY
# license.bats -- licences through their lives: renewed, repaired, given up, moved; Keygen's files;
# clocks; and what is refused.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

# An agent that was built in June 2024, for scenarios that are in that year: the time floor begins
# where a program was built.
OF_2024=${GAPFERRY_AGENT_2024:-$BIN/../tests/agent-of-2024}

need() { # TOOL
    command -v "$1" >/dev/null || skip "$1 is not installed: $BATS_TEST_DESCRIPTION was not tried"
}

# The licence that the vendor gave out last, as a file.
given() {
    jq -j 'select(.path == "/license" and (.answer | startswith("{\"format\": \"gapferry-license/1\""))).answer' v/tally.jsonl |
        awk '/^\{/ { text = "" } { text = text $0 "\n" } END { printf "%s", text }'
}

# A licensed site: the first trip is made.
licensed() {
    ready
    license_request >/dev/null
    home && there && home
    gives 0 A license check --strict
    given >first
}

# The machine becomes another one: what its factors are salted with is lost.
other_machine() {
    sqlite3 "$STATE/agent.db" "UPDATE fact SET data = zeroblob(16) WHERE name = 'license-salt'"
}

# This machine has at least one factor, else licences here are bound to nothing.
bound() {
    sed '/^untrusted comment/,$d' first | jq -e '.fingerprint != null' >/dev/null ||
        skip "this machine has no factor: $BATS_TEST_DESCRIPTION was not tried"
}

# A licence as its vendor would sign it, for product demo, changed by a jq filter.
signed() { # NAME [FILTER [KEY]]
    need minisign
    jq -n '{format: "gapferry-license/1", id: "L-1", product: "demo", issued: (now - 3600 | floor | todate),
        expires: (now + 8640000 | floor | todate), policy: {warn_days: 30, grace_days: 14, then: "block"}}
        | '"${2:-.}" >"$1.json"
    minisign -S -s "${3:-v/vendor.key}" -m "$1.json" -x "$1.sig" >/dev/null </dev/null
    cat "$1.json" "$1.sig" >"$1"
}

id_of() { fact '.licences[] | select(.product == "demo").id' A license status; }

# ---- renewal ----

@test "renewal: the old licence stays in force until the new one is here, and keeps its id" {
    licensed
    local old
    old=$(id_of)
    sleep 1.1 # so that the new one is issued later
    gives 0 A license renew
    says "licence $old stays in force until the new one is here: valid until"
    A preview license --json | jq -r '.channels[0].records[-1].body' >asked
    [ "$(jq -c '[.product, .key, .contact, .renews.license, .renews.why, .renews.proof]' asked)" = \
        "[\"demo\",\"AAAA-BBBB\",\"ops@example.org\",\"$old\",\"renewal\",null]" ]
    home && there
    gives 0 A license check --strict
    home
    given >second
    absent cmp -s first second
    [ "$(id_of)" = "$old" ]
    [ "$(fact '.licences[0].issued' A license status)" = "$(sed '/^untrusted/,$d' second | jq -r .issued)" ]

    # The first one does not come back by itself.
    gives 82 A license install first
    says 'was issued later; it stays, unless you say --force'
    gives 0 A license install second
    says 'was installed already'
    gives 0 A license install first --force
    [ "$(fact '.licences[0].issued' A license status)" = "$(sed '/^untrusted/,$d' first | jq -r .issued)" ]
}

@test "renewal needs a licence, and the key where the request is not there any more" {
    ready
    gives 90 A license renew
    says 'no licence is installed; ask for one:'
    gives 90 A license renew --product demo
    signed l
    gives 0 A license install l
    gives 64 A license renew
    says '--key KEY'
    gives 0 A license renew --key AAAA-BBBB --count seats=7
    [ "$(A preview license --json | jq -c '.channels[0].records[-1].body | fromjson | [.renews.license, .counts]')" = '["L-1",{"seats":7}]' ]
}

# ---- repair ----

@test "repair: says which factors match, and gets the same licence for the machine as it is" {
    licensed
    bound
    local old
    old=$(id_of)
    gives 0 A license repair
    says 'nothing to repair: this is the machine that it was made for' matches
    other_machine
    gives 93 A license check
    gives 0 A license repair
    says changed '0 of its '
    [ "$(A preview license --json | jq -r '.channels[0].records[-1].body | fromjson | .renews | "\(.license) \(.why)"')" = "$old repair" ]
    sleep 1.1
    home && there && home
    gives 0 A license check --strict
    [ "$(id_of)" = "$old" ]
    gives 0 A license repair --json
    [ "$(jq -c '[.factors_matching >= .factors_needed, .record]' <<<"$out")" = '[true,null]' ]
}

# ---- giving up, and moving ----

@test "deactivation: proven to the vendor, and never accepted here again" {
    licensed
    local old
    old=$(id_of)
    gives 64 A license deactivate
    says 'cannot be taken back'
    gives 64 A license deactivate --product demo
    says 'for good' --yes
    gives 0 A license check
    gives 0 A license deactivate --product demo --yes
    says "licence $old of product demo is deactivated"
    gives 90 A license check
    says 'no licence is installed; ask for one'
    gives 0 A license status
    says 'deactivation ' ' for demo: queued since'
    gives 82 A license install first
    says 'was deactivated on this machine on 20'
    gives 82 A license install first --force
    gives 0 A license list
    says "demo: $old, deactivated here on 20"
    home && there && home
    gives 90 A license check
    says 'no licence is installed; ask for one'
    [ "$(A license status)" = 'no licence is installed' ]
    [ "$(fact .records.delivered A status)" = 2 ]
    [ "$(tally '[.effects[] | select(.path == "/license")] | length')" = 2 ]
    jq -j 'select(.answer | startswith("{\"deactivated\"")).answer' v/tally.jsonl | grep -qF "$old"
    gives 0 A history
    says license-deactivated "$old"
}

@test "deactivation: a backup of the database does not bring the licence back" {
    licensed
    local old
    old=$(id_of)
    cp "$STATE/agent.db" backup.db
    gives 0 A license deactivate --product demo --yes
    [ "$(wc -c <"$STATE/license.gone")" = 65 ]
    cp backup.db "$STATE/agent.db"
    gives 0 A restore
    gives 95 A license check
    says "licence $old was deactivated on this machine" 'license deactivate --product demo'
    gives 82 A license install first --force
    says 'was deactivated on this machine'
    # What told its vendor was lost with the database.
    gives 0 A license deactivate --product demo --yes
    gives 90 A license check
    home && there && home
    jq -j 'select(.answer | startswith("{\"deactivated\"")).answer' v/tally.jsonl | grep -qF "$old"
    # Nor does a new one.
    signed l
    gives 0 A license install l
    gives 0 A license deactivate --product demo --yes
    rm "$STATE/agent.db"
    gives 75 A restore
    A trust v/vendor.pub --duty license >/dev/null
    gives 82 A license install l
    says license.gone
    # Another licence is no worse for it.
    signed l '.id = "another"'
    gives 0 A license install l
    gives 0 A license check
}

@test "deactivation: says that a request is under way, whose answer would find nothing" {
    licensed
    gives 0 A license renew
    says 'stays in force'
    gives 0 A license deactivate --product demo --yes
    says 'under way'
}

@test "deactivation: minisign verifies the proof by the key of the card" {
    need minisign
    licensed
    gives 0 A license deactivate --product demo --yes --proof proof
    sed '/^untrusted comment/,$d' proof >p.json
    sed -n '/^untrusted comment/,$p' proof >p.json.minisig
    minisign -V -P "$(A card | sed '/^untrusted/,$d' | jq -r .sign 2>/dev/null || jq -r .sign p.json)" -m p.json >/dev/null
    [ "$(jq -r .sign p.json)" = "$(sed -n 2p "$STATE/keys/sign.pub")" ]
    [ "$(jq -r .format p.json)" = gapferry-deactivation/1 ]
    # It is written before the licence is given up, and never over anything.
    SITE=other
    site_init
    A trust v/vendor.pub --duty license >/dev/null
    signed l
    gives 0 A license install l
    gives 73 A license deactivate --product demo --yes --proof proof
    gives 0 A license check
}

@test "deactivation: with new keys since, the key of the licence's request verifies the proof" {
    need minisign
    licensed
    local old new
    old=$(sed -n 2p "$STATE/keys/sign.pub")
    gives 0 A rotate
    new=$(sed -n 2p "$STATE/keys/sign.pub")
    gives 0 A license deactivate --product demo --yes --proof proof
    sed '/^untrusted comment/,$d' proof >p.json
    [ "$(jq -r .sign p.json)" = "$new" ]
    grep -A 3 '^untrusted comment' proof | split -l 4 - sig.
    cp sig.aa p.json.minisig
    minisign -V -P "$new" -m p.json >/dev/null
    cp sig.ab p.json.minisig
    minisign -V -P "$old" -m p.json >/dev/null
    # The vendor takes it; what the old key said of an earlier response comes too late.
    home
    R sync usb >/dev/null 2>&1 || true
    home
    [ "$(fact .records.delivered A status)" = 2 ]
}

@test "transfer: deactivated here with a proof, licensed there" {
    licensed
    local old
    old=$(id_of)
    gives 0 A license deactivate --product demo --yes --proof proof
    SITE=other
    site_init
    A trust relay/var/lib/gapferry/relay/keys/card --yes --fingerprint "$(R card --fingerprint)" >/dev/null
    R approve "$(A card --fingerprint)" >/dev/null
    A trust v/vendor.pub --duty license >/dev/null
    gives 64 A license request --product demo --key AAAA-BBBB --proof proof
    says '--license ID'
    # Without a proof the vendor says no.
    A license request --product demo --key AAAA-BBBB --license "$old" >/dev/null
    home
    gives 0 R sync usb
    A sync usb >/dev/null || true
    gives 0 A license status
    says 'Nothing proves that this licence was deactivated'
    gives 0 A license request --product demo --key AAAA-BBBB --license "$old" --proof proof
    home && there && home
    gives 0 A license check --strict
    [ "$(fact '.licences[0].id' A license status)" != "$old" ]
}

@test "transfer: the record of the first machine is proof enough; a renewal there is too late" {
    licensed
    local old
    old=$(id_of)
    cp -r site cloned
    gives 0 A license deactivate --product demo --yes
    home && there && home
    gives 0 A license request --product demo --key AAAA-BBBB --license "$old"
    home && there && home
    gives 0 A license check --strict
    [ "$(id_of)" != "$old" ]
    # Whoever kept a copy of the old state cannot renew it.
    SITE=cloned
    gives 0 A license renew
    A preview license --json | jq -j '.channels[0].records[-1].body' >late
    [ "$(curl -s -o answer -w '%{http_code}' --data-binary @late "$URL/license")" = 422 ]
    grep -qF 'was deactivated' answer
}

# ---- what is refused ----

@test "bad licences: another machine's, wrongly signed, without the duty, never asked for" {
    ready
    signed l '.fingerprint = {k: 1, factors: {"machine-id": ("0" * 64)}}'
    gives 93 A license install l
    says 'is for another machine: 0 of its factors match, 1 must'
    "$BIN/gapferry-bundle" keygen --role vendor k/stranger >/dev/null
    signed l . k/stranger/sign.key
    gives 80 A license install l
    gives 0 A trust k/stranger/sign.pub --duty update,card
    gives 80 A license install l
    gives 0 A trust k/stranger/sign.pub --duty license
    gives 0 A license install l
    signed l '.product = "other" | .nonce = "0" * 32'
    gives 95 A license install l
    says 'has not made'
    signed l '.product = "other"'
    sed -i 's/"block"/"warn"/' l
    gives 80 A license install l
    gives 90 A license check --product other
}

@test "bad licences: an ended one is told as ended, a replayed answer has no effect" {
    licensed
    signed l '.product = "old" | .issued = "2020-01-01T00:00:00Z" | .expires = "2020-02-01T00:00:00Z"'
    gives 0 A license install l
    gives 92 A license check --product old
    says 'old: ended on 2020-02-01T00:00:00Z'
    # The same response again, and the same answer in a state that has had a later licence since.
    cp -r usb again
    sleep 1.1
    gives 0 A license renew --product demo
    home && there && home
    local now
    now=$(A license status --json | jq -c '[.licences[] | {product, id, issued}]')
    home again
    home
    [ "$(A license status --json | jq -c '[.licences[] | {product, id, issued}]')" = "$now" ]
}

# ---- clocks ----

@test "clocks: an hour back is nothing, 1970 is told and costs nothing, 2106 is asked about" {
    need faketime
    licensed
    gives 0 faketime -f -1h "$BIN/gapferry-agent" --root site license check --strict
    absent grep -qF clock .out
    gives 0 faketime '1970-01-02 00:00:00' "$BIN/gapferry-agent" --root site license check
    says 'the clock is in doubt' 'clock says 1970-01-02' 'set the clock' "policy lets the product run"
    gives 94 faketime '1970-01-02 00:00:00' "$BIN/gapferry-agent" --root site license check --strict
    gives 92 faketime '2106-02-07 06:28:16' "$BIN/gapferry-agent" --root site license check
    says 'ended on' 'clock says 2106-02-07' 'is it right?'
    # Looking with a wrong clock has changed nothing.
    gives 0 A license check --strict
    # What ended before the floor has ended, whatever the clock says.
    signed l '.product = "old" | .issued = "2020-01-01T00:00:00Z" | .expires = "2020-02-01T00:00:00Z"'
    gives 0 A license install l
    gives 92 faketime '2020-01-15 00:00:00' "$BIN/gapferry-agent" --root site license check --product old
}

@test "clocks: only what a vendor has signed raises the floor, and it never sinks" {
    licensed
    signed l '.product = "later" | .issued = (now + 86400 * 100 | floor | todate) | .expires = null'
    gives 0 A license install l
    gives 94 A license check --product later --strict
    gives 0 A license check --product later
    # The other vendors' and products' licences go on: the clock is told, not punished.
    gives 0 A license check --product demo
    says 'the clock is in doubt' 'set the clock'
    gives 94 A license check --product demo --strict
    users 1 >/dev/null
    [ "$(A preview metrics --json | jq -r '.channels[0].records[-1].clock')" = behind ]
    # A slip of a thousand years does not raise it for ever.
    local floor
    floor=$(fact .time_floor A license status)
    signed l '.product = "slip" | .issued = "2999-01-01T00:00:00Z" | .expires = null'
    gives 0 A license install l
    [ "$(fact .time_floor A license status)" = "$floor" ]
}

@test "a snapshot of the state put back: the older licence holds, a later answer is asked for again" {
    licensed
    cp -r site snapshot
    sleep 1.1
    gives 0 A license renew
    home && there && home
    given >second
    rm -r site
    mv snapshot site
    gives 0 A license check --strict
    gives 95 A license install second
    says 'has not made'
    sleep 1.1
    gives 0 A license renew
}

# ---- Keygen ----

# A file in Keygen's form: its JSON, changed by a jq filter.
keygen() { # NAME KIND SECRET [FILTER]
    need node
    jq -n --arg kind "$2" '{data: {id: "6f9d4f10-0000-4000-8000-000000000001", type: "\($kind)s",
        attributes: {name: "Test", key: "KEY-1", expiry: null, metadata: {ratio: 0.5}},
        relationships: {product: {data: {type: "products", id: "p-1"}}, license: {data: {type: "licenses", id: "l-1"}}}},
        included: [{type: "entitlements", id: "e-1", attributes: {code: "A"}}],
        meta: {issued: "2026-01-02T03:04:05.678Z", expiry: null, ttl: null}} | '"${4:-.}" |
        node "$SOURCE/tests/support/keygen.mjs" keygen.pem "$2" "$3" >"$1"
    KEYGEN=$(node "$SOURCE/tests/support/keygen.mjs" keygen.pem)
}

@test "Keygen: files that another program has made hold, plain and encrypted" {
    site_init
    keygen plain license ''
    gives 77 A license install plain
    says 'trust --keygen PUBLICKEY'
    gives 0 A trust --keygen "$KEYGEN" --name acme
    says 'vendor acme is trusted with: license'
    gives 0 A license install plain --product demo
    says 'of product demo is installed: valid, without end'
    gives 0 A license check --strict
    gives 0 A license status --json
    [ "$(jq -c '.licences[0] | [.form, .features, .keygen.metadata, .keygen.product_id]' <<<"$out")" = \
        '["keygen",["A"],{"ratio":"0.5"},"p-1"]' ]
    keygen sealed license KEY-1 '.data.id = "l-2" | .meta.issued = "2026-01-03T00:00:00Z"'
    gives 95 A license install sealed
    says 'it opens with --key LICENSEKEY'
    gives 95 A license install sealed --key KEY-2
    says 'does not open with this licence key'
    gives 0 A license install sealed --key KEY-1
    gives 0 A license check --product p-1 --strict
    # What opens it is kept, and shown nowhere.
    A license status --json >said
    A license list >>said
    absent grep -qF KEY-1 said
}

@test "Keygen: the vendor's key may come with the file, if it has signed it" {
    site_init
    keygen plain license ''
    gives 64 A license install plain --vendor-key 00
    says '64 lower-case hex digits'
    gives 80 A license install plain --vendor-key "$(printf 'e%.0s' {1..64})"
    gives 77 A license install plain
    gives 0 A license install plain --vendor-key "$KEYGEN"
    gives 0 A license check --strict
    # It signs no licence of ours, no card and no update.
    [ "$(sqlite3 "$STATE/agent.db" 'SELECT duties FROM vendor')" = 8 ]
    gives 64 A trust --keygen "$KEYGEN" --duty license,update
    gives 64 A trust --keygen "$KEYGEN" plain
}

@test "Keygen: both ends count, a machine file is for its machine, and an older one does not come back" {
    site_init
    keygen l license '' '.meta = {issued: "2026-01-02T00:00:00Z", expiry: "2026-01-09T00:00:00Z", ttl: 604800}'
    gives 0 A license install l --vendor-key "$KEYGEN" --product file
    gives 92 A license check --product file
    keygen l license '' '.data.attributes.expiry = "2026-02-01T00:00:00.000Z"'
    gives 0 A license install l --product licence
    gives 92 A license check --product licence
    says 'ended on 2026-02-01'
    keygen m machine '' '.data.attributes = {fingerprint: "AB-CD"}'
    gives 93 A license install m --product demo
    says 'machine with fingerprint AB-CD; if that is this one, say so'
    gives 93 A license install m --product demo --fingerprint EF
    gives 0 A license install m --product demo --fingerprint AB-CD
    keygen n machine 'KEY-1AB-CD' '.data.attributes = {fingerprint: "AB-CD"} | .meta.issued = "2025-01-01T00:00:00Z"'
    gives 95 A license install n --product demo --key KEY-1
    gives 82 A license install n --product demo --key KEY-1 --fingerprint AB-CD
    gives 0 A license install n --product demo --key KEY-1 --fingerprint AB-CD --force
    gives 0 A license check --product demo --strict
    sed '3s/^./?/' n >broken
    gives 65 A license install broken --key KEY-1
}

@test "Keygen: a file is an answer like any other, opened with the key and factor that were asked with" {
    need node
    ready
    vendor_script '3 reset-after /license'
    license_request KEY-1 >/dev/null
    local factor
    factor=$(A preview license --json | jq -r '.channels[0].records[0].body | fromjson | .fingerprint["machine-id"] // ""')
    [ -n "$factor" ] || skip "this machine has no machine-id: $BATS_TEST_DESCRIPTION was not tried"
    home
    gives 75 R sync usb
    # The vendor has answered and nobody heard it. It makes up its mind: a machine file.
    vendor_stop
    keygen m machine "KEY-1$factor" ".data.attributes = {fingerprint: \"$factor\"}"
    jq -c --rawfile m m 'if .path == "/license" then .answer = $m else . end' v/tally.jsonl >changed
    mv changed v/tally.jsonl
    vendor_start
    R records release >/dev/null
    there
    gives 75 A sync usb
    gives 0 A status
    says 'trust --keygen PUBLICKEY' 'refused/'
    gives 0 A trust --keygen "$KEYGEN" --name acme
    gives 0 A license install "$(ls "$STATE"/refused/*.license)" --key KEY-1 --product demo
    gives 0 A license check --product demo --strict
    # It is bound to that factor.
    other_machine
    gives 93 A license check --product demo
}

@test "Keygen: an answer becomes the licence of the product that was asked for" {
    need node
    ready
    vendor_script '3 reset-after /license'
    license_request KEY-1 >/dev/null
    home
    gives 75 R sync usb
    vendor_stop
    keygen m license KEY-1
    jq -c --rawfile m m 'if .path == "/license" then .answer = $m else . end' v/tally.jsonl >changed
    mv changed v/tally.jsonl
    vendor_start
    R records release >/dev/null
    A trust --keygen "$KEYGEN" --name acme >/dev/null
    there && home
    gives 0 A license check --product demo --strict
    gives 0 A license renew
    [ "$(A preview license --json | jq -c '.channels[0].records[-1].body | fromjson | [.key, .renews.license]')" = \
        '["KEY-1","6f9d4f10-0000-4000-8000-000000000001"]' ]
}

real() { # NAME: a real file, which is no part of this repository
    local home=${GAPFERRY_FIXTURES:-$SOURCE/../shared/fixtures}
    [ -r "$home/keygen/$1" ] || skip "$home/keygen/$1 is not there: $BATS_TEST_DESCRIPTION was not tried"
    REAL=$home/keygen/$1
}

@test "Keygen's real files: one valid in its time, the other ended" {
    need faketime
    local vendor=e8601e48b69383ba520245fd07971e983d06d22c4257cfd82304601479cee788
    real license.lic
    local license=$REAL
    real machine.lic
    site_init
    gives 0 A license install "$license" --product cpp --vendor-key $vendor --key E1FBA2-5488D8-8AC81A-53157E-01939A-V3
    gives 0 A license install "$REAL" --product python --key B10760-1B177D-656D1F-C03298-9AF89E-V3 \
        --fingerprint 198e9fe586114844f6a4eaca5069b41a7ed43fb5a2df84892b69826d64573e39
    gives 0 faketime '2024-06-01 12:00:00' "$OF_2024" --root site license check --product cpp --strict
    says 'cpp: valid until 2025-01-01T00:00:00Z'
    gives 92 faketime '2024-06-01 12:00:00' "$OF_2024" --root site license check --product python
    says 'python: ended on 2022-08-28T14:22:23Z'
    # Today the licence in the first one has ended, too, although the file itself has no end.
    gives 92 A license check --product cpp
    gives 0 A license status
    says 'Keygen licence file, C++ Examples' 'FEATURE_ENTITLEMENT_A' 'foo=bar' 'Keygen machine file'
}

# ---- the command line ----

@test "each option belongs to its verbs" {
    site_init
    gives 64 A license renew --strict
    gives 64 A license check --key K
    gives 64 A license request --product p --key K --vendor-key 00
    gives 64 A license deactivate --product p --force
    gives 64 A license list --product p
    gives 64 A license resurrect
    says 'request, install, status, check, list, renew, repair or deactivate'
    gives 90 A license deactivate --product p
    gives 90 A license repair
    gives 0 A license list --json
    [ "$(jq -c . <<<"$out")" = '{"licences":[],"deactivated":[]}' ]
}
