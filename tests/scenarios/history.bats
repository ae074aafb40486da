#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2034 # trip.bash sets out and err
# history.bats -- the site's own account of what left (promise P7), from outside.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ready
    users 1 >/dev/null
    home && there && home
}

teardown() {
    vendor_stop KILL
}

@test "what left stands in the history with drive, user and digest, and opens again" {
    local bundle
    bundle=$(fact '[.events[] | select(.event == "left" and .records > 0)][0].bundle' A history)
    [ "$(fact '[.events[] | select(.event == "left")][0].user' A history)" = "$(id -un)" ]
    [ "$(fact '[.events[] | select(.event == "left")][0].place' A history)" = usb ]
    [ "$(fact '[.events[] | select(.event == "came")] | length' A history)" = 1 ]
    gives 0 A history show "$bundle"
    says '\"users\":1'
    [ "$(fact '.records[0].channel' A history show "$bundle.gfb")" = metrics ]
    gives 66 A history show 00000000000000000000000000000000
    says 400
    gives 64 A history show nonsense
}

@test "a decision about consent stands in it, and --since leaves out what is older" {
    gives 0 A consent metrics deny
    [ "$(fact '.events[-1].decision' A history)" = denied ]
    [ "$(fact '.events | length' A history --since 2100-01-01)" = 0 ]
    gives 0 A history --since 1h
    says left came
}

@test "history verify finds a changed line, a database put back, and a changed bundle" {
    local file
    gives 0 A history verify
    says 'the chain is whole'

    cp "$STATE/agent.db" older
    users 2 >/dev/null
    home
    cp "$STATE/agent.db" newer
    cp older "$STATE/agent.db"
    gives 65 A history verify
    says history.head
    cp newer "$STATE/agent.db"
    gives 0 A history verify

    file=$(find "$STATE/history" -name '*.gfb' | head -n 1)
    cp "$file" kept
    printf X | dd of="$file" bs=1 seek=3500 conv=notrunc status=none
    gives 65 A history verify
    says CHANGED "$(basename "$file")"
    cp kept "$file"

    n=$(sqlite3 "$STATE/agent.db" "SELECT min(n) FROM history WHERE CAST(line AS TEXT) LIKE '%usb%'")
    sqlite3 "$STATE/agent.db" \
        "UPDATE history SET line = CAST(replace(CAST(line AS TEXT), 'usb', 'abc') AS BLOB) WHERE n = $n"
    gives 65 A history verify
    says "BROKEN at line $n"
}

@test "a head of the history that was removed is told, nothing leaves, and restore settles it" {
    local before
    before=$(bundles to-relay)
    users 2 >/dev/null
    rm "$STATE/history.head"
    gives 65 A sync usb
    says 'history.head: is missing' 'Nothing leaves until this is settled: gapferry-agent --root site restore'
    [ ! -e "$STATE/history.head" ]
    [ "$(bundles to-relay)" = "$before" ]
    gives 0 A status
    says 'next       the database was put back, or nobody can tell' 'restore'
    A doctor >.out 2>.err || true
    grep -q 'history.head: is missing' .out || fail "$(cat .out)"
    gives 65 A history verify
    says 'history.head: MISSING' restore
    gives 0 A restore
    gives 0 A history verify
    home && there && home
    [ "$(state delivered)" = 2 ]
}

@test "init beside a head of another history or ledger: it is kept aside, and all is as with a new state" {
    mkdir -p new/var/lib/gapferry/agent new/var/lib/gapferry/relay
    chmod 700 new/var/lib/gapferry/*
    cp "$STATE/history.head" new/var/lib/gapferry/agent/
    cp "$RSTATE/audit.head" new/var/lib/gapferry/relay/
    SITE=new gives 0 A init --consent metrics=granted
    RELAY=new gives 0 R init
    cmp "$STATE/history.head" new/var/lib/gapferry/agent/history.head.before-init-*
    cmp "$RSTATE/audit.head" new/var/lib/gapferry/relay/audit.head.before-init-*
    SITE=new gives 0 A history verify
    RELAY=new gives 0 R audit verify
    SITE=new A trust new/var/lib/gapferry/relay/keys/card --yes --fingerprint "$(RELAY=new R card --fingerprint)" >/dev/null
    RELAY=new R approve "$(SITE=new A card --fingerprint)" >/dev/null
    SITE=new A record metrics - <<<'{"users":4}' >/dev/null
    mkdir drive
    SITE=new gives 0 A sync drive
    RELAY=new gives 75 R sync drive
    says '1 bundle, 1 record'
    SITE=new gives 0 A sync drive
}

@test "a bundle that left, is to be kept and is gone is named by history verify" {
    local file
    file=$(find "$STATE/history" -name '*.gfb' | head -n 1)
    mv "$file" kept
    gives 65 A history verify
    says MISSING "$(basename "$file")"
    [ "$(fact '"\(.whole) \(.lost_files) \(.first_lost)"' A history verify)" = "false 1 $(basename "$file")" ]
    mv kept "$file"
    gives 0 A history verify
    # What was pruned is said in the chain, and is not missed.
    printf '[agent]\nhistory_max = 1\n' >>site/etc/gapferry/agent.conf
    users 3 >/dev/null
    home
    [ "$(find "$STATE/history" -name '*.gfb' | wc -l)" = 0 ]
    [ "$(fact '[.events[] | select(.event == "pruned")] | length' A history)" -gt 0 ]
    gives 0 A history verify
}

@test "consent by init and consent forced by the configuration stand in the history" {
    [ "$(fact '.events[0:2][] | "\(.event) \(.decision) \(.how)"' A history)" = $'init null null\nconsent granted init --consent' ]
    printf '[channel "metrics"]\nconsent = denied\n' >site/etc/gapferry/agent.conf.more
    cat site/etc/gapferry/agent.conf.more >>site/etc/gapferry/agent.conf
    gives 0 A export
    gives 0 A export
    [ "$(fact '[.events[] | select(.event == "consent")] | length' A history)" = 2 ]
    [ "$(fact '.events[-1] | "\(.channel) \(.decision)"' A history)" = 'metrics denied' ]
    [[ $(fact '.events[-1].how' A history) == *agent.conf* ]]
    sed -i '/^consent = denied/d' site/etc/gapferry/agent.conf
    gives 0 A export
    [ "$(fact '.events[-1].decision' A history)" = 'no longer forced' ]
    gives 0 A history verify
}

@test "a consent that the configuration forces stands in the history with the first record under it" {
    printf '[channel "forced"]\nallow = *\nconsent = granted\n' >>site/etc/gapferry/agent.conf
    gives 0 A record forced - <<<'{"users":1}'
    [ "$(fact '.events[-1] | "\(.event) \(.channel) \(.decision)"' A history)" = 'consent forced granted' ]
    [[ $(fact '.events[-1].how' A history) == *agent.conf* ]]
    gives 0 A record --jsonl forced - <<<'{"users":2}'
    gives 0 A export
    [ "$(fact '[.events[] | select(.channel == "forced")] | length' A history)" = 1 ]
    gives 0 A history verify
}

@test "what was recorded is withdrawn underway: deny says where it went, and sync names the remedy" {
    mkdir -p drive
    users 5 >/dev/null
    gives 0 A sync drive
    gives 0 A consent metrics deny
    says "written to a drive" "drive/GAPFERRY/to-relay/"
    [ "$(fact '[.events[] | select(.event == "left")][-1].place' A history)" = drive ]
    sed -i 's|^url = .*/usage|&-nowhere|' relay/etc/gapferry/relay.conf
    vendor_stop KILL
    R sync drive >/dev/null || true
    gives 75 A sync drive
    says 'taken by the relay' 'gapferry-relay records reject'
}

@test "restore keeps a bundle of our own that only others can read, and it is carried" {
    printf '[agent]\nself_reader = no\n' >>site/etc/gapferry/agent.conf
    cp "$STATE/agent.db" older
    cp "$STATE/history.head" older.head
    users 6 >/dev/null
    gives 0 A export
    local file
    file=$(basename "$(find "$STATE/outbox" -name '*.gfb')")
    cp older "$STATE/agent.db"
    gives 0 A restore
    says 'self_reader = no' '1 bundle known again'
    [ -e "$STATE/outbox/$file" ]
    [ ! -e "$STATE/quarantine/$file" ]
    absent grep -q '\\n' <<<"$(A history)"
    home
    [ -e "usb/GAPFERRY/to-relay/$file" ]
    there
    [ "$(fact '[.channels[] | select(.channel == "metrics")][0].delivered' R status)" = 2 ]
}
