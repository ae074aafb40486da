#!/usr/bin/env bats
# shellcheck disable=SC2154 # trip.bash sets out and err
# commands.bats -- what the relay's operator does by hand: look, mend, give up, prove.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

# ---- the audit log ----

# The hash of line $1 of an export, by standard tools: over the hash before it and the line.
chain_hash() {
    local before
    before=$(sed -n "$(($1 - 1))p" export.jsonl | jq -r .hash)
    [ "$1" -gt 1 ] || before=$(printf '0%.0s' {1..64})
    { printf '%b' "$(sed 's/../\\x&/g' <<<"$before")"; sed -n "$1p" export.jsonl | jq -j .line; } | b2sum -l 256 | cut -c1-64
}

# change SQL: as somebody who can write the file.
change() { sqlite3 "$RSTATE/relay.db" "$1"; }

@test "audit export proves itself with standard tools, and has each line once" {
    local n lines
    ready
    users 1 >/dev/null
    home
    there
    R audit export >export.jsonl
    lines=$(wc -l <export.jsonl)
    [ "$lines" -ge 4 ]
    for ((n = 1; n <= lines; n++)); do
        [ "$(sed -n "${n}p" export.jsonl | jq .n)" = "$n" ]
        [ "$(sed -n "${n}p" export.jsonl | jq -r .hash)" = "$(chain_hash "$n")" ] || fail "line $n: $(sed -n "${n}p" export.jsonl)"
        sed -n "${n}p" export.jsonl | jq -r .line | jq -e '.at and .event' >/dev/null
        # No member comes twice.
        [ "$(sed -n "${n}p" export.jsonl | jq -r .line | jq -c .)" = "$(sed -n "${n}p" export.jsonl | jq -r .line)" ]
    done
    gives 0 R audit verify
    says "holds, $((n - 1)) lines" "$(tail -1 export.jsonl | jq -r .hash)"
    [ "$(R audit verify --json | jq .lines)" = $((n - 1)) ]
    [ -z "$(R audit export --since 2099-01-01)" ]
    diff <(R audit export --since 1d) export.jsonl
    gives 64 R audit verify --since 1d
    gives 64 R audit look
}

@test "audit verify names the first line that was changed, taken out or cut off: 65" {
    ready
    users 1 >/dev/null
    home
    there
    cp "$RSTATE/relay.db" whole
    local last
    last=$(R audit verify --json | jq .lines)

    change "UPDATE audit SET line = replace(line, 'approve', 'approvf') WHERE n = 2"
    gives 65 R audit verify
    says "relay.db: line 2 of the audit log does not hold" "Keep a copy"
    gives 65 R audit verify --json
    [ "$(jq -r .error.name <<<"$out")" = damaged ]
    # An export is all of it, and says so, too: also of what --since leaves out.
    gives 65 R audit export
    [ "$(wc -l <.out)" = "$last" ]
    grep -q 'line 2 of the audit log does not hold' .err
    gives 65 R audit export --since 2099-01-01
    [ -z "$out" ]

    cp whole "$RSTATE/relay.db"
    change "DELETE FROM audit WHERE n = 3"
    gives 65 R audit verify
    says "line 3 of" "is missing"

    cp whole "$RSTATE/relay.db"
    change "DELETE FROM audit WHERE n = $last"
    gives 65 R audit verify
    says "line $last of" "audit.head"

    cp whole "$RSTATE/relay.db"
    change "UPDATE audit SET hash = zeroblob(32) WHERE n = $last"
    gives 65 R audit verify
    says "line $last of"

    cp whole "$RSTATE/relay.db"
    gives 0 R audit verify
}

# ---- endpoints ----

@test "endpoints: listed, reached without a record, and in the firewall's list" {
    ready
    cat >>relay/etc/gapferry/relay.conf <<'CONF'
[endpoint "far"]
channel = far
url = https://vendor.invalid/in
[endpoint "behind"]
channel = behind
url = https://[2001:db8::1]:8443/in
proxy = http://127.0.0.1:9
[endpoint "two"]
channel = two
profile = form
url = https://a.invalid/x https://b.invalid:444/y
[endpoint "own"]
channel = own
profile = exec
program = /bin/true
CONF
    gives 0 R endpoints list
    says 'far  channel far' 'program /bin/true'
    [ "$(R endpoints list --json | jq -r '.endpoints[] | select(.endpoint == "behind").proxy')" = http://127.0.0.1:9 ]
    gives 0 R endpoints firewall
    diff .out - <<LIST
127.0.0.1:$PORT
vendor.invalid:443
127.0.0.1:9
a.invalid:443
b.invalid:444
LIST
    grep -q '^127.0.0.1:9: proxy of endpoint "behind", on this machine$' .err
    grep -q '^vendor.invalid:443: endpoint "far"$' .err
    diff <(R endpoints firewall --json | jq -r '.endpoints[] | "\(.host):\(.port)"' | awk '!had[$0]++') .out

    gives 0 R endpoints check
    gives 69 R endpoints check --connect
    says "usage  127.0.0.1:$PORT  ok" "far  vendor.invalid:443  no DNS" "own  connects to nothing"
    grep -q '^behind  .*:8443  proxy' <<<"$out"
    grep -A1 '^far ' <<<"$out" | grep -q '^  advice: correct the name .*; its records wait, and are tried again'
    # Whatever fails has its advice, and nothing else has.
    R endpoints check --connect --json >all || true
    jq -e '[.endpoints[] | (.stage == "ok") == (.advice == null)] | length > 2 and all' all
    # No request came there.
    [ "$(tally '.effects | length')" = 0 ]
    gives 64 R endpoints firewall --connect
    sed -i 's|^url = https://vendor.invalid|url = ftp://vendor.invalid|' relay/etc/gapferry/relay.conf
    gives 78 R endpoints firewall
}

# ---- records ----

# advised STATUS TEXT...: what the vendor answers to the only record, and what is advised.
advised() {
    local id
    vendor_script "1 status $1 /usage"
    R records release --channel metrics >/dev/null
    R forward >/dev/null 2>&1 || true
    id=$(lines | head -n 1)
    gives 0 R records show "$id"
    says "$2"
}

@test "records show: whether it is tried again by itself, and what helps" {
    ready
    users 1 >/dev/null
    home
    gives 75 R sync usb --wait 0
    advised 401 'it is not tried again by itself: give it the right credentials'
    says 'records release --endpoint usage'
    advised 403 'have its vendor permit this'
    advised 404 'correct its url'
    advised 429 'the endpoint asks for time'
    says 'tried again by itself, from 2'
    [ "$(R records show "$(lines)" --json | jq -r .advice | grep -c 'by itself')" = 1 ]
    vendor_stop
    R records retry --channel metrics >/dev/null
    R forward >/dev/null 2>&1 || true
    gives 0 R records show "$(lines)"
    says 'refused: ' 'have the service there started'
    vendor_start
    R records release --channel metrics >/dev/null
    gives 0 R forward
    gives 0 R records show "$(lines)"
    absent grep -q '^advice' <<<"$out"
}

# record_of USERS: the id under which they stand at the relay.
lines() { R records list --json "$@" | jq -r '.records[].record'; }

@test "records: listed page by page and by state, shown, tried again, dropped with a receipt" {
    local id first
    ready
    for n in 1 2 3 4 5; do users $n >>ids; done
    license_request BAD-KEY >/dev/null
    vendor_script '99 status 503 /usage'
    home
    gives 0 R sync usb
    # Page by page is the whole.
    lines >whole
    [ "$(wc -l <whole)" = 6 ]
    lines --limit 4 >pages
    lines --limit 4 --after "$(R records list --limit 4 --json | jq .more_after)" >>pages
    diff whole pages
    [ "$(R records list --json | jq .more_after)" = null ]
    R records list --limit 2 | grep -q '^there are more: go on with --after '
    [ -z "$(lines --since 2099-01-01)" ]
    gives 64 R records list --limit x
    gives 64 R records list --state never

    # The dead letter, and those that wait.
    [ "$(lines --state dead | wc -l)" = 1 ]
    gives 0 R records list --state dead
    says rejected license 422
    [ "$(lines --state open | wc -l)" = 5 ]
    [ "$(lines --agent "$(A card --fingerprint)" --channel metrics | wc -l)" = 5 ]
    R records list | grep -q "  agent $(A card --fingerprint)  metrics"
    gives 66 R records list --agent AAAA-AAAA-AAAA-AAAA-AAAA

    first=$(lines --state later --endpoint usage | head -n 1)
    gives 0 R records show "$first"
    says 'state        later' 'endpoint     usage' 'attempt      1, at ' 'HTTP 503' 'site has it'
    says 'advice       it is tried again by itself, from ' 'or by the next sync at once' "the endpoint's own"
    [ "$(R records show "$first" --json | jq -r '.attempts[0].endpoint')" = usage ]
    R records show "$first" --line | jq -r .body | grep -qxE '\{"users":[1-5]\}'
    gives 66 R records show 01a202b1-ef5a-79e3-95fa-c38da30f43d5
    gives 64 R records show nonsense
    gives 64 R records show "$first" --state delivered
    gives 66 R records show "$first" --channel other

    # Another try, at once.
    vendor_script
    gives 0 R records retry "$first"
    says '1 record that waited is due'
    gives 64 R records retry --state held
    gives 0 R records retry --json
    [ "$(jq .released <<<"$out")" = 5 ]

    # Dropped: the site learns why, and the vendor never sees it.
    id=$(grep -vxF "$first" ids | head -n 1)
    gives 64 R records drop "$id"
    gives 64 R records drop --reason x
    gives 0 R records drop "$id" --reason "sent in \"error\""
    says '1 record dropped'
    gives 66 R records drop "$id" --reason again
    says 'it is rejected; nothing of it waits or is held'
    R sync usb >/dev/null || true
    A sync usb >/dev/null || true
    [ "$(R records list --state delivered --json | jq '.records | length')" = 4 ]
    [ "$(tally '[.effects[] | select(.path == "/usage")] | length')" = 4 ]
    [ "$(sqlite3 "$STATE/agent.db" "SELECT reason FROM record WHERE reason LIKE 'sent in%'" 2>/dev/null || true)" = 'sent in "error"' ] ||
        A history --json | grep -qF 'sent in \"error\"'
    R records show "$id" | grep -q '^reason       sent in "error"'
    R audit export | jq -r .line | jq -se 'map(select(.event == "drop")) | .[0].reason == "sent in \"error\"" and .[0].records == 1'
    R audit export | jq -r .line | jq -se 'map(select(.event == "retry")) | length == 2'
    gives 0 R audit verify
}

@test "two sites and two vendors: nobody gets anything of the other's" {
    local site f ids
    ready
    SITE=north site_init
    SITE=north acquaint
    cp -r relay/etc relay.etc
    cat >>relay/etc/gapferry/relay.conf <<CONF
[endpoint "north usage"]
channel = metrics
sender = $(SITE=north A card --json | jq -r .agent)
url = $URL/license
timeout = 3s
CONF
    for n in 1 2 3; do
        users 1$n >>site.ids
        SITE=north users 2$n >>north.ids
    done
    home
    SITE=north home
    R sync usb >/dev/null || true

    # Each response holds receipts of its own site's records, and no other id.
    for f in usb/GAPFERRY/to-site/*.gfb; do
        mkdir -p open
        rm -rf ./open/x
        "$BIN/gapferry-bundle" unpack --identity "$RSTATE/keys" --from "$RSTATE/keys/card" -C open/x "$f" >/dev/null
        ids=$(jq -r .record open/x/receipts.jsonl | sort)
        cmp -s <(echo "$ids") <(sort site.ids) || cmp -s <(echo "$ids") <(sort north.ids) || fail "$f: $ids"
        if cmp -s <(echo "$ids") <(sort site.ids); then site=north; else site=site; fi
        absent grep -rqFf "$site.ids" open/x
        echo "$site" >>seen
    done
    [ "$(sort -u seen | wc -l)" = 2 ]
    # The lists by agent and by vendor part them, too.
    diff <(lines --agent "$(A card --fingerprint)" | sort) <(sort site.ids)
    diff <(lines --endpoint 'north usage' | sort) <(sort north.ids)
    # The vendor of one has seen nothing of the other.
    [ "$(tally '[.effects[] | select(.path == "/usage") | .record] | sort | join(" ")')" = "$(sort site.ids | tr '\n' ' ' | sed 's/ $//')" ]
}

# ---- a turn by hand, and another look ----

@test "import, forward, respond: a turn by hand is a turn" {
    local f
    ready
    users 1 >/dev/null
    home
    R approve --card "$STATE/keys/card" "$(A card --fingerprint)" >/dev/null
    f=$(echo usb/GAPFERRY/to-relay/*.gfb)
    gives 66 R import nowhere.gfb
    gives 66 R import "$f" nowhere.gfb
    says nowhere.gfb
    [ "$(R status --json | jq '.channels | length')" = 0 ]
    gives 0 R import "$f"
    says '1 bundle, 1 record'
    [ -e "$f" ]
    gives 0 R import "$f"
    says '1 bundle seen before'
    echo rubbish >rubbish.gfb
    gives 65 R import rubbish.gfb
    says 'rubbish.gfb' 'left where it lies'
    [ "$(tally '.effects | length')" = 0 ]
    gives 0 R forward --wait 10s
    says '1 record delivered'
    gives 64 R forward --wait x
    [ "$(tally '.effects | length')" = 1 ]
    gives 0 R respond --json
    [ "$(jq '.new_receipts' <<<"$out")" = 1 ]
    absent compgen -G 'usb/GAPFERRY/to-site/*.gfb'
    gives 0 R respond usb
    says 'safe to remove' '1 response'
    home
    [ "$(A status --json | jq .records.delivered)" = 1 ]
}

# Files of quarantine/ of which the audit log has this event.
logged() {
    R audit export | jq -r .line | jq -r --arg event "$1" 'select(.event == $event).file'
}

@test "quarantine: listed, shown, and released once it is right" {
    local name
    ready
    users 1 >/dev/null
    home
    gives 0 R quarantine list
    says 'nothing lies in quarantine'
    # A copy that was damaged on the way.
    cp -r usb bad
    name=$(echo bad/GAPFERRY/to-relay/*.gfb)
    printf 'X' | dd of="$name" bs=1 seek=5000 conv=notrunc status=none
    gives 65 R sync bad --wait 0
    # The audit log has it once, however often it comes.
    gives 65 R sync bad --wait 0
    gives 0 R quarantine list
    name=$(cut -d' ' -f1 <<<"$out" | head -n 1)
    [ "$(R quarantine list --json | jq -r '.quarantine[0].name')" = "$name" ]
    gives 0 R quarantine show "$name"
    says 'not verified' "$(A card --fingerprint)"
    [ "$(logged refused)" = "$name" ]
    gives 65 R quarantine release "$name"
    [ "$(logged look-again)" = "$name" ]
    [ "$(R quarantine list --json | jq '.quarantine | length')" = 1 ]
    # One that was cut has not even an address, and hears that, not that it is somebody else's.
    head -c 700 "$RSTATE/quarantine/$name" >"$RSTATE/quarantine/cut.gfb"
    gives 65 R quarantine release cut
    says 'quarantine drop cut.gfb'
    absent grep -q 'no bundle for this relay' <<<"$out$err"
    rm "$RSTATE/quarantine/cut.gfb"
    # Whoever else waits is none of its business.
    SITE=other site_init
    SITE=other A trust "$RSTATE/keys/card" --yes --fingerprint "$(R card --fingerprint)" >/dev/null
    SITE=other users 2 >/dev/null
    mkdir other.usb
    SITE=other A sync other.usb >/dev/null
    gives 77 R sync other.usb --wait 0
    gives 66 R quarantine show nothing
    gives 64 R quarantine release
    gives 64 R quarantine show ../relay.db

    # One that was refused for good, and is right all the same: as a newer version would find it.
    # What is noted of it is what a refusal notes.
    name=$(R quarantine list --json | jq -r '.quarantine[0].name')
    cp usb/GAPFERRY/to-relay/*.gfb "$RSTATE/quarantine/$name"
    gives 0 R quarantine release "$name"
    says '1 bundle, 1 record'
    gives 0 R quarantine list
    says 'nothing lies in quarantine'
    [ ! -e "$RSTATE/quarantine/$name.why" ]

    # What nobody wants goes, and the audit log says who let it go.
    users 3 >/dev/null
    home
    for name in usb/GAPFERRY/to-relay/*.gfb; do
        printf 'X' | dd of="$name" bs=1 seek=5000 conv=notrunc status=none
    done
    R sync usb --wait 0 >/dev/null 2>&1 || true
    name=$(R quarantine list --json | jq -r '.quarantine[0].name')
    gives 66 R quarantine drop nothing
    gives 0 R quarantine drop "$name"
    [ ! -e "$RSTATE/quarantine/$name" ]
    [ ! -e "$RSTATE/quarantine/$name.why" ]
    [ "$(logged discard)" = "$name" ]
    gives 0 R audit verify
    gives 66 R quarantine drop "$name"
}

# ---- quotas ----

@test "quota: what is over waits where it is, and is taken when there is room" {
    local conf=relay/etc/gapferry/relay.conf
    ready
    cp "$conf" plain
    printf '[relay]\nquota_bundles_per_day = 1\n' >>"$conf"
    gives 0 R config check
    users 1 >/dev/null
    home
    gives 0 R sync usb
    users 2 >/dev/null
    home
    gives 75 R sync usb
    says "1 bundle beyond its sender's quota waits" 'and its quota is' 'quota_bundles_per_day' 'it was left on the drive' \
        "raise that in [agent \"$(A card --fingerprint)\"] of "
    [ "$(R sync usb --json | jq .over_quota)" = 1 ]
    compgen -G 'usb/GAPFERRY/to-relay/*.gfb' >/dev/null
    [ "$(tally '.effects | length')" = 1 ]

    # Bytes and waiting records likewise.
    cp plain "$conf"
    printf '[relay]\nquota_bytes = 1K\n' >>"$conf"
    gives 75 R sync usb
    says '(quota_bytes)'
    cp plain "$conf"
    printf '[relay]\nquota_pending = -1\n' >>"$conf"
    gives 78 R config check

    # A disk that keeps its floor free takes nothing, and loses nothing.
    cp plain "$conf"
    printf '[relay]\nkeep_free = 900T\n' >>"$conf"
    gives 73 R sync usb
    says 'keep_free' 'it was left on the drive'
    compgen -G 'usb/GAPFERRY/to-relay/*.gfb' >/dev/null

    # A day later, or without the quota, it comes.
    cp plain "$conf"
    gives 0 R sync usb
    [ "$(tally '.effects | length')" = 2 ]

    # Records that wait are a quota of their own.
    printf '[relay]\nquota_pending = 1\n' >>"$conf"
    vendor_script '99 status 503 /usage'
    users 3 >/dev/null
    home
    gives 0 R sync usb
    users 4 >/dev/null
    home
    gives 75 R sync usb
    says '(quota_pending)'
    vendor_script
    gives 75 R sync usb
    gives 0 R sync usb
    [ "$(tally '.effects | length')" = 4 ]
}

# ---- configuration ----

@test "config check and show for programs, on both sides" {
    local conf=relay/etc/gapferry/relay.conf
    ready
    [ "$(R config check --json | jq -c .)" = "{\"file\":\"$conf\",\"warnings\":[]}" ] || fail "$(R config check --json)"
    [ "$(R config show --json | jq -r '.settings[] | select(.name == "usage" and .key == "channel") | "\(.section) \(.value) \(.from)"')" = \
        "endpoint metrics $conf:$(grep -n '^channel = metrics' "$conf" | cut -d: -f1)" ]
    [ "$(R config show --json | jq -r '.settings[] | select(.key == "every") | "\(.name) \(.value) \(.from)"')" = 'null 5m default' ]
    # As many settings as there are lines of text.
    [ "$(R config show --json | jq '.settings | length')" = "$(R config show | wc -l)" ]
    # Of an endpoint, what its profile knows, and what somebody wrote.
    printf '[endpoint "own"]\nchannel = own\nprofile = exec\nprogram = /bin/true\n' >>"$conf"
    gives 0 R config show
    says '[endpoint "own"] program = /bin/true' '[endpoint "usage"] method = '
    absent grep -E '^\[endpoint "(own|usage)"\] (refresh|artifact_max) ' .out
    absent grep '^\[endpoint "own"\] method ' .out
    [ "$(A config show --json | jq '.settings | length')" = "$(A config show | wc -l)" ]
    [ "$(A config show --json | jq -r '.settings[] | select(.name == "metrics" and .key == "allow").value')" = users,edition ]
    [ "$(A config check --json | jq -r .file)" = site/etc/gapferry/agent.conf ]
    echo 'evry = 5m' >>"$conf"
    gives 78 R config check --json
    [ "$(jq -r .error.name <<<"$out")" = config ] || fail "$out"
}

@test "config check refuses a span that is out of its range, and says which it is" {
    local conf line
    A init >/dev/null
    R init >/dev/null
    conf=relay/etc/gapferry/relay.conf
    cp $conf good
    for line in '[relay]|every = 0|from 10s to 1d' '[relay]|every = 2d|from 10s to 1d' \
        '[listen]|patience = 0|from 1s to 1h' '[endpoint "e"]|timeout = 0|from 1s to 1h' \
        '[endpoint "e"]|idempotency_retention = 0|60s at least'; do
        { cat good && printf '%s\n%s\n' "${line%%|*}" "$(cut -d'|' -f2 <<<"$line")" &&
            if [[ $line == *endpoint* ]]; then printf 'channel = e\nurl = https://e.invalid/\n'; fi; } >$conf
        gives 78 R config check
        says relay.conf: "${line##*|}"
    done
    printf '[agent]\nexport_interval = 0\n' >site/etc/gapferry/agent.conf
    gives 78 A config check
    says 'export_interval = 0: must be between 1s and 30d'
}

@test "config check warns of an OTLP endpoint at the port of gRPC" {
    local conf=relay/etc/gapferry/relay.conf
    ready
    printf '[endpoint "otel"]\nchannel = otel\nprofile = otlp\nurl = https://otel.example:4317/v1/metrics\n' >>"$conf"
    gives 0 R config check
    says "$conf:" '[endpoint "otel"] url = https://otel.example:4317/v1/metrics: port 4317 is for OTLP by gRPC' '4318'
    sed -i 's/:4317/:4318/' "$conf"
    gives 0 R config check
    [ -z "$err" ] || fail "$err"
}

@test "config check warns of a secret that everybody can read, and says what to do" {
    local conf=relay/etc/gapferry/relay.conf
    ready
    echo key >tls.key
    printf '[page]\ncert_file = %s\nkey_file = %s\n' "$PWD/v/vendor.pub" "$PWD/tls.key" >>"$conf"
    sed -i "s|^channel = license|&\ncert_file = $PWD/v/vendor.pub\nkey_file = $PWD/tls.key|" "$conf"
    chmod 0640 tls.key
    gives 0 R config check
    [ -z "$err" ] || fail "$err"
    chmod 0644 tls.key
    gives 0 R config check
    says "key_file = $PWD/tls.key: everybody on this machine can read this secret (mode 0644); chmod o= it" \
        "$conf:"
    [ "$(R config check --json | jq '.warnings | length')" = 2 ]
}
