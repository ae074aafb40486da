#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031,SC2034 # trip.bash sets out, err and URL, and uses SITE and RELAY
# queue.bats -- the queue: many at once, caps and loss, several relays, what is refused, what is
# lost and found again.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

conf() { cat >>site/etc/gapferry/agent.conf; }
bodies() { seq "$1" "$2" | sed 's/.*/{"users":&}/'; } # FROM TO: a line for each

# ---- many at once ----

@test "record --jsonl queues every line, and all of them arrive once" {
    ready
    bodies 1 1100 >many.jsonl
    gives 0 A record --jsonl metrics many.jsonl
    says '1100 records on channel metrics'
    [ "$(state queued)" = 1100 ]
    home
    gives 0 R sync usb --wait 60s
    home
    [ "$(state)" = 'delivered 1100' ]
    agree
    sqlite3 $STATE/agent.db 'SELECT n FROM record ORDER BY id' >by-id
    sqlite3 $STATE/agent.db 'SELECT n FROM record ORDER BY n' >by-row
    cmp by-id by-row
}

@test "a line that cannot be recorded is named; those before it are in, it and the rest are not" {
    site_init
    { bodies 1 1203; echo '{"users":'; bodies 1205 1300; } >many.jsonl
    gives 65 A record --jsonl metrics many.jsonl
    says 'many.jsonl: line 1204: ' 'is no JSON' 'Mend that line' "record --jsonl --from 1204 metrics 'many.jsonl'"
    [ "$(state queued)" = 1203 ]
    sed -i '1204s/.*/{"users":1204}/' many.jsonl
    tail -n +1204 many.jsonl >rest.jsonl
    gives 0 A record --jsonl metrics rest.jsonl
    [ "$(state queued)" = 1300 ]

    # One without an end is read no further than a record may be long.
    { bodies 1 2; head -c 30000000 /dev/zero | tr '\0' a; } >long.jsonl
    gives 84 A record --jsonl metrics long.jsonl
    says 'long.jsonl: line 3: longer than' 'Mend that line' "--from 3 metrics 'long.jsonl'"
    [ "$(state queued)" = 1302 ]
}

@test "rule and consent hold for many as for one" {
    site_init
    { bodies 1 3; echo '{"users":4,"secret":1}'; } >many.jsonl
    gives 0 A record --jsonl metrics many.jsonl
    says 'dropped by the rule' secret
    [ "$(sqlite3 $STATE/agent.db "SELECT count(*) FROM line WHERE text LIKE '%secret%'")" = 0 ]
    echo '{"secret":1}' >none.jsonl
    gives 66 A record --jsonl metrics none.jsonl
    says 'line 1' 'leaves nothing of it' 'nothing was recorded'
    A consent metrics deny >/dev/null
    gives 85 A record --jsonl metrics many.jsonl
    gives 64 A record --jsonl license many.jsonl
    : >empty.jsonl
    A consent metrics grant >/dev/null
    gives 66 A record --jsonl metrics empty.jsonl
}

# ---- caps and loss ----

@test "a full queue refuses more, loses nothing, and takes more once receipts have come" {
    ready
    conf <<<$'[channel "metrics"]\nmax_records = 3'
    users 1
    bodies 2 9 >many.jsonl
    gives 84 A record --jsonl metrics many.jsonl
    says 'line 3: ' 'channel metrics: its queue is full' 'agent.conf:'
    gives 84 A record metrics - <<<'{"users":9}'
    says 'full = drop-oldest'
    [ "$(state queued)" = 3 ]
    home
    gives 84 A record metrics - <<<'{"users":9}'
    there
    home
    [ "$(state)" = 'delivered 3' ]
    users 4
}

@test "what declared policy drops is counted, and the relay is told once, however often it comes" {
    ready
    conf <<<$'[channel "metrics"]\nmax_records = 100\nfull = drop-oldest'
    bodies 1 130 >many.jsonl
    gives 0 A record --jsonl metrics many.jsonl
    [ "$(state queued)" = 100 ]
    [[ $(A preview metrics) != *'{"users":30}'* ]]
    [[ $(A preview metrics) == *'{"users":31}'* ]]
    says_lost() { [ "$(fact '[.lost[] | "\(.channel) \(.policy) \(.records)"] | join(";")' R status)" = "$1" ]; }
    home
    there
    says_lost 'metrics drop-oldest 30'
    home
    # The same loss in another bundle.
    sqlite3 $STATE/agent.db "UPDATE loss SET told = NULL"
    users 200
    home
    there
    says_lost 'metrics drop-oldest 30'
    gives 0 R status
    says 'lost' "30 records of $(A card --json | jq -r .fingerprint)"
    home
    agree
}

@test "only what never left is dropped" {
    ready
    conf <<<$'[channel "metrics"]\nmax_records = 3\nfull = drop-oldest'
    bodies 1 3 >many.jsonl
    A record --jsonl metrics many.jsonl >/dev/null
    home
    gives 84 A record metrics - <<<'{"users":4}'
    [ "$(state exported)" = 3 ]
}

@test "a full queue ends record --jsonl while its input still stands open" {
    site_init
    conf <<<$'[channel "metrics"]\nmax_records = 1500'
    mkfifo lines
    exec 7<>lines
    bodies 1 2500 >&7 &
    gives 84 timeout 20 "$BIN/gapferry-agent" --root site record --jsonl metrics lines
    wait "$!"
    exec 7>&-
    [ "$(state queued)" = 1500 ]
}

# ---- disk ----

@test "a full disk is told with the line, and what is in stays in" {
    [ "$(id -u)" = 0 ] || skip "needs root to mount a small disk"
    mkdir small
    mount -t tmpfs -o size=3m tmpfs small 2>/dev/null || skip "cannot mount"
    SITE=small/site
    site_init
    bodies 1 40000 >many.jsonl
    gives 73 A record --jsonl metrics many.jsonl
    says 'many.jsonl: line ' 'make room'
    n=$(state queued)
    [ "$n" -gt 0 ]
    [ $((n % 1000)) = 0 ]
    says "line $((n + 1)):" "record --jsonl --from $((n + 1)) metrics"
    mount -o remount,size=64m small
    tail -n "+$((n + 1))" many.jsonl >rest.jsonl
    gives 0 A record --jsonl metrics rest.jsonl
    [ "$(state queued)" = 40000 ]
}

@test "two agents on one state directory wait for each other, and every record is in" {
    site_init
    bodies 1 20000 >many.jsonl
    A record --jsonl metrics many.jsonl >/dev/null &
    first=$!
    A record --jsonl metrics many.jsonl >/dev/null
    wait "$first"
    [ "$(state queued)" = 40000 ]
    [ "$(sqlite3 $STATE/agent.db 'SELECT sum(n) FROM tally')" = 40000 ]
}

# ---- relays ----

@test "a channel has its relay, and only resend moves what has left" {
    ready
    RELAY=second
    relay_init
    acquaint
    RELAY=
    conf <<CONF
[relay "first"]
fingerprint = $(R card --fingerprint)
[relay "second"]
fingerprint = $(RELAY=second R card --fingerprint)
[channel "metrics"]
relay = first
[channel "license"]
relay = second
CONF
    users 1
    license_request >/dev/null
    home
    [ "$(bundles to-relay)" = 2 ]
    there
    home
    [ "$(state delivered)" = 1 ]
    [ "$(state exported)" = 1 ]
    gives 0 env RELAY=second "$BIN/gapferry-relay" --root second sync usb
    home
    [ "$(state delivered)" = 2 ]

    users 2
    home
    sed -i 's/^relay = first/relay = second/' site/etc/gapferry/agent.conf
    home
    gives 0 "$BIN/gapferry-relay" --root second sync usb
    home
    [ "$(state exported)" = 1 ]
    gives 0 A resend --to second
    says '1 record queued again, 1 bundle not carried any more'
    home
    gives 0 "$BIN/gapferry-relay" --root second sync usb
    home
    [ "$(state)" = 'delivered 3' ]
    agree
}

@test "resend takes a record or a bundle, and says why not where there is nothing to resend" {
    ready
    id=$(users 1)
    home
    bundle=$(basename "$(find usb/GAPFERRY/to-relay -name '*.gfb')")
    gives 0 A resend "$id"
    says '1 record queued again'
    home
    [ ! -e "usb/GAPFERRY/to-relay/$bundle" ]
    bundle=$(basename "$(find usb/GAPFERRY/to-relay -name '*.gfb')")
    gives 0 A resend --bundle "$bundle"
    home
    there
    home
    gives 0 A resend --bundle "$bundle"
    says 'Nothing is left to resend'
    gives 64 A resend "$id"
    says 'it was delivered'
    gives 66 A resend 01980a34-7b2c-7def-8123-456789abcdef
    gives 66 A resend --bundle 5be1c0ffee5be1c0ffee5be1c0ffee00
    gives 64 A resend
    gives 78 A resend --to nobody
    agree
}

# ---- lost and found ----

@test "a damaged database is set aside, and restore knows the outbox again" {
    ready
    users 1
    users 2
    home
    printf 'damage' | dd of=$STATE/agent.db bs=1 conv=notrunc 2>/dev/null
    gives 65 A status
    says 'is damaged' 'agent.db.damaged-' 'gapferry-agent --root site restore'
    ls $STATE/agent.db.damaged-*Z
    [ ! -e $STATE/agent.db ]
    gives 65 A sync usb
    [ "$(find $STATE/outbox -name '*.gfb' | wc -l)" = 1 ]
    gives 75 A restore
    says '1 bundle known again, with 2 records' 'trust in relays'
    [ "$(state exported)" = 2 ]
    gives 0 A restore
    A trust relay/var/lib/gapferry/relay/keys/card --yes --fingerprint "$(R card --fingerprint)"
    A consent metrics grant >/dev/null
    there
    home
    [ "$(state)" = 'delivered 2' ]
    agree
}

@test "damage that a command meets while it works: doctor is named, and moves it aside" {
    ready
    seq 3000 | jq -c '{users: .}' >lines
    gives 0 A record --jsonl metrics lines
    local pages
    pages=$(sqlite3 $STATE/agent.db 'PRAGMA page_count')
    dd if=/dev/urandom of=$STATE/agent.db bs=4096 seek=$((pages / 2)) count=$((pages / 4)) conv=notrunc status=none
    gives 65 A preview --json metrics
    says 'is damaged; run gapferry-agent doctor'
    [ -e $STATE/agent.db ]
    gives 78 A doctor
    says 'agent.db.damaged-' 'gapferry-agent --root site restore'
    [ ! -e $STATE/agent.db ]
}

@test "a database put back from a backup is noticed before anything is lost" {
    ready
    users 1
    home
    cp $STATE/agent.db backup.db
    users 2
    home
    cp backup.db $STATE/agent.db
    gives 65 A sync usb
    says 'restore'
    [ "$(find $STATE/outbox -name '*.gfb' | wc -l)" = 2 ]
    gives 0 A restore
    says '1 bundle known again, with 1 record'
    users 3
    home
    there
    home
    [ "$(state)" = 'delivered 3' ]
    absent grep -r fork relay/var/lib/gapferry/relay/quarantine
    agree
}

@test "a database of before a rotation is taken on by restore, another agent's is not" {
    ready
    users 1
    home && there
    cp $STATE/agent.db backup.db
    users 2
    gives 0 A rotate
    home && there && home
    [ "$(state)" = 'delivered 2' ]
    cp backup.db $STATE/agent.db
    gives 65 A status
    says 'agent.db: is of before' rotate 'gapferry-agent --root site restore'
    gives 0 A restore
    gives 0 A status
    users 3
    home && there && home
    [ "$(state)" = 'delivered 2' ]
    [ "$(find $STATE/keys.old -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
    # The vendor has all three, each once.
    [ "$(tally '[.effects[].count] | tojson')" = '[1,1,1]' ]

    SITE=other A init >/dev/null
    SITE=other A status >/dev/null
    cp other/var/lib/gapferry/agent/agent.db $STATE/agent.db
    gives 65 A restore
    says 'these keys'
}

# Bundle $1 users, give the agent new keys, and put its database back.
rotated_since_the_backup() {
    cp $STATE/agent.db backup.db
    users "$1"
    gives 0 A export
    gives 0 A rotate
    cp backup.db $STATE/agent.db
    gives 65 A export
}

@test "what was bundled before a rotation is bundled anew by restore, known or not" {
    ready
    users 1
    home && there
    users 2
    gives 0 A export
    rotated_since_the_backup 3
    gives 0 A restore
    says '1 bundle known again, with 1 record' 'keys of before a rotation'
    [ "$(find $STATE/outbox -type f | wc -l)" = 0 ]
    [ ! -e $STATE/quarantine ]
    [ "$(state)" = 'queued 3' ]
    home && there && home
    [ "$(state)" = 'delivered 3' ]
    [ "$(tally '[.effects[].count] | tojson')" = '[1,1,1]' ]
    agree
}

@test "a bundle of keys before a rotation that only others can read is kept in quarantine" {
    ready
    printf '[agent]\nself_reader = no\n' >>site/etc/gapferry/agent.conf
    rotated_since_the_backup 1
    local file
    file=$(basename "$(find $STATE/outbox -name '*.gfb')")
    gives 75 A restore
    says '1 bundle that this agent cannot open'
    [ -e "$STATE/quarantine/$file" ]
    grep -q 'keys of before a rotation.*self_reader' "$STATE/quarantine/$file.why"
}

# What the agent said before it was restored, that it has the receipt, comes to the relay before or
# after its new question: $1 sorts before or after every bundle's name.
settled_and_asked_anew() {
    ready
    users 1
    home
    cp $STATE/agent.db backup.db
    there
    home
    [ "$(state)" = 'delivered 1' ]
    mv usb/GAPFERRY/to-relay/*.gfb had.gfb
    cp backup.db $STATE/agent.db
    gives 65 A sync usb
    gives 0 A restore
    says '1 record whose bundle is gone'
    rm "$STATE"/outbox/*.gfb
    home
    [ "$(bundles to-relay)" = 1 ]
    cp had.gfb "usb/GAPFERRY/to-relay/$1.gfb"
    there
    home
    [ "$(state)" = 'delivered 1' ]
    agree
}

@test "what was exported after a backup and settled is bundled anew, and counts once" {
    settled_and_asked_anew 0
}

@test "so it does where the receipt of a former life is acknowledged after that" {
    settled_and_asked_anew zz
}

@test "record --jsonl --from goes on in the file itself, and makes no duplicates" {
    A init --allow 'metrics=*' --consent metrics=granted >/dev/null
    printf '%s\n' '{"n":1}' '{"n":2}' '' '{"n":4}' 'bad' '{"n":6}' >six.jsonl
    gives 65 A record --jsonl metrics six.jsonl
    says 'line 3: is blank' "--from 3 metrics 'six.jsonl'"
    gives 65 A record --jsonl --from 4 metrics six.jsonl
    says 'line 5: ' "--from 5 metrics 'six.jsonl'"
    gives 65 A record --jsonl --from 5 metrics - <six.jsonl
    says 'standard input: line 5: ' 'of what was piped 0 lines were accepted' 'begins at line 5'
    gives 0 A record --jsonl --from 6 metrics six.jsonl
    gives 66 A record --jsonl --from 7 metrics six.jsonl
    says 'ends before that line'
    gives 64 A record --jsonl --from x metrics six.jsonl
    [ "$(sqlite3 site/var/lib/gapferry/agent/agent.db 'SELECT count(*) FROM record')" = 4 ]
}

@test "source run without a name ends with 85 where one lacks consent" {
    A init --consent metrics=granted >/dev/null
    printf '[source "a"]\nchannel = metrics\n[source "b"]\nchannel = other\n' \
        >>site/etc/gapferry/agent.conf
    gives 85 A source run
    says '1 record queued' '1 without consent did not run'
}

@test "preview --now fails with its source, and names the line and the channels there are" {
    A init --consent metrics=granted >/dev/null
    printf '[source "a"]\nchannel = metrics\ncommand = /nonexistent/program\n' \
        >>site/etc/gapferry/agent.conf
    gives 66 A preview --now
    says 'failed: ' '/nonexistent/program' 'agent.conf:'
    gives 64 A preview --now nonesuch
    says 'channel nonesuch: no source' 'there are sources for: metrics'
}
