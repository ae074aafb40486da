#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2034 # trip.bash sets out, err and URL
# run.bats -- the agent as a service: what it does by itself, what it survives, what it never does.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p usb
    site_init
    R init --name relay >/dev/null
    acquaint
}

teardown() {
    run_stop
    touch finished # for who holds a lock until then
    if [ -n "${NS:-}" ]; then ip netns del "$NS" 2>/dev/null || true; fi
    if mountpoint -q usb; then umount -l usb; fi
    if mountpoint -q other; then umount -l other; fi
}

# Start `run`; what it says goes to the file log. Descriptor 3 is bats' own.
run_start() {
    "$BIN/gapferry-agent" --root site run >log 2>&1 3>&- &
    RUN=$!
    soon grep -q event=started log
}

run_stop() {
    if [ -n "${RUN:-}" ]; then
        kill -TERM "$RUN" 2>/dev/null || true
        wait "$RUN" && status=0 || status=$?
        RUN=
    fi
}

count() { find "$1" -name "$2" 2>/dev/null | wc -l; } # FOLDER PATTERN
has() { [ "$(count "$1" '*.gfb')" = "$2" ]; }         # FOLDER NUMBER: so many bundles lie there

@test "run bundles a person's request at once, and ends when it is told to" {
    run_start
    license_request >/dev/null
    soon has "$STATE/outbox" 1
    soon grep -q 'event=bundled bundles=1 records=1' log
    run_stop
    [ "$status" -eq 0 ]
    grep -q event=ended log
}

@test "run ends at once while a source's program works, which is stopped, and runs the next time" {
    local program ended
    cat >slow <<SH
#!/bin/sh
trap '' TERM
sleep 300 & echo "\$! \$\$" >$PWD/pids.new && mv $PWD/pids.new $PWD/pids
wait; sleep 300
SH
    chmod 755 slow
    printf '[source "slow"]\nchannel = metrics\ninterval = 1h\ntimeout = 10m\ncommand = %s\n' "$PWD/slow" \
        >>site/etc/gapferry/agent.conf
    users 1 >/dev/null
    "$BIN/gapferry-agent" --root site run >log 2>&1 3>&- &
    RUN=$!
    soon test -e pids
    ended=$SECONDS
    run_stop
    [ "$status" -eq 0 ]
    [ $((SECONDS - ended)) -lt 10 ] || fail "took $((SECONDS - ended)) seconds to end"
    for program in $(cat pids); do
        [ ! -e "/proc/$program" ] || fail "$program is still there"
    done
    # Nothing of it counts, and what was queued is.
    absent grep source-failed log
    [ "$(state queued)" = 1 ]
    printf '#!/bin/sh\necho "{\\"users\\": 2}"\n' >slow
    gives 0 A run --once
    [ "$(state queued)" = 2 ]
}

@test "run --once says who holds the lock, and what failed besides" {
    cat >slow <<'SH'
#!/bin/sh
touch started
until [ -e locked ]; do sleep 0.05; done
echo '{"users": 3}'
SH
    chmod 755 slow
    sed -i "1a cd '$PWD' || exit" slow
    printf '[source "slow"]\nchannel = metrics\ninterval = 1h\ntimeout = 1m\ncommand = %s\n' "$PWD/slow" \
        >>site/etc/gapferry/agent.conf
    flock "$STATE/lock" sh -c 'touch held; until [ -e finished ]; do sleep 0.05; done' 3>&- &
    soon test -e held
    gives 73 A run --once
    says "$STATE/lock"
    [ ! -e started ]
    touch finished
    wait $!

    # Another command takes it while a source is at work, and what it makes is queued all the same.
    rm finished
    (
        until [ -e started ]; do sleep 0.05; done
        flock "$STATE/lock" sh -c 'touch locked; until [ -e finished ]; do sleep 0.05; done'
    ) 3>&- &
    echo garbage >"$STATE/intake/019b7ca9-8c88-7031-b233-343536373839.spool"
    echo "no folder" >"$STATE/quarantine"
    gives 73 A run --once
    says "$STATE/lock" "event=turn-failed" "step=intake"
    absent grep -q step=lock <<<"$err"
    [ "$(state queued)" = 1 ]
    touch finished
    wait $!
    rm "$STATE/quarantine"
    gives 0 A run --once
}

@test "run applies what is put into its inbox, and puts aside what it cannot use" {
    users 1 >/dev/null
    home
    gives 75 R sync usb # this relay has no endpoint
    run_start
    cp usb/GAPFERRY/to-site/*.gfb "$STATE/inbox/.copying"
    mv "$STATE/inbox/.copying" "$STATE/inbox/$(basename usb/GAPFERRY/to-site/*.gfb)"
    soon grep -q event=response-applied log
    echo garbage >"$STATE/inbox/ffffffffffffffffffffffffffffffff.gfb"
    soon test -e "$STATE/quarantine/ffffffffffffffffffffffffffffffff.gfb.why"
    has "$STATE/inbox" 0
    gives 75 A doctor
    says quarantine
}

@test "import without a file takes the inbox, and says what it took" {
    local bad=ffffffffffffffffffffffffffffffff.gfb good
    gives 0 A import
    says 'inbox: nothing waits there'
    users 1 >/dev/null
    home
    gives 75 R sync usb # this relay has no endpoint
    good=$(basename usb/GAPFERRY/to-site/*.gfb)
    mkdir -p "$STATE/inbox"
    cp "usb/GAPFERRY/to-site/$good" "$STATE/inbox/"
    echo garbage >"$STATE/inbox/$bad"
    gives 65 A import
    says "$good: applied" "$bad: refused: " 'it is in quarantine now' '1 at the relay'
    [ "$(state relayed)" = 1 ]
    has "$STATE/inbox" 0
    [ -s "$STATE/quarantine/$bad.why" ]
    cp "usb/GAPFERRY/to-site/$good" "$STATE/inbox/"
    [ "$(fact '.files[] | [.file, .result] | join(" ")' A import)" = "$good seen" ]
    has "$STATE/inbox" 0
}

@test "run visits a drive as soon as it is mounted, if it is listed and was synced here before" {
    mount -t tmpfs -o size=8m gapferry-test usb 2>/dev/null || skip "cannot mount a file system here: no drive was mounted"
    home
    umount usb
    sed -i "/^\[agent\]/a auto_drives = $PWD/usb, $PWD/other" site/etc/gapferry/agent.conf
    users 1 >/dev/null
    gives 0 A export
    mkdir other
    run_start
    mount -t tmpfs -o size=8m gapferry-test usb
    soon grep -q event=drive-synced log
    has usb/GAPFERRY/to-relay 1

    # Listed, but nobody has ever synced it: it is only spoken of.
    mount -t tmpfs -o size=8m gapferry-test other
    soon grep -q event=drive-unknown log
    [ ! -e other/GAPFERRY ]
    umount other
}

@test "a drive that is mounted while somebody else is at work is visited when they have ended" {
    mount -t tmpfs -o size=8m gapferry-test usb 2>/dev/null || skip "cannot mount a file system here: no drive was mounted"
    home
    umount usb
    sed -i "/^\[agent\]/a auto_drives = $PWD/usb" site/etc/gapferry/agent.conf
    users 1 >/dev/null
    gives 0 A export
    run_start
    flock "$STATE/lock" sleep 2 3>&- &
    local other=$!
    sleep 0.3
    mount -t tmpfs -o size=8m gapferry-test usb
    soon grep -q event=drive-synced log
    has usb/GAPFERRY/to-relay 1
    wait "$other"
}

@test "a drive that is not listed is left alone" {
    mount -t tmpfs -o size=8m gapferry-test usb 2>/dev/null || skip "cannot mount a file system here: no drive was mounted"
    home
    umount usb
    users 1 >/dev/null
    gives 0 A export
    run_start
    mount -t tmpfs -o size=8m gapferry-test usb
    license_request >/dev/null
    soon grep -q event=bundled log
    [ ! -e usb/GAPFERRY ]
}

@test "run survives a configuration that is wrong, says so once, and goes on when it is mended" {
    run_start
    cp site/etc/gapferry/agent.conf good
    echo 'misspelt = 1' >>site/etc/gapferry/agent.conf
    license_request >/dev/null 2>&1 || true
    kill -HUP "$RUN"
    soon grep -q event=turn-failed log
    kill -HUP "$RUN"
    sleep 1
    cp good site/etc/gapferry/agent.conf
    kill -HUP "$RUN"
    soon grep -q event=turn-mended log
    license_request >/dev/null
    soon has "$STATE/outbox" 1
    grep -q 'misspelt' log
}

@test "a failure of run is told once, however often it is tried, and so is its end" {
    mkdir -p "$STATE/inbox/00.gfb"
    run_start
    soon grep -q 'event=turn-failed step=inbox .*remove it' log
    for _ in 1 2; do
        kill -HUP "$RUN"
        sleep 1
    done
    [ "$(grep -c event=reload log)" = 2 ]
    [ "$(grep -c 'remove it' log)" = 1 ] || fail "told more than once: $(cat log)"
    rmdir "$STATE/inbox/00.gfb"
    kill -HUP "$RUN"
    soon grep -q 'event=turn-mended step=inbox .*remove it' log
    run_stop
    [ "$(grep -c 'remove it' log)" = 2 ]
}

@test "while run waits, a person's sync works, and finds the queue as it is" {
    run_start
    users 1 >/dev/null
    home
    has usb/GAPFERRY/to-relay 1
    gives 75 R sync usb # this relay has no endpoint
    home
    [ "$(state relayed)" = 1 ]
}

@test "while somebody else is at work run looks only now and then whether they have ended" {
    # A source that is due all the time, and a lock that does not end.
    printf '[source "due"]\nchannel = metrics\ninterval = 1h\ncommand = %s due\n' "$(type -P echo)" \
        >>site/etc/gapferry/agent.conf
    flock "$STATE/lock" sh -c 'touch held; until [ -e finished ]; do sleep 0.05; done' 3>&- &
    soon test -e held
    run_start
    # Each turn reads the configuration and the database; seen from outside it is one step of what
    # was read, or two.
    bytes() { awk '/^rchar/ { print $2 }' "/proc/$RUN/io"; }
    local before now until=$((SECONDS + 10)) turns=0
    before=$(bytes)
    while [ "$SECONDS" -lt "$until" ]; do
        sleep 0.2
        now=$(bytes)
        [ $((now - before)) -lt 500 ] || turns=$((turns + 1))
        before=$now
    done
    [ "$turns" -ge 1 ] && [ "$turns" -le 5 ] || fail "$turns turns in ten seconds"
}

@test "run holds less than 12 MiB and does not wake up while there is nothing to do" {
    run_start
    switches() { awk '/^voluntary_ctxt/ { print $2 }' "/proc/$RUN/status"; }
    settled switches
    local before after rss i
    rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$RUN/status")
    [ "$rss" -lt 12288 ] || fail "$rss KiB resident"
    # What wakes it regularly does so each time; what this machine does beside it, not thrice.
    for ((i = 0; i < 3; i++)); do
        before=$(switches)
        sleep 8
        after=$(switches)
        [ $((after - before)) -gt 2 ] || return 0
    done
    fail "woke up $((after - before)) times in eight seconds"
}

@test "over an hour of schedule in airgap mode not one packet leaves" {
    command -v faketime nft >/dev/null || skip "faketime or nft is not installed: no hour went by"
    ip netns add "gapferry-$$" 2>/dev/null || skip "cannot make a network namespace here: no packet was counted"
    local ns=gapferry-$$ out_packets agent
    NS=$ns
    ip -n "$ns" link set lo up
    ip netns exec "$ns" nft -f - <<'NFT' || { ip netns del "$ns"; skip "nft does not work here: no packet was counted"; }
table inet gapferry {
    chain out { type filter hook output priority 0; counter; }
}
NFT
    cat >>site/etc/gapferry/agent.conf <<CONF
[relay "relay"]
url = https://relay.example:8443/
[source "report"]
channel = metrics
kind = document
interval = 10m
CONF
    sed -i '/^allow/d; /^\[agent\]/a mode = airgap\nexport_interval = 15m' site/etc/gapferry/agent.conf
    # An hour in twelve seconds.
    ip netns exec "$ns" faketime -f '+0 x300' "$BIN/gapferry-agent" --root site run >log 2>&1 3>&- &
    RUN=$!
    ip netns exec "$ns" faketime -f '+0 x300' "$BIN/gapferry-link" --root site run >link.log 2>&1 3>&- || true
    sleep 12
    # faketime waits for the agent, and does not hand the signal on.
    agent=$(tr -d ' ' <"/proc/$RUN/task/$RUN/children")
    kill -TERM "$agent"
    wait "$RUN" || true
    RUN=
    [ ! -e "/proc/$agent" ] || fail "the agent outlives its test"
    out_packets=$(ip netns exec "$ns" nft -j list ruleset | jq '[.. | .counter? | objects | .packets] | add')
    ip netns del "$ns"
    [ "$(count "$STATE/outbox" '*.gfb')" -ge 3 ] || fail "the schedule did not run: $(cat log)"
    [ "$out_packets" = 0 ] || fail "$out_packets packets left"
}
