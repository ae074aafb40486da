#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2119,SC2154 # each test is a shell of its own; page.bash sets token and base
# crowd.bats -- callers of the relay's listener that are slow, many, huge or broken: they are cut off or
# refused, others are served meanwhile, and nothing is left of them.

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/page.bash
. "$BATS_TEST_DIRNAME/page.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    page_ready
    enroll
    api=$((port + 1))
    printf '[listen]\naddress = 127.0.0.1\nport = %s\npatience = 2s\nconnections = 32\nper_address = 0\n' "$api" \
        >>relay/etc/gapferry/relay.conf
}

teardown() {
    crowd_goes
    page_stop KILL
    vendor_stop
}

# crowd WHAT [N]: a crowd at the API that stays.
crowd() {
    node "$SOURCE/tests/support/crowd.mjs" "$api" "$@" >crowd.out 2>&1 3>&- &
    CROWD=$!
    local i
    for ((i = 0; i < 100; i++)); do
        ! grep -q here crowd.out || return 0
        sleep 0.1
    done
    fail "no crowd: $(cat crowd.out)"
}

crowd_goes() {
    [ -n "${CROWD:-}" ] || return 0
    kill "$CROWD" 2>/dev/null || true
    wait "$CROWD" 2>/dev/null || true
    CROWD=
}

post() { # FILE [CURL OPTION]...
    code=$(curl -s -m 30 -o reply -w '%{http_code}' -H 'Content-Type: application/vnd.gapferry.bundle' \
        --data-binary "@$1" "${@:2}" "http://127.0.0.1:$api/v1/bundles") || true
}

listener() { pgrep -P "$RUN" -f 'gapferry-relay: listener'; }

nothing_left() {
    [ -z "$(find "$RSTATE"/{incoming,uploads,pending,quarantine,work,brought} -type f)" ] ||
        fail "left: $(find "$RSTATE"/{incoming,uploads,pending,quarantine,work,brought} -type f)"
}

@test "slow and silent callers are cut off, and a bundle comes through all the same" {
    local what
    page_start
    first=$(listener)
    for what in slow-heads slow-bodies silent; do
        crowd "$what" 60
        users 1 >/dev/null
        bundle
        post "$bundle"
        [ "$code" = 200 ] || fail "$what: HTTP $code $(cat reply run.log)"
        crowd_goes
    done
    [ "$(listener)" = "$first" ]
    nothing_left
    # The page has places of its own.
    crowd silent 60
    login
    answers 303
}

@test "odd requests each get their refusal, and the next caller is served" {
    page_start
    first=$(listener)
    node "$SOURCE/tests/support/crowd.mjs" "$api" broken >got 2>&1 3>&-
    cat >want <<'WANT'
garbage closed
no-http closed
delete 405
trace 405
put 405
get-a-post 405
chunked 411
two-lengths 400
negative-length 400
huge-length 413
oversized-head 431
many-headers 431
long-target 414
nul-in-target 400
pipelined 200
other-version 505
empty closed
WANT
    diff want got
    [ "$(node "$SOURCE/tests/support/crowd.mjs" "$api" half-closed 20)" = 20 ]
    # The same at the page's own socket.
    node "$SOURCE/tests/support/crowd.mjs" "$port" broken >got 2>&1 3>&-
    absent grep -qE ' (200|50[0-4])$' <(grep -v pipelined got)
    [ "$(listener)" = "$first" ]
    nothing_left
    users 1 >/dev/null
    bundle
    post "$bundle"
    [ "$code" = 200 ]
}

@test "a thousand callers use up no descriptors, and uploads that break off leave nothing" {
    page_start
    first=$(listener)
    crowd silent 1000
    # All places of the API are taken; the page has its own.
    login
    answers 303
    [ "$(find "/proc/$(listener)/fd" | wc -l)" -lt 128 ]
    crowd_goes
    users 1 >/dev/null
    bundle
    post "$bundle"
    [ "$code" = 200 ] || fail "HTTP $code: $(cat run.log)"
    [ "$(listener)" = "$first" ]
    # Bodies that break off just before their end.
    users 2 >/dev/null
    bundle
    local i pids=()
    for i in 1 2; do
        (
            exec 5<>"/dev/tcp/127.0.0.1/$api"
            printf 'POST /v1/bundles HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/vnd.gapferry.bundle\r\nContent-Length: %s\r\n\r\n' \
                "$(stat -c %s "$bundle")" >&5
            cat "$bundle" - </dev/zero | head -c "$(($(stat -c %s "$bundle") - 10))" >&5
            sleep 1.5
        ) 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    sleep 0.3
    nothing_left
    post "$bundle"
    [ "$code" = 200 ]
}
