#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # `run` sets status, output and stderr; functions are called by `within`
# link_carry.bats -- gapferry-link as a courier: bundles there, responses back, refusals, patience.

bats_require_minimum_version 1.5.0
load link.bash

setup() {
    site
    A consent metrics grant >/dev/null
    relay
    config "$URL"
}

teardown() {
    stop_all
}

# A bundle more in the outbox: ID of the newest.
bundle() {
    echo '{"n":1}' | A record --product p metrics - >/dev/null
    A export >/dev/null
    # shellcheck disable=SC2012 # names are ids
    ID=$(basename "$(ls -t "$STATE"/outbox/*.gfb | head -n 1)" .gfb)
}

# A file that has the shell of a bundle, as a response that waits at the relay: WAITS is its id.
response() {
    "$BIN/gapferry-bundle" keygen --role relay stranger >/dev/null 2>&1 || true
    head -c "${1:-1000}" /dev/urandom >blob
    rm -f response.gfb
    "$BIN/gapferry-bundle" pack --identity stranger --kind response --to relay/card -o response.gfb blob >/dev/null
    WAITS=$("$BIN/gapferry-bundle" inspect --json response.gfb | jq -r .id)
    mv response.gfb "r/responses/$WAITS.gfb"
}

posts() { asked POST /v1/bundles; }

carries() { # STATUS SENT FETCHED
    run --separate-stderr L carry --json
    [ "$status" -eq "$1" ] || fail "status $status: $output $stderr"
    [ "$(jq -c '.relays[0] | [.sent, .fetched]' <<<"$output")" = "[$2,$3]" ] || fail "$output"
}

@test "a bundle goes once, byte for byte, and is noted; then only the poll repeats it" {
    bundle
    carries 0 1 0
    cmp "r/bundles/$ID.gfb" "$STATE/outbox/$ID.gfb"
    grep -qE "^$ID 20[0-9-]+T[0-9:]+Z$" "$STATE/link.sent"
    [ "$(stat -c %a "$STATE/link.sent")" = 600 ]
    [ "$(posts)" = 1 ]
    carries 0 0 0
    [ "$(posts)" = 2 ]
    [ "$(wc -l <"$STATE/link.sent")" = 1 ]
}

@test "nothing to send, nothing to ask with: a visit is a hello" {
    carries 0 0 0
    [ "$(posts)" = 0 ]
}

@test "what is addressed to another relay stays" {
    bundle
    "$BIN/gapferry-bundle" keygen --role relay other >/dev/null
    A trust other/card --fingerprint "$(fingerprint other)" >/dev/null
    bundle # to the one trusted last
    config "$URL" "fingerprint = $(fingerprint relay)"
    carries 0 1 0
    [ ! -e "r/bundles/$ID.gfb" ]
}

@test "what is no bundle, or not named like one, is left alone" {
    bundle
    head -c 3000 /dev/urandom >"$STATE/outbox/00000000000000000000000000000000.gfb"
    cp "$STATE/outbox/$ID.gfb" "$STATE/outbox/11111111111111111111111111111111.gfb"
    cp "$STATE/outbox/$ID.gfb" "$STATE/outbox/.$ID.part"
    ln -s /etc/passwd "$STATE/outbox/22222222222222222222222222222222.gfb"
    mkfifo "$STATE/outbox/33333333333333333333333333333333.gfb"
    carries 0 1 0
    [ "$(ls r/bundles)" = "$ID.gfb" ]
}

@test "with an empty outbox the newest of the history is posted to ask" {
    bundle
    mkdir -p "$STATE/history"
    mv "$STATE/outbox/$ID.gfb" "$STATE/history/"
    response
    carries 0 1 1
    cmp "r/bundles/$ID.gfb" "$STATE/history/$ID.gfb"
}

@test "a response comes whole and private, and is not fetched twice" {
    bundle
    response 3000000
    carries 0 1 1
    cmp "$STATE/inbox/$WAITS.gfb" "r/responses/$WAITS.gfb"
    [ "$(stat -c %a "$STATE/inbox" "$STATE/inbox/$WAITS.gfb" | paste -sd' ')" = '700 600' ]
    carries 0 0 0
    # Applied and removed, and still listed: it does not come back.
    rm "$STATE/inbox/$WAITS.gfb"
    carries 0 0 0
    [ "$(asked GET "/v1/responses/$WAITS")" = 1 ]
    # Nor where the note is lost, but it lies in quarantine.
    rm "$STATE/link.fetched"
    mkdir -p "$STATE/quarantine"
    touch "$STATE/quarantine/$WAITS.gfb"
    carries 0 0 0
    [ "$(asked GET "/v1/responses/$WAITS")" = 1 ]
}

@test "a response that is shorter, longer, larger or another than was told is not kept" {
    local b
    bundle
    response
    for b in '{"trim": 100}' '{"pad": 100}' '{"size": 5}' '{"size": 2147483647}'; do
        behave "$b"
        run L carry
        [ "$status" -eq 75 ] || fail "$b: status $status: $output"
        [[ $output == *'not kept'* || $output == *'no room'* ]] || fail "$b: $output"
        [ -z "$(ls -A "$STATE/inbox")" ]
    done
    behave '{}'
    mv "r/responses/$WAITS.gfb" r/responses/11111111111111111111111111111111.gfb
    run L carry
    [ "$status" -eq 75 ]
    [[ $output == *'it is another bundle; not kept'* ]] || fail "$output"
    head -c 5000 /dev/urandom >r/responses/11111111111111111111111111111111.gfb
    run L carry
    [ "$status" -eq 75 ]
    [ -z "$(ls -A "$STATE/inbox")" ]
    # The relay mends it.
    rm r/responses/*
    response
    carries 0 0 1
}

@test "a response that is gone meanwhile, or cannot be had now, is no mishap" {
    bundle
    response
    behave '{"get": 404}'
    carries 0 1 0
    behave '{"get": 503, "retry": 30}'
    carries 0 0 0
    behave '{}'
    carries 0 0 1
}

@test "a reply that lies about ids is not believed" {
    local reply
    bundle
    for reply in '{"bundle":"ID","state":"taken","responses":[{"id":"../../../etc/passwd","size":5}]}' \
        '{"bundle":"ID","state":"taken","responses":[{"id":"00000000000000000000000000000000","size":-1}]}' \
        '{"bundle":"ID","state":"taken","responses":[{"id":"00000000000000000000000000000000","size":99999999999}]}' \
        '{"bundle":"00000000000000000000000000000000","state":"taken","responses":[]}' \
        '{"bundle":"ID","state":"eaten","responses":[]}' '{"bundle":"ID"}' '<html>ok</html>' '[]'; do
        behave "$(jq -cn --arg r "${reply/ID/$ID}" '{reply: $r}')"
        run L carry
        [ "$status" -eq 69 ] || fail "$reply: status $status: $output"
        [[ $output == *'stage: wrong answer: POST '* ]] || fail "$reply: $output"
        [ -z "$(ls -A "$STATE/inbox")" ]
        [ ! -e "$STATE/link.sent" ]
    done
}

@test "a refused bundle is told, and not sent again until it changes" {
    local status_code
    for status_code in 400 413; do
        bundle
        behave "{\"post\": $status_code, \"error\": \"its seal is broken\"}"
        run --separate-stderr L carry
        [ "$status" -eq 75 ] || fail "status $status: $output"
        [[ $output == *'a person is needed: '*"outbox/$ID.gfb: status $status_code, sender: its seal is broken"* ]] || fail "$output"
        [[ $output == *"gapferry-agent sync DRIVE"*"gapferry-agent resend --bundle $ID"* ]] || fail "$output"
        [[ $stderr == *"event=bundle-refused relay=r file=$ID.gfb status=$status_code"* ]]
        [[ $(value person) == *"$ID.gfb"* ]]
        behave '{}'
        run L carry
        [ "$status" -eq 75 ]
        [ ! -e "r/bundles/$ID.gfb" ]
        A status | grep -F "$ID.gfb"
        # What the last visit heard counts without gapferry-link at work, too.
        A status | grep -F 'waits for a person, see "network"'
        touch -d '2020-01-01' "$STATE/outbox/$ID.gfb"
        carries 0 1 0
        [ -z "$(value person)" ]
        [ -e "r/bundles/$ID.gfb" ]
    done
}

@test "a refused bundle is sent again after a day, and where the way to the relay is another" {
    bundle
    behave '{"post": 400, "error": "its seal is broken"}'
    run L carry
    [ "$status" -eq 75 ]
    [[ $output == *'1 bundle is refused, the last is outbox/'*'it is tried again after 20'* ]] || fail "$output"
    behave '{}'
    run L carry
    [ "$status" -eq 75 ]
    [[ $output == *'1 bundle is refused'* ]] || fail "$output"

    cp "$STATE/link.refused" noted
    awk '{$5 -= 86401} 1' noted >"$STATE/link.refused"
    behave '{"post": 400, "error": "still broken"}'
    run L carry
    [[ $output == *'1 bundle is refused'*'still broken'* ]] || fail "$output"
    behave '{}'
    run L carry
    [ "$status" -eq 75 ]
    [ ! -e "r/bundles/$ID.gfb" ]

    config "$URL/"
    carries 0 1 0
    [ -z "$(value person)" ]
    [ -e "r/bundles/$ID.gfb" ]
}

@test "trouble of our own with one relay does not hold up the others" {
    config http://127.0.0.1:9 'ca_file = /nowhere/ca.pem' '[relay "b"]' "url = $URL"
    bundle
    run --separate-stderr L carry --json
    [ "$status" -eq 78 ] || fail "status $status: $output $stderr"
    [[ $stderr == *'gapferry-link: relay "r": '*'/nowhere/ca.pem'* ]] || fail "$stderr"
    [ "$(jq -r '.relays[1] | "\(.relay) \(.state) \(.sent)"' <<<"$output")" = 'b online 1' ]
    [ -e "r/bundles/$ID.gfb" ]
    [[ $(A status) == *'/nowhere/ca.pem'* ]] || fail "$(A status)"
}

@test "a 400 or 413 of something on the way condemns no bundle" {
    local status_code
    bundle
    for status_code in 400 413; do
        behave "{\"post\": $status_code, \"page\": \"<html>too much</html>\"}"
        run L carry
        [[ $output == *"status $status_code"* ]] || fail "$output"
        [ ! -e "$STATE/link.refused" ]
    done
    behave '{}'
    carries 0 1 0
    [ -e "r/bundles/$ID.gfb" ]
}

@test "what a relay has taken once is never noted as refused" {
    bundle
    carries 0 1 0
    behave '{"post": 400}'
    run L carry
    [ ! -e "$STATE/link.refused" ]
}

@test "an agent that the relay does not know posts one bundle a visit, until its operator approves" {
    bundle
    bundle
    behave '{"post": 403, "error": "approve ABCD"}'
    run L carry
    [ "$status" -eq 75 ]
    [[ $output == *'does not know this agent (status 403, sender: approve ABCD)'*'gapferry-relay approve'* ]] || fail "$output"
    [ "$(posts)" = 1 ]
    is online
    behave '{}'
    run --separate-stderr L carry --json
    [ "$status" -eq 0 ]
    [ "$(jq .relays[0].sent <<<"$output")" -ge 1 ]
}

@test "patience that is asked for is given: no post before it is over" {
    bundle
    config "$URL" 'successes = 1' 'retry = 1s' 'poll = 1s'
    behave '{"post": 429, "retry": 6}'
    daemon
    within 5 test -e r/log
    once() { [ "$(posts)" = 1 ]; }
    within 5 once
    behave '{}'
    sleep 3
    once || fail "$(cat r/log)"
    is online
    sent() { grep -q "^$ID " "$STATE/link.sent"; }
    within 8 sent
}

@test "a relay that breaks off in the middle counts as a failed try" {
    bundle
    behave '{"post": 500}'
    run L carry
    [ "$status" -eq 0 ]
    [ "$(value state)" = online ]
    [[ $(value evidence) == *'status 500'* ]]
}

@test "run: a new bundle goes at once, and an answer is asked for soon" {
    config "$URL" 'successes = 1' 'poll = 1h'
    daemon
    within 10 is online
    bundle
    sent() { grep -q "^$ID " "$STATE/link.sent"; }
    within 8 sent
    [ "$(value next)" \< "$(date -u -d +2min +%FT%TZ)" ] || fail "$(value next)"
}

@test "a relay within the site is visited every 15 minutes at least" {
    config "$URL" 'successes = 1' 'poll = 10h' 'reach = site'
    daemon
    within 10 is online
    [ "$(value next)" \< "$(date -u -d +16min +%FT%TZ)" ] || fail "$(value next)"
}

@test "mode online: tries are five minutes apart at most, after a refusal too, and status tells the next" {
    bundle
    MODE=online config "$URL" 'successes = 1' 'poll = 10h'
    behave '{"post": 403, "error": "approve ABCD"}'
    daemon
    within 10 is online
    [ -n "$(value person)" ] || fail "$(cat "$STATE/link.state")"
    [ "$(value next)" \< "$(date -u -d +301sec +%FT%TZ)" ] || fail "$(value next)"
    A status | grep -E "^network .*; next try $(value next)\$"
}

@test "a relay that goes on sending what nobody can use does not fill the disk" {
    bundle
    response
    mkdir -p "$STATE/quarantine"
    truncate -s 9G "$STATE/quarantine/junk.gfb"
    run L carry
    [ ! -e "$STATE/inbox/$WAITS.gfb" ]
    [[ $(value person) == *"quarantine/ hold 8 GiB"* ]]
    rm "$STATE/quarantine/junk.gfb"
    carries 0 0 1
    [ -z "$(value person)" ]
}

@test "what a killed fetch has left is removed" {
    mkdir -p "$STATE/inbox"
    touch "$STATE/inbox/.x.gfb.0123.part" "$STATE/inbox/kept.gfb"
    carries 0 0 0
    [ "$(ls -A "$STATE/inbox")" = kept.gfb ]
}

@test "a large bundle costs no memory" {
    command -v /usr/bin/time >/dev/null || skip 'no time(1): MEMORY WAS NOT MEASURED'
    head -c 200000000 /dev/urandom >blob
    "$BIN/gapferry-bundle" pack --identity "$STATE/keys" --to relay/card -o big.gfb blob >/dev/null
    ID=$("$BIN/gapferry-bundle" inspect --json big.gfb | jq -r .id)
    mkdir -p "$STATE/outbox"
    cp big.gfb "$STATE/outbox/$ID.gfb"
    "$BIN/gapferry-bundle" pack --identity "$STATE/keys" --to relay/card -o "back.gfb" blob >/dev/null
    WAITS=$("$BIN/gapferry-bundle" inspect --json back.gfb | jq -r .id)
    mv back.gfb "r/responses/$WAITS.gfb"
    /usr/bin/time -f %M -o memory "$BIN/gapferry-link" --root s carry
    cmp "$STATE/inbox/$WAITS.gfb" "r/responses/$WAITS.gfb"
    [ "$(tail -n 1 memory)" -le 40000 ] || [ "$(ldd "$BIN/gapferry-link" | grep -c asan)" -gt 0 ] || fail "$(cat memory) KiB"
}
