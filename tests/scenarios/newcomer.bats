#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2034 # trip.bash sets out, err and URL
# newcomer.bats -- what somebody stumbles over who has never done this, and what the programs then
# say.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p usb
    RCONF=relay/etc/gapferry/relay.conf
}

teardown() {
    local drive
    vendor_stop
    for drive in usb ${OPEN:+"$OPEN/usb"}; do
        if mountpoint -q "$drive"; then umount "$drive"; fi
    done
    cd /
    [ -z "${OPEN:-}" ] || rm -rf "$OPEN"
}

@test "a relay without an endpoint says so when it is made, checked and synced" {
    gives 0 R init
    says 'Until a channel has an endpoint'
    gives 0 R config check
    says 'there is no [endpoint "NAME"] in it'
    gives 0 R sync usb
    says 'there is no [endpoint "NAME"]'
    printf '[endpoint "e"]\nchannel = metrics\nurl = https://example.com/\n' \
        >>relay/etc/gapferry/relay.conf
    gives 0 R config check
    [[ $err != *endpoint* ]]
    gives 0 R sync usb
    [[ $out != *endpoint* ]]
}

# ---- drives ----

@test "sync says of a directory that is new, on our own disk, or the folder itself" {
    site_init
    gives 0 A sync usb
    says 'new drive: GAPFERRY was made here' "note: usb is on this machine's own disk"
    [ "$(fact '[.new_drive, .own_disk] | @csv' A sync usb)" = false,true ]
    absent grep -q 'new drive' <(A sync usb)
    gives 0 R init
    gives 0 R sync usb
    says "note: usb is on this machine's own disk"
    local dir
    for dir in usb/GAPFERRY usb/GAPFERRY/ usb/GAPFERRY/to-relay; do
        gives 64 A sync "$dir"
        says "name the drive, which is its parent: $PWD/usb"
        gives 64 R sync "$dir"
        says 'name the drive'
    done
    [ ! -e usb/GAPFERRY/GAPFERRY ]
    # A drive may be called so, too.
    mkdir -p media/GAPFERRY
    gives 0 A sync media/GAPFERRY
    gives 0 A sync media/GAPFERRY
}

@test "a mounted drive is not taken for the machine's own disk" {
    site_init
    mount -t tmpfs -o size=8m gapferry-test usb 2>/dev/null || skip "cannot mount a file system here: no drive was mounted"
    gives 0 A sync usb
    says 'new drive'
    umount usb
    [[ $out != *'own disk'* ]]
}

@test "a drive that cannot be written: both sides say so and what to do, and nothing of going out" {
    ready
    users 1 >/dev/null
    home && there
    mount --bind usb usb 2>/dev/null && mount -o remount,ro,bind usb || skip "cannot mount read-only here: no such drive was tried"
    users 2 >/dev/null
    A sync usb >said-home || true
    R sync usb >said-there || true
    umount usb
    grep -q 'mount -o remount,rw' said-home
    grep -q 'went out     nothing: the drive cannot be written' said-there
    grep -q 'needs you.*mount -o remount,rw' said-there
}

@test "a damaged response: its whole path, and what to do" {
    ready
    users 1 >/dev/null
    home && there
    local file
    file=$(echo usb/GAPFERRY/to-site/*.gfb)
    printf x | dd of="$file" bs=1 seek=20000 conv=notrunc status=none
    A sync usb >said || true
    grep -q "needs you *$file: .*take the drive to the relay once more" said
    there
    home
    [ "$(state delivered)" = 1 ]
}

@test "a relay that cannot reach the endpoint says that it tried, and what to do" {
    ready
    users 1 >/dev/null
    home
    vendor_stop
    gives 75 R sync usb
    says 'forwarded    0 delivered, 1 tried and failed (' 'url in its section'
    absent grep -q 'nothing was due' .out
}

# ---- users ----

# A directory that everybody may enter, gone after the test; sets dir.
open_dir() {
    OPEN=$(mktemp -d /tmp/gapferry-users.XXXXXX)
    chmod 755 "$OPEN"
    dir=$OPEN
}

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

@test "another user is told who may, and init what to do" {
    [ "$(id -u)" = 0 ] || skip "only root can be somebody else: no other user was tried"
    local dir
    open_dir
    cp "$BIN/gapferry-agent" "$BIN/gapferry-relay" "$dir"
    local program
    for program in agent relay; do
        "$dir/gapferry-$program" --root "$dir" init >/dev/null
        gives 77 as_nobody "$dir/gapferry-$program" --root "$dir" status
        says 'belongs to user root' "sudo -u 'root' gapferry-$program --root $dir"
        gives 77 as_nobody "$dir/gapferry-$program" --root "$dir/other" init
        says 'run init as root (sudo)' '--root DIR'
    done
}

# A drive whose root directory this user may not write to, for an agent and a relay that belong to
# nobody: both programs visit it when root runs them, and make nothing there or here that is root's.
visited_by_root() { # BINARIES DRIVE
    local dir=$1 drive=$2 program
    for program in agent relay; do
        gives 0 "$dir/gapferry-$program" --root "$dir" sync "$drive"
        says 'safe to remove'
    done
    [ "$(find "$drive/GAPFERRY/cards" -name '*.card' | wc -l)" = 2 ]
    [ -z "$(find "$dir/var/lib/gapferry/agent" "$dir/var/lib/gapferry/relay" ! -user 65534)" ]
}

# An agent and a relay of nobody's in DIR; sets dir.
of_nobody() {
    [ "$(id -u)" = 0 ] || skip "only root can become somebody else: no drive of root's was visited"
    local program
    open_dir
    cp "$BIN/gapferry-agent" "$BIN/gapferry-relay" "$dir"
    for program in agent relay; do
        "$dir/gapferry-$program" --root "$dir" init >/dev/null
    done
    chown -R 65534:65534 "$dir/var/lib/gapferry/agent" "$dir/var/lib/gapferry/relay"
}

@test "root visits a drive that only root, or only the person there, may write to" {
    local dir owner mode refusal service
    of_nobody
    while read -r owner mode refusal; do
        mkdir "$dir/usb"
        chown "$owner" "$dir/usb"
        chmod "$mode" "$dir/usb"
        gives "$refusal" as_nobody "$dir/gapferry-agent" --root "$dir" sync "$dir/usb"
        says 'run this as root (sudo)'
        visited_by_root "$dir" "$dir/usb"
        rm -r "$dir/usb"
    done <<<$'0 755 73\n0 700 66\n1000 700 66'
    # What it starts gets nothing of that right, and run keeps none.
    printf '#!/bin/sh\nsed -n "s/^CapPrm:.*/{\\"prm\\": \\"&\\"}/p" /proc/self/status | tr -d "\\t"\n' >"$dir/rights"
    chmod 755 "$dir/rights"
    printf '[channel "m"]\nconsent = granted\nallow = *\n[source "s"]\nchannel = m\ncommand = %s\n' "$dir/rights" \
        >>"$dir/etc/gapferry/agent.conf"
    gives 0 "$dir/gapferry-agent" --root "$dir" source run s
    "$dir/gapferry-agent" --root "$dir" preview m >said
    grep -q 'CapPrm:0000000000000000' said || fail "$(cat said)"
    "$dir/gapferry-agent" --root "$dir" run >log 2>&1 3>&- &
    service=$!
    for _ in {1..100}; do ! grep -q event=started log || break; sleep 0.1; done
    grep '^CapPrm' "/proc/$service/status" >said
    kill "$service"
    wait "$service"
    grep -q '0000000000000000' said || fail "run: $(cat said)"
}

@test "root hands over files that only root may read" {
    local dir
    of_nobody
    mkdir -m 700 "$dir/private"
    cd "$dir/private" || return
    "$dir/gapferry-relay" --root "$dir" card >/dev/null
    cp "$dir/var/lib/gapferry/relay/keys/card" relay.card
    echo '{"users":1}' >body
    chmod 600 ./*
    gives 0 "$dir/gapferry-agent" --root "$dir" trust relay.card --fingerprint "$("$dir/gapferry-relay" --root "$dir" card --fingerprint)"
    "$dir/gapferry-agent" --root "$dir" consent metrics grant >/dev/null
    gives 0 "$dir/gapferry-agent" --root "$dir" record metrics body
    echo garbage >bad
    gives 65 "$dir/gapferry-agent" --root "$dir" import bad
}

@test "root visits a FAT drive that was mounted as it comes" {
    local dir
    of_nobody
    truncate -s 40M "$dir/image"
    mkdir "$dir/usb"
    if ! { mkfs.vfat "$dir/image" && { mount -o loop "$dir/image" "$dir/usb" ||
        fusefat -o rw+,allow_other,default_permissions "$dir/image" "$dir/usb"; }; } >/dev/null 2>&1; then
        skip "cannot mount a FAT image here: no FAT drive of root's was visited"
    fi
    visited_by_root "$dir" "$dir/usb"
}

# ---- trust ----

@test "a licence that was refused for want of the vendor's key is taken once that is trusted" {
    vendor_start
    site_init
    relay_init
    acquaint
    license_request >/dev/null
    home && there
    gives 75 A sync usb
    gives 0 A status
    says 'unusable   license'
    gives 0 A trust v/vendor.pub --duty license
    says '1 answer that had been refused can be used now: installed'
    gives 0 A license check
    gives 0 A status
    [[ $out != *unusable* ]]
    home
    [[ $out != *'for its answer'* ]]
}

@test "a licence that was refused is taken once its vendor's key stands in the configuration" {
    vendor_start
    site_init
    relay_init
    acquaint
    license_request >/dev/null
    home && there
    gives 75 A sync usb
    printf '[vendor "acme"]\nlicense = %s\n' "$PWD/v/vendor.pub" >>site/etc/gapferry/agent.conf
    home
    says 'answers that had been refused can be used now, and are installed: 1'
    gives 0 A license check
    home
    [[ $out != *'had been refused'* ]]
}

@test "trust tells a slip from a stranger" {
    vendor_start
    site_init
    R init >/dev/null
    local card=relay/var/lib/gapferry/relay/keys/card
    gives 64 A trust "$card" --fingerprint AAAA
    says 'is no fingerprint'
    gives 77 A trust "$card" --fingerprint AAAA-AAAA-AAAA-AAAA-AAAA
    echo '{"users":1}' >m.json
    gives 65 A trust m.json
    says "neither a card nor a vendor's key"
    local secret
    for secret in v/vendor.key site/var/lib/gapferry/agent/keys/*.key; do
        [ -e "$secret" ] || continue
        gives 65 A trust "$secret" --duty license
        says 'is a secret key'
    done
}

@test "a second relay is said to take the place of the first" {
    site_init
    local first second
    R init >/dev/null
    RELAY=other R init >/dev/null
    first=$(R card --fingerprint)
    second=$(RELAY=other R card --fingerprint)
    gives 0 A trust relay/var/lib/gapferry/relay/keys/card --fingerprint "$first"
    [[ $out != *'takes the place'* ]]
    gives 0 A trust other/var/lib/gapferry/relay/keys/card --fingerprint "$second"
    says "It takes the place of relay $first for channels that name no relay"
}

@test "status leads to what is next: a drive for what lies here, and what was rejected" {
    ready
    license_request WRONG-KEY >/dev/null
    gives 0 A export
    gives 0 A status
    says '1 not on a drive yet' 'next       write it to a drive'
    home && there && home
    gives 0 A status
    says 'rejected' 'ask anew' 'license request'
}

# ---- channels ----

@test "a misspelt channel in agent.conf is noticed before all leaves" {
    A init --name site --allow metrcs=users >/dev/null
    gives 85 A record metrcis - <<<'{"users":1}'
    says 'Did you mean metrics?'
    gives 0 A config check
    [[ $err != *warning* ]]
    gives 0 A consent metrics grant
    says 'channel metrics: no rule (allow): every field leaves' '[channel "metrcs"]'
    gives 0 A record metrics - <<<'{"users":1,"secret":2}'
    says 'every field leaves'
    gives 0 A config check
    says 'nothing uses [channel "metrcs"], while channel metrics has consent' 'did you mean [channel "metrics"]?'
    A doctor >said || true
    grep -q 'nothing uses \[channel "metrcs"\]' said
    sed -i 's/metrcs/metrics/' site/etc/gapferry/agent.conf
    gives 0 A config check
    [[ $err != *warning* ]]
    gives 0 A record metrics - <<<'{"users":1,"secret":2}'
    [[ $err != *'every field'* ]]
}

@test "a slip in init --allow, and which file is no JSON" {
    gives 64 A init --allow 'metrics=us ers'
    says 'put commas between'
    gives 0 A init --allow 'metrics=users, edition' --consent metrics=granted
    echo nonsense >bad.json
    gives 65 A record metrics bad.json
    says 'bad.json'
}

@test "approve takes a fingerprint in groups, repeats it, and can be taken back" {
    R init >/dev/null
    gives 0 R approve abcd EFGH IJKL-MNOP QRST
    says 'ABCD-EFGH-IJKL-MNOP-QRST'
    gives 0 R status
    says 'approved     ABCD-EFGH-IJKL-MNOP-QRST  since' 'its card has not been seen yet'
    gives 0 R approve --withdraw ABCD-EFGH-IJKL-MNOP-QRST
    gives 66 R approve --withdraw ABCD-EFGH-IJKL-MNOP-QRST
    gives 0 R status
    [[ $out != *ABCD* ]]
    gives 64 R approve ABCD EFGH
    says 'not a fingerprint'

    # Who is enrolled is not let go by that.
    site_init
    acquaint
    gives 0 R status
    says 'its card has not been seen yet'
    A record metrics - <<<'{"users":1}'
    home
    gives 75 R sync usb
    gives 64 R approve --withdraw "$(A card --fingerprint)"
    says 'enrolled already'
    gives 0 R status
    says 'records list --state held'
    [[ $out != *'not been seen'* ]]
}

@test "a misspelt --root is named" {
    gives 64 "$BIN/gapferry-relay" --rot x status
    says 'unknown option --rot' 'did you mean --root DIR?'
    gives 64 "$BIN/gapferry-agent" --wrong status
    [[ $err != *'did you mean'* ]]
}

# ---- what is printed, and where it cannot be ----

@test "a record whose id cannot be printed is said to be queued, with its id" {
    site_init
    local status=0
    A record metrics - <<<'{"users":1}' >/dev/full 2>.err || status=$?
    [ "$status" -eq 73 ]
    grep -q 'record [0-9a-f-]\{36\} is queued all the same' .err
    grep -q "$(sqlite3 $STATE/agent.db 'SELECT lower(hex(id)) FROM record' | cut -c1-8)" .err
    [ "$(grep -c 'standard output' .err)" -eq 1 ]
    printf '{"users":1}\n{"users":2}\n' >lines
    A record --jsonl metrics lines >/dev/full 2>.err || true
    grep -q '2 records of channel metrics: queued all the same' .err
    [ "$(state queued)" -eq 3 ]
}

@test "one failure is told once, also where nothing can be printed" {
    gives 0 R init
    local status=0 form
    for form in '' --json; do
        # shellcheck disable=SC2086 # none or one word
        R status $form >/dev/full 2>.err || status=$?
        [ "$status" -eq 73 ]
        [ "$(wc -l <.err)" -eq 1 ]
    done
    status=0
    R records reject --json >/dev/full 2>.err || status=$?
    [ "$status" -eq 64 ]
    [ "$(wc -l <.err)" -eq 1 ]
}

@test "what is too long for one record is named" {
    site_init
    { printf '{"users":"' && head -c 1048550 /dev/zero | tr '\0' a && printf '"}'; } >long.json
    gives 84 A record metrics long.json
    says 'long.json: ' 'longer than 1048576 bytes'
    absent grep -q 'as a file' .err
}

# ---- what waits at the relay ----

@test "sync says why records wait, and no other reason" {
    ready
    users 1 >/dev/null
    home
    sed -i 's|^url = .*/usage|url = ftp://example.com/|' $RCONF
    R sync usb >.out 2>.err || true
    out=$(cat .out) err=
    says 'nothing was forwarded' 'not tried, for the reason given below'
    [[ $out != *'--wait'* ]]
    sed -i "s|^url = ftp.*|url = $URL/usage|" $RCONF
    R sync --wait 0 usb >.out 2>.err || true
    grep -q 'the time (--wait) was over' .out
}

@test "root on the state of the service's user leaves nothing there that the service cannot use" {
    [ "$(id -u)" -eq 0 ] || skip "not root: nobody's state was not used"
    local dir
    open_dir
    cd "$dir"
    chmod 777 .
    A init --name s --consent metrics=granted >/dev/null
    chown -R nobody:nogroup "$STATE"
    users 1 >/dev/null
    mkdir -m 777 usb
    gives 77 A sync usb # no relay is trusted yet
    gives 0 A consent metrics deny
    [ -z "$(find "$STATE" ! -user nobody)" ] || fail "$(find "$STATE" ! -user nobody)"
    [ "$(A history --json | jq -r '.events[-1].user')" = root ]

    # Whether an endpoint can be reached is asked as the service, too.
    RELAY=own R init >/dev/null
    chown -R nobody:nogroup own/var/lib/gapferry/relay
    install -m 600 /dev/null ca.pem
    printf '[endpoint "e"]\nchannel = c\nurl = https://127.0.0.1:1/\nca_file = %s\n' "$PWD/ca.pem" \
        >>own/etc/gapferry/relay.conf
    RELAY=own gives 78 R endpoints check --connect
    says 'ca_file: this file cannot be read'
}

# ---- what went wrong unasked ----

@test "status shows what failed by itself, and nothing of it where all is well" {
    site_init
    gives 0 A status
    [ "$(wc -l <.out)" -le 12 ]
    [[ $out != *source* && $out != *refused* && $out != *clock* && $out != *quarantine* ]]
    [ "$(fact '[.sources_failing, .intake_refused, .clock, .next_due, .quarantine] | tojson' A status)" = \
        '[[],[],null,null,0]' ]
    printf '[source "s"]\nchannel = metrics\ncommand = /bin/false\ninterval = 1h\n' >>site/etc/gapferry/agent.conf
    A source run s >/dev/null 2>&1 || true
    sqlite3 $STATE/agent.db "INSERT INTO source (name, due, ran, good, runs, failures, reason)
        VALUES ('s', 0, 1, 0, 1, 3, 'it ended with 1') ON CONFLICT DO UPDATE SET failures = 3"
    mkdir -p $STATE/quarantine
    touch $STATE/quarantine/{a.gfb,a.gfb.why,b.spool,b.spool.why,c.gfb}
    gives 0 A status
    says 'source     s failed 3 times in a row' 'quarantine 3 files could not be used'
    [ "$(fact '.sources_failing[0].failures' A status)" -eq 3 ]
    A doctor >.out 2>&1 || true
    grep -q 'put aside: 3$' .out || fail "doctor counts others: $(cat .out)"
    gives 0 faketime '2001-01-01' "$BIN/gapferry-agent" --root site status
    says 'set the clock'
}

@test "license check says what it waits for, and what is next" {
    ready
    license_request >/dev/null
    gives 90 A license check
    says 'its request is queued' 'it has not left yet; write it to a drive' 'sync DRIVE'
    home
    gives 90 A license check
    says 'it has left, and no answer has come; when the drive is back' 'sync DRIVE'
}

# ---- values of the configuration ----

@test "config check finds what would stop the agent later, and so does doctor" {
    local conf=site/etc/gapferry/agent.conf line
    A init >/dev/null
    cp "$conf" good
    for line in '[channel "m"]|full = foo' '[channel "m"]|max_records = many' '[channel "m"]|max_bytes = 0' \
        '[channel "m"]|airgap = hodl' '[agent]|export_interval = 5' '[agent]|resend_after = never' \
        '[agent]|history_max = 1G' '[agent]|auto_drives = sdb1'; do
        { cat good && tr '|' '\n' <<<"$line"; } >"$conf"
        gives 78 A config check
        says "${line#*|}: must be" agent.conf:
        A doctor >said || true
        grep -q "${line#*|}: must be" said
    done
    for line in '[channel "m"]|relay = relay-9' '[relay "r"]|url = localhost:18443' \
        '[relay "r"]|url = http://localhost' '[relay "r"]|poll = soon' '[relay "r"]|successes = 0' \
        '[relay "r"]|ca_file = /nonexistent/ca.pem'; do
        { cat good && tr '|' '\n' <<<"$line"; } >"$conf"
        gives 78 A config check
        says "${line#*|}: " agent.conf:
        gives 78 A doctor
        says "XX  config" "${line#*|}: " 'config check'
    done
    cp good "$conf"
    A doctor >said || true
    grep -q 'ok  config .*no mistake was found' said
}

@test "config check warns of a source that cannot run and of bundles nobody here can open" {
    A init --consent metrics=granted >/dev/null
    printf '[source "s"]\nchannel = metrisc\n' >>site/etc/gapferry/agent.conf
    gives 0 A config check
    says 'warning' 'neither a section nor consent' 'did you mean metrics?'
    A doctor >said || true
    grep -q 'neither a section nor consent.*did you mean metrics?' said
    sed -i '/^\[source/,$d' site/etc/gapferry/agent.conf
    gives 0 A config check
    [[ $err != *warning* ]]
    printf '[agent]\nself_reader = no\n' >>site/etc/gapferry/agent.conf
    gives 0 A config check
    says 'nobody at the site can open what leaves'
    A doctor >said || true
    grep -q -e '--  readers .*nobody at the site can open what leaves' said
}

@test "a file that is not there is named, with what to do" {
    A init >/dev/null
    gives 66 A trust no.card
    says 'no.card: there is no file' 'GAPFERRY/cards'
    gives 66 A license install no.license
    says 'no.license: there is no file' 'license request'
    gives 66 A updates import disc/no.json
    says 'disc/no.json: there is no file' 'where its disc is mounted'
    gives 66 A import no.gfb
    says 'no.gfb: there is no file' 'sync DRIVE'
}

@test "history --since names its option with two dashes, not four" {
    A init >/dev/null
    gives 64 A history --since yesterday
    says '--since yesterday: must be'
    [[ $err != *----* ]]
}

@test "trust takes all cards of a drive, and skips those of agents" {
    ready
    home && there
    SITE=second
    site_init
    A sync usb >/dev/null || true
    [ "$(find usb/GAPFERRY/cards -name '*.card' | wc -l)" -gt 1 ]
    gives 0 A trust usb/GAPFERRY/cards/*.card --fingerprint "$(R card --fingerprint)"
    says "that is an agent's own card" 'relay is trusted'
    gives 66 A trust site/var/lib/gapferry/agent/keys/card second/var/lib/gapferry/agent/keys/card
}

@test "approving a card that was never seen names the way of a site without drives" {
    relay_init
    site_init
    gives 0 R approve "$(A card --fingerprint)"
    says 'its next visit by HTTPS'
}
