#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031,SC2034 # trip.bash sets out, err and URL, and uses SITE and RELAY
# mishap.bats -- things that are lost, restored, swapped or littered: nothing is taken for new that
# is not, nothing is removed, and the words name a remedy.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

files_in() { find "$@" -type f -name '*.gfb' | sort; }

# ---- a database that is gone ----

@test "an agent whose database is gone says so, and nothing of it is removed" {
    ready
    users 1
    home
    before=$(files_in $STATE/outbox)
    [ -n "$before" ]
    mv $STATE/agent.db kept.db
    gives 65 A sync usb
    says "$STATE/agent.db" missing 'gapferry-agent --root site restore'
    gives 65 A status
    [ ! -e $STATE/agent.db ]
    : >$STATE/agent.db
    chmod 600 $STATE/agent.db
    gives 65 A sync usb
    says "$STATE/agent.db" empty
    [ ! -s $STATE/agent.db ]
    [ "$(files_in $STATE/outbox)" = "$before" ]
    cp kept.db $STATE/agent.db
    home
    [ "$(files_in $STATE/outbox)" = "$before" ]
}

@test "a relay whose ledger is gone says so, and nothing of it is removed" {
    ready
    users 1
    home
    there
    before=$(files_in $RSTATE/outbox)
    [ -n "$before" ]
    mv $RSTATE/relay.db kept.db
    gives 65 R sync usb
    says "$RSTATE/relay.db" missing 'gapferry-relay --root relay reconcile'
    : >$RSTATE/relay.db
    chmod 600 $RSTATE/relay.db
    gives 65 R status
    says "$RSTATE/relay.db" empty
    [ "$(files_in $RSTATE/outbox)" = "$before" ]
    cp kept.db $RSTATE/relay.db
    there
    [ "$(files_in $RSTATE/outbox)" = "$before" ]
}

# ---- a configuration that is gone ----

@test "a configuration that is gone is not one without rules" {
    ready
    users 1
    mv site/etc/gapferry/agent.conf kept
    gives 78 A record metrics - <<<'{"users":1,"host":"secret"}'
    says 'site/etc/gapferry/agent.conf: is missing' 'empty file if that is meant'
    gives 78 A sync usb
    gives 78 A config check
    gives 78 "$BIN/gapferry-link" --root site probe
    : >site/etc/gapferry/agent.conf
    gives 0 A config check
    mv kept site/etc/gapferry/agent.conf
    home
    mv relay/etc/gapferry/relay.conf kept
    gives 78 R sync usb
    says 'relay/etc/gapferry/relay.conf: is missing'
    gives 78 R config check
    mv kept relay/etc/gapferry/relay.conf
    there
}

@test "a rule that names no field is refused, and what takes a rule back is seen" {
    ready
    conf=site/etc/gapferry/agent.conf
    for rule in 'allow =' 'allow = ,' 'allow = ""' 'allow = " , "'; do
        printf '[channel "metrics"]\n%s\n' "$rule" >$conf
        gives 78 A config check
        says "$conf:2: [channel \"metrics\"] allow names no field" 'allow = *' 'consent = denied'
        gives 78 A record metrics - <<<'{"users":1,"host":"secret"}'
        gives 78 A sync usb
    done
    printf '[channel "metrics"]\nallow = users\n' >$conf
    mkdir $conf.d
    printf '[channel "metrics"]\nallow =\n' >$conf.d/50-open.conf
    gives 78 A record metrics - <<<'{"users":1,"host":"secret"}'
    says "$conf.d/50-open.conf:2:"
    gives 0 A config show
    says '[channel "metrics"] allow = ' "$conf.d/50-open.conf:2, taken back"
    printf '[channel "metrics"]\nallow = *\n' >$conf.d/50-open.conf
    gives 0 A record metrics - <<<'{"users":1,"host":"shown"}'
    gives 0 A preview metrics
    says "everything passes ($conf.d/50-open.conf:2)" shown
}

# ---- a state that was restored ----

# What the site still waits for.
waiting() { state exported; }

@test "a ledger that was put back from a backup is noticed, and reconcile mends it" {
    ready
    users 1
    home
    there
    home
    cp $RSTATE/relay.db older.db
    users 2
    home
    there
    cp older.db $RSTATE/relay.db
    gives 65 R sync usb
    says 'older than audit.head' 'gapferry-relay --root relay reconcile'
    gives 65 R status
    gives 0 R reconcile
    says 'told anew' 'What may be missing'
    gives 0 R status
    there
    home
    users 3
    home
    there
    home
    [ "$(state delivered)" = 3 ]
    [ "$(waiting)" = 0 ]
    agree
}

@test "a ledger whose head is gone or none stays refused until reconcile" {
    local head
    ready
    users 1
    home
    there
    for head in none gone; do
        if [ $head = none ]; then echo x >$RSTATE/audit.head; else rm $RSTATE/audit.head; fi
        gives 65 R sync usb
        says 'audit.head' '. Nothing is taken' 'gapferry-relay --root relay reconcile'
        gives 65 R sync usb
        gives 0 R reconcile
        says 'told anew'
        gives 0 R status
    done
}

@test "a ledger that is gone is made anew by reconcile alone" {
    ready
    users 1
    home
    there
    gives 0 R reconcile
    says 'nothing to do'
    [ "$(fact .nothing_to_do R reconcile)" = true ]
    gives 0 R reconcile --force
    says 'told anew'
    rm $RSTATE/relay.db
    gives 0 R reconcile
    says 'approve each agent again' 'gapferry-relay --root relay approve'
    absent grep -qF 1970 <<<"$out"
    gives 0 R status
    says 'kept by reconcile'
    absent grep -qF 'bundle refused' <<<"$out"
    [ -n "$(files_in $RSTATE/quarantine)" ]
    R approve "$(A card --fingerprint)" >/dev/null
    home
    users 2
    home
    R sync usb >/dev/null || true
    gives 0 A sync usb
    [ "$(state delivered)" = 2 ]
    agree
}

@test "a whole state that was put back is noticed by what the agent has" {
    ready
    users 1
    home
    there
    home
    cp -a relay older
    for i in 2 3; do
        users $i
        home
        there
        home
    done
    rm -rf relay
    mv older relay
    users 4
    home
    gives 75 R sync usb
    says 'put back from a backup' 'gapferry-relay --root relay reconcile'
    home
    [ "$(state delivered)" = 4 ]
    agree
}

@test "a restored agent is told of its fork, and of the remedy" {
    ready
    users 1
    home
    cp -a site older
    users 2
    home
    there
    rm -rf site
    mv older site
    rm -rf usb/GAPFERRY
    users 3
    A sync usb || true
    gives 75 R sync usb
    says fork 'its sender is told'
    A sync usb >.out 2>.err || true
    out=$(cat .out)
    err=$(cat .err)
    says bundle-refused code=fork 'gapferry-agent restore'
    # In plain words, and until it is mended.
    for command in 'sync usb' import; do
        # shellcheck disable=SC2086 # the command and its words
        gives 75 A $command
        says 'needs you' 'was cloned, or its state was put back' 'restore; on the copy: init'
    done
    gives 0 A status
    says 'forked     this agent was cloned'
    absent grep -q '^stuck' <<<"$out"
    A doctor >.out 2>.err || true
    out=$(cat .out)
    says 'this agent was cloned'
    gives 0 A restore
    says 'the relay hears of it with the next drive'
    [ "$(A status --json | jq .forked)" = false ]
    home

    # A new stream is told although nothing is queued.
    gives 0 A restore
    gives 0 A sync usb
    says '1 request written' '1 without records'
    gives 0 R sync usb
    gives 0 R agents
    absent grep -q forked <<<"$out"
}

@test "a cloned agent and its twin are both told, whoever of them had its bundle refused" {
    local site
    ready
    users 1
    home && there && home
    cp -a site twin
    users 2
    home
    mkdir other
    SITE=twin A record metrics - <<<'{"users":4}' >/dev/null
    SITE=twin gives 0 A sync other
    there
    gives 75 R sync other
    says fork 'its sender is told'
    cp -a other/GAPFERRY/to-site kept
    for site in site twin; do
        SITE=$site gives 75 A sync other
        says 'needs you' 'was cloned, or its state was put back' 'restore; on the copy: init'
        SITE=$site gives 0 A status
        says 'forked     this agent was cloned'
        [ "$(SITE=$site fact .forked A status)" = true ]
        cp -a kept/. other/GAPFERRY/to-site/
    done
    gives 0 A restore
    [ "$(fact .forked A status)" = false ]
}

# ---- litter ----

@test "thousands of junk files cost little, are told in a few lines, and keep nothing out" {
    ready
    users 1
    home
    for ((i = 0; i < 1000; i++)); do
        printf 12345678 >"usb/GAPFERRY/to-relay/0-$i.gfb"
    done
    SECONDS=0
    gives 65 R sync usb
    [ $SECONDS -le 20 ]
    says '1 record delivered' '984 more files were refused'
    [ "$(wc -l <.out)" -lt 40 ]
    [ "$(find $RSTATE/quarantine -name '*.gfb' | wc -l)" -le 16 ]
}

# ---- what the machine forbids ----

@test "a limit on the size of files is told, whichever program meets it" {
    ready
    users 1
    head -c 200000 /dev/zero | tr '\0' x | sed 's/.*/{"users":"&"}/' >big.json
    run bash -c 'ulimit -f 64; exec "$0" --root site record metrics big.json' "$BIN/gapferry-agent"
    [ "$status" -eq 73 ] || [ "$status" -eq 74 ] || fail "$status $output"
    [[ $output == *gapferry-agent:* ]]
    home
    run bash -c 'ulimit -f 1; exec "$0" --root relay sync usb' "$BIN/gapferry-relay"
    [ "$status" -lt 126 ]
    there
}

@test "a product starts on a full disk, and on one that is read-only" {
    mkdir m
    mount -t tmpfs -o size=8m gapferry-test m 2>/dev/null || skip "cannot mount a file system here: no full disk was tried"
    mkdir m/site
    ln -s m/site site
    ready
    license_request >/dev/null
    home
    there
    home
    gives 0 A license check
    : >$STATE/agent.db-open
    cat /dev/zero >m/filler 2>/dev/null || true
    gives 0 A license check
    says valid
    gives 0 A status
    rm m/filler
    mount -o remount,ro m
    gives 0 A license check
    says valid
    gives 0 A status
    gives 73 A record metrics - <<<'{"users":1}'
    mount -o remount,rw m
    gives 0 A record metrics - <<<'{"users":1}'
}

@test "a relay that nobody here knows is 77, also where nothing is queued" {
    ready
    mkdir other-usb
    SITE=other
    SITE=other A init >/dev/null
    there other-usb
    gives 77 A sync other-usb
    says 'needs you' 'a relay'
}

@test "keys that were swapped for another's are noticed, on both sides" {
    ready
    SITE=other A init >/dev/null
    RELAY=another R init >/dev/null
    A status >/dev/null || true
    R status >/dev/null || true
    mv $STATE/keys mine
    cp -a other/var/lib/gapferry/agent/keys $STATE/keys
    gives 65 A sync usb
    says "$STATE/keys: these keys" 'agent.db belongs to'
    rm -r $STATE/keys
    mv mine $STATE/keys
    home
    mv $RSTATE/keys mine
    cp -a another/var/lib/gapferry/relay/keys $RSTATE/keys
    gives 65 R sync usb
    says "$RSTATE/keys: these keys" 'relay.db belongs to'
    gives 65 R reconcile
    rm -r $RSTATE/keys
    mv mine $RSTATE/keys
    there
}

# ---- senders that nobody let in ----

@test "an unknown sender is declined, and does not stay for ever" {
    ready
    SITE=other site_init
    SITE=other A trust "$RSTATE/keys/card" --yes --fingerprint "$(R card --fingerprint)" >/dev/null
    SITE=other users 1
    SITE=other home
    gives 77 R sync usb
    gives 77 R sync usb
    gives 66 R decline AAAA-BBBB-CCCC-DDDD-EEEE
    local who
    who=$(SITE=other A card --fingerprint)
    gives 0 R agents
    [[ $out == *"pending   $who  waits"* && $out != *"never sent"* ]]
    gives 0 R agents show "$who"
    says 'state        pending' 'waiting      1 bundle in pending'
    gives 0 R decline "$who"
    says '1 bundle removed from pending'
    gives 0 R agents
    [[ $out != *"$who"* ]]
    gives 0 R agents --all
    [[ $out == *"declined  $who  20"* && $out != *"never sent"* ]]
    gives 0 R agents show "$who"
    says 'state        declined' 'declined     20'
    [ "$(R agents show "$who" --json | jq -r '.state, (.declined | type), .waiting' | xargs)" = "declined string 0" ]
    gives 0 R status
    [[ $out != *"$who"* && $out != *pending* ]]
    # Its drive comes again, and its bundle with it.
    gives 0 R sync usb
    [ -z "$(files_in $RSTATE/pending $RSTATE/incoming)" ]
    gives 66 R decline "$(A card --fingerprint)"
    gives 0 R approve "$who"
    [ "$(R agents show "$who" --json | jq -r .state,.declined | xargs)" = "enrolled null" ]
    gives 0 R sync usb
    SITE=other home
    [ "$(SITE=other state delivered)" -eq 1 ]
}

@test "a sender without card can be declined, too" {
    ready
    SITE=other site_init
    SITE=other A trust "$RSTATE/keys/card" --yes --fingerprint "$(R card --fingerprint)" >/dev/null
    SITE=other users 1
    SITE=other home
    rm -f usb/GAPFERRY/cards/*
    gives 77 R sync usb
    says 'its card was never seen'
    gives 0 R decline "$(sed -n 's/.* decline \([0-9a-f]\{16\}\).*/\1/p' .out)"
    gives 0 R sync usb
}

# ---- a lost drive ----

# What `agents` has to say of the site.
standing() { fact '.agents[0] | "\(.state) \(.missing)"' R agents; }

@test "a lost drive that only said what has come is no gap; one with records is, until it comes" {
    ready
    users 1
    home && there && home
    [ "$(bundles to-relay)" = 1 ]
    rm usb/GAPFERRY/to-relay/*.gfb
    users 2
    home && there
    [ "$(standing)" = "enrolled 0" ]
    gives 0 R agents show "$(A card --fingerprint)"
    absent grep -q '^missing' <<<"$out"
    # One that has records lies on every drive until its receipts come; here only the next one comes.
    home && there
    mkdir late
    users 3
    home late
    users 4
    home
    local file
    for file in late/GAPFERRY/to-relay/*.gfb; do rm "usb/GAPFERRY/to-relay/${file##*/}"; done
    there
    [ "$(standing)" = "behind 1" ]
    there late
    [ "$(standing)" = "enrolled 0" ]
}

# ---- keys ----

@test "a key file that is missing has a remedy, on both sides" {
    site_init
    gives 0 R init
    local file
    for file in sign.key seal.key card; do
        mv "$STATE/keys/$file" kept
        gives 65 A status
        says "$STATE/keys/$file: is missing" backup init
        mv kept "$STATE/keys/$file"
        mv "$RSTATE/keys/$file" kept
        gives 65 R status
        says "$RSTATE/keys/$file: is missing" backup init
        mv kept "$RSTATE/keys/$file"
    done
}

@test "keys and an outbox to which all may write are refused" {
    site_init
    gives 0 R init
    local folder
    for folder in keys outbox; do
        mkdir -p "$STATE/$folder" "$RSTATE/$folder"
        chmod 777 "$STATE/$folder" "$RSTATE/$folder"
        gives 78 A status
        says "$STATE/$folder: others may write to it (mode 777)" 'chmod 700'
        gives 78 R status
        says "$RSTATE/$folder: others may write to it"
        chmod 700 "$STATE/$folder" "$RSTATE/$folder"
        gives 0 A status
        gives 0 R status
    done
}

# ---- consent on a full disk ----

@test "consent withdrawn counts at once, also where the deletion fails" {
    ready
    users 1
    home
    users 2
    rm -rf usb/GAPFERRY
    # No page can be taken back: what deletes fails, what decides does not.
    sqlite3 $STATE/agent.db "CREATE TRIGGER full BEFORE DELETE ON record BEGIN SELECT raise(FAIL, 'full'); END"
    A consent metrics deny >.out 2>.err && fail 'it should fail'
    grep -q 'consent is withdrawn and nothing of metrics leaves any more' .err
    [ -z "$(files_in $STATE/outbox)" ]
    gives 85 A record metrics - <<<'{"users":3}'
    A sync usb >.out 2>.err || true
    [ -z "$(files_in usb)" ]
    sqlite3 $STATE/agent.db 'DROP TRIGGER full'
    A sync usb >.out 2>.err || true
    [ -z "$(files_in usb $STATE/outbox)" ] || [ "$(state queued)" -eq 0 ]
    [ "$(sqlite3 $STATE/agent.db "SELECT count(*) FROM record WHERE channel = 'metrics'")" -eq 0 ]
}

# ---- one id, two bodies ----

@test "a record that comes again with another body is shown by the relay" {
    ready
    users 1
    home
    there
    gives 0 R status
    [[ $out != *conflicts* ]]
    sqlite3 $RSTATE/relay.db "INSERT INTO conflict (agent, id, digest, bundle, at)
        SELECT agent, id, zeroblob(32), bundle, 1700000000 FROM record"
    gives 0 R status
    says 'conflicts    1 record came again with another body' 'records list'
    gives 0 R records list
    says 'conflict   agent ' 'was that agent cloned'
    [ "$(fact '.conflicts[0].at' R records list)" = 2023-11-14T22:13:20Z ]

    # They count towards a limit, and those that it leaves out are told.
    sqlite3 $RSTATE/relay.db "INSERT INTO conflict (agent, id, digest, bundle, at)
        SELECT agent, id, randomblob(32), bundle, 1700000001 FROM conflict, generate_series(1, 4)"
    gives 0 R records list --limit 3
    [ "$(grep -c 'conflict   agent ' <<<"$out")" = 2 ]
    says '3 records more came again with another body' '--limit'
    gives 0 R records list --limit 1
    [[ $out != *'conflict   agent '* ]]
    says '5 records more'
    [ "$(fact '[(.conflicts | length), .more_conflicts] | join(" ")' R records list --limit 4)" = '3 2' ]
    [ "$(fact '[(.conflicts | length), .more_conflicts] | join(" ")' R records list)" = '5 0' ]
}
