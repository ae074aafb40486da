#!/usr/bin/env bats
# shellcheck disable=SC2154 # trip.bash sets out and err
# ledger.bats -- the relay's memory: what it forgets in time, and what it does not.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

# count TABLE: its rows.
count() { sqlite3 "file:$RSTATE/relay.db?mode=ro" "SELECT count(*) FROM $1"; }

# later SPAN COMMAND...: the relay's clock stands there.
later() {
    local span=$1
    shift
    faketime -f "$span" "$BIN/gapferry-relay" --root relay "$@"
}

relay_start() {
    "$BIN/gapferry-relay" --root relay run 2>>run.log 3>&- &
    RUN=$!
    soon curl -sf -o /dev/null "http://127.0.0.1:$port/healthz"
}

relay_stop() { # [SIGNAL]
    [ -n "${RUN:-}" ] || return 0
    kill -"${1:-TERM}" "$RUN" 2>/dev/null || true
    wait "$RUN" 2>/dev/null || true
    RUN=
}

teardown() {
    relay_stop KILL
    vendor_stop KILL
    if [ -n "${HOLDER:-}" ]; then kill "$HOLDER" 2>/dev/null || true; fi
}

@test "what is acknowledged is forgotten after 400 days, and takes no effect when it comes again" {
    command -v faketime >/dev/null || skip "faketime is not installed: no year went by"
    local trip oldest code port
    port=$(free_port)
    ready
    mkdir old
    for trip in 1 2 3; do
        users "$trip" >/dev/null
        home
        cp usb/GAPFERRY/to-relay/*.gfb old/
        there
        [ "$trip" != 2 ] || oldest=$(find old -newer marker -name '*.gfb')
        touch marker
    done
    home
    there
    [ "$(count record)" = 3 ]
    gives 75 later +11y sync usb
    says 'is it right' 'nothing is removed for its age'
    gives 0 later +399d sync usb
    [ "$(count record)" = 3 ]
    gives 0 later +401d sync usb
    # The newest one stays, since rows are given once.
    grep -q 'pruned.*records=2' .err || fail "$err"
    [ "$(count record) $(count line)" = '1 1' ]
    gives 0 R audit verify
    R audit export | jq -r .line | grep -q '"event":"prune","records":2' || fail "$(R audit export)"
    # The drives of those trips are found in a drawer.
    cp old/*.gfb usb/GAPFERRY/to-relay/
    gives 0 later +402d sync usb
    says 'seen before'
    [ "$(count record)" = 1 ]
    [ "$(tally .requests)" = 3 ] || fail "$(tally .)"
    # By HTTPS it is answered, too, as one that was seen.
    printf '[listen]\naddress = 127.0.0.1\nport = %s\n' "$port" >>relay/etc/gapferry/relay.conf
    relay_start
    code=$(curl -s -o body -w '%{http_code}' -H 'Content-Type: application/vnd.gapferry.bundle' \
        --data-binary "@$oldest" "http://127.0.0.1:$port/v1/bundles")
    [ "$code" = 200 ] || fail "$code $(cat body run.log)"
    relay_stop
    [ "$(count record)" = 1 ]
    # What is new goes its way.
    users 4 >/dev/null
    home
    there
    home
    [ "$(state delivered)" = 4 ] || fail "$(state)"
    agree
}

# ---- quotas ----

# post FILE: by HTTPS (here HTTP, to this machine); $code, and the reply in body and head.
post() {
    code=$(curl -s -o body -D head -w '%{http_code}' -H 'Content-Type: application/vnd.gapferry.bundle' \
        --data-binary "@$1" "http://127.0.0.1:$port/v1/bundles")
}

@test "an agent's own quota goes before the common one, also for its successor; 429 says when to come again" {
    local conf=relay/etc/gapferry/relay.conf port own code
    port=$(free_port)
    ready
    own=$(A card --fingerprint)
    printf '[listen]\naddress = 127.0.0.1\nport = %s\n' "$port" >>"$conf"
    printf '[relay]\nquota_bundles_per_day = 1\n[agent "%s"]\nquota_bundles_per_day = 2\n' "${own,,}" >>"$conf"
    gives 0 R config check
    gives 0 R config show
    says "[agent \"${own,,}\"] quota_bundles_per_day = 2"
    users 1 >/dev/null && home && there
    users 2 >/dev/null && home && there
    gives 0 R status
    [[ $out != *'over quota'* ]]
    users 3 >/dev/null && home
    gives 75 R sync usb
    says "1 bundle beyond its sender's quota waits" 'brought 2 bundles in 24 hours'

    # By HTTPS it is 429, and when it may come again.
    relay_start
    post usb/GAPFERRY/to-relay/*.gfb
    [ "$code" = 429 ] || fail "$code $(cat body)"
    grep -qiE '^Retry-After: [0-9]+' head || fail "$(cat head)"
    jq -e '.error.code == "limit"' body || fail "$(cat body)"
    relay_stop

    # status: which sender, how much, since when, which rule, and what to do.
    gives 0 R status
    says "over quota   $own: 1 bundle of" 'beyond its quota_bundles_per_day' "next         nothing, if that may wait; else give its sender more, in [agent \"$own\"]"
    [ "$(fact '.over_quota[0] | "\(.agent) \(.bundles) \(.rule)"' R status)" = "$own 1 quota_bundles_per_day" ]

    # Whoever succeeds it is meant, too; what waited is then waiting no more.
    sed -i 's/^quota_bundles_per_day = 2/quota_bundles_per_day = 0/' "$conf"
    gives 0 A rotate
    home
    there
    gives 0 R status
    [[ $out != *'over quota'* ]] || fail "$out"
    [ "$(tally .requests)" = 3 ]
    users 4 >/dev/null && home && there
    [ "$(tally .requests)" = 4 ]
}

@test "a section for an agent names one: no other word, and who is not known is asked about" {
    local conf=relay/etc/gapferry/relay.conf own near id
    ready
    home
    there
    own=$(A card --fingerprint)
    printf '[agent "site"]\nquota_bytes = 1M\n' >>"$conf"
    gives 78 R config check
    says "relay.conf:$(grep -n '"site"' "$conf" | cut -d: -f1): [agent \"site\"]: is not a fingerprint"
    sed -i "s/\[agent .*/[agent \"$own\"]/; s/quota_bytes = 1M/quota_byte = 1M/" "$conf"
    gives 78 R config check
    says 'did you mean quota_bytes?'
    near=${own%?}$([[ $own == *A ]] && echo B || echo A)
    sed -i "s/\[agent .*/[agent \"$near\"]/; s/quota_byte = 1M/quota_bytes = 1M/" "$conf"
    gives 0 R config check
    says "is nobody who was let in here; did you mean $own?"
    sed -i "s/\[agent .*/[agent \"$own\"]/" "$conf"
    gives 0 R config check
    [ -z "$err" ] || fail "$err"

    # What the operator calls it is shown for its card, which has no name on a drive.
    sed -i "s/quota_bytes = 1M/name = \"Plant 7\"/" "$conf"
    gives 0 R config check
    [ -z "$err" ] || fail "$err"
    [ "$(fact '.agents[0].name' R agents)" = 'Plant 7' ]
    [ "$(fact '.agents[0].name' R status)" = 'Plant 7' ]
    gives 0 R agents
    says "$own" 'Plant 7'
    # So are its records, and picked by it.
    id=$(users 1)
    home
    there
    gives 0 R records list --agent 'Plant 7'
    says "$id  delivered  agent Plant 7  metrics"
    [ "$(fact '.records[0].name' R records list)" = 'Plant 7' ]
    gives 0 R records show "$id"
    says 'called       Plant 7'
    gives 66 R records list --agent 'Plant 8'
    says 'no agent of this fingerprint, id or name'
    sed -i "s/name = .*/name = $(printf '%0300d' 0)/" "$conf"
    gives 78 R config check
    says 'name must have 1 to'
}

# ---- a full disk ----

# small SIZE: the relay is on a disk of this size, in a mount namespace that ends with its holder.
small() {
    unshare -m true 2>/dev/null || skip "cannot mount a file system here: $BATS_TEST_DESCRIPTION was not tried"
    mkdir relay
    rm -f mounted
    unshare -m --propagation private bash -c '
        mount -t tmpfs -o size="$1",mode=0755 none relay || exit
        : >mounted
        exec sleep 600' _ "$1" 3>&- &
    HOLDER=$!
    soon [ -e mounted ]
    # A path is looked up where the process stands, so it goes there once it is inside.
    inside() { nsenter --mount="/proc/$HOLDER/ns/mnt" bash -c 'cd "$1" && shift && exec "$@"' _ "$PWD" "$@"; }
    R() { inside "$BIN/gapferry-relay" --root relay "$@"; }
}

# leave KIB: only so much of the disk is free.
leave() {
    inside bash -c '
        rm -f relay/filler
        free=$(($(stat -fc "%a * %S / 1024" relay)))
        [ "$free" -le "$1" ] || head -c $(((free - $1) * 1024)) /dev/zero >relay/filler' _ "$1"
}

# full: the relay's sync ends as on a full disk, and says so and what to do; $out.
full() {
    local status=0
    R sync usb >.out 2>&1 || status=$?
    out=$(cat .out)
    case $status in
    0 | 75) return 1 ;;
    73 | 74) ;;
    *) fail "status $status: $out" ;;
    esac
    [[ $out == *'make room'* || $out == *'No space left on device'* ]] || fail "$out"
}

# entries: records of any state that the ledger has.
entries() { fact '[.channels[][] | numbers] | add // 0' R status; }

long() { jq -nc --argjson n "$1" '{users: $n, edition: ("x" * 3000)}' | A record metrics - >/dev/null; }

@test "a ledger on a full disk: told, nothing lost or doubled, and it goes on once there is room" {
    local free i met=
    small 8m
    mkdir usb
    vendor_start
    site_init
    R init >/dev/null
    relay_conf | inside tee -a relay/etc/gapferry/relay.conf >/dev/null
    inside cat "$RSTATE/keys/card" >card
    A trust card --yes --fingerprint "$(R card --fingerprint)" >/dev/null
    R approve "$(A card --fingerprint)" >/dev/null

    # By default 64 MiB are kept free: not even a copy of the bundle is made.
    for i in 1 2 3 4 5 6 7 8 9; do long "$i"; done
    home
    full
    says '57 MiB more are needed' keep_free 'it was left on the drive'
    [ "$(bundles to-relay)" = 1 ]
    inside sed -i 's/^\[relay\]/&\nkeep_free = 0/' relay/etc/gapferry/relay.conf

    # Coming in: at the copy, while unpacking, in the ledger. How much that takes may change, so
    # once all of it fits nothing is to be delivered yet.
    vendor_stop
    for free in 0 8 24 40 60 80 100; do
        leave "$free"
        full || continue
        [ "$(entries)" = 0 ] || fail "$(R status)"
        met+=$out
    done
    for i in 'left on the drive' 'there is room for' 'relay.db: '; do [[ $met == *"$i"* ]] || fail "$i: $met"; done

    # Going out: what became of a record, and the response.
    leave 100000
    R sync usb >.out 2>&1 || [ "$?" -eq 75 ] || fail "$(cat .out)"
    vendor_start
    met=
    for ((free = 0; free <= 60; free += 4)); do
        leave "$free"
        ! full || met+=$out
    done
    for i in 'forwarding: ' 'response: '; do [[ $met == *"$i"* ]] || fail "$i: $met"; done

    # Room is made: all of it arrives, once, and the site hears so.
    leave 100000
    there
    home
    [ "$(state)" = 'delivered 9' ] || fail "$(state)"
    agree
    gives 0 R audit verify
}

@test "a bundle that grows in the ledger leaves what is to be kept free, and is taken once there is room" {
    local before
    small 24m
    mkdir usb got
    site_init
    R init >/dev/null
    inside sed -i 's/^\[relay\]/&\nkeep_free = 17M/' relay/etc/gapferry/relay.conf
    inside cat "$RSTATE/keys/card" >card
    A trust card --yes --fingerprint "$(R card --fingerprint)" >/dev/null
    R approve "$(A card --fingerprint)" >/dev/null
    long 1
    home
    "$BIN/gapferry-bundle" unpack -i "$STATE/keys" -f "$STATE/keys/card" -C got usb/GAPFERRY/to-relay/*.gfb >/dev/null
    rm usb/GAPFERRY/to-relay/*.gfb
    jq -c '.body = "" | .type = "a/b"' got/records.jsonl >one
    awk '{ for (i = 0; i < 20000; i++) { s = $0; sub(/......","channel"/, sprintf("%06x\",\"channel\"", i), s); print s } }' one >many
    "$BIN/gapferry-bundle" pack -i "$STATE/keys" -t card --kind request --records many \
        -o usb/GAPFERRY/to-relay/22222222222222222222222222222222.gfb >/dev/null
    [ "$(stat -c %s many)" -gt 4000000 ] && [ "$(stat -c %s usb/GAPFERRY/to-relay/*.gfb)" -lt 100000 ]

    # Its 4.7 MB would fit beside what is kept free; what the ledger makes of them would not.
    before=$(inside stat -fc %a relay)
    gives 73 R sync usb
    says 'incoming/' 'more are needed on this disk' keep_free 'is tried again by the next sync'
    [ "$(bundles to-relay)" = 1 ]
    [ "$(entries)" = 0 ] || fail "$(R status)"
    # All but the bundle's own copy is free again.
    [ $((before - $(inside stat -fc %a relay))) -lt 100 ] || fail "$before $(inside stat -fc %a relay)"

    # Room is made.
    inside mount -o remount,size=100m relay
    gives 75 R sync usb
    says '1 bundle, 20000 records'
    [ "$(bundles to-relay)" = 0 ]
    [ "$(entries)" = 20000 ] || fail "$(R status)"
}
