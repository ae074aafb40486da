#!/usr/bin/env bats
# shellcheck disable=SC2154 # `run` sets stderr
# vendor.bats -- the scriptable vendor itself: what other tests take for granted when they use it.

bats_require_minimum_version 1.5.0

V=${GAPFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/bin}/vendor

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    command -v curl >/dev/null || skip 'curl is not installed: the vendor server was not tried'
}

teardown() {
    stop KILL
}

fail() {
    echo "$*" >&2
    return 1
}

# start [OPTION]...: the server, on a free port the first time and on the same one later.
start() {
    : >said
    "$V" --port "${PORT:-0}" --keys v "$@" >said 2>&1 3>&- &
    PID=$!
    for _ in $(seq 300); do
        if grep -q '^vendor: http' said; then
            URL=$(sed -nE '1s|^vendor: (http://127.0.0.1:[0-9]+) .*|\1|p' said)
            PORT=${URL##*:}
            return
        fi
        kill -0 "$PID" 2>/dev/null || break
        sleep 0.05
    done
    fail "the vendor does not start: $(cat said)"
}

stop() { # SIGNAL
    if [ -n "${PID:-}" ]; then
        kill -"$1" "$PID" 2>/dev/null || true
        wait "$PID" 2>/dev/null || true
        PID=
    fi
}

# post PATH BODY [CURL OPTION]...: prints the status, the answer goes to `answer`.
post() {
    curl -s -m 5 -o answer -w '%{http_code}' --data-binary "$2" "${@:3}" "$URL$1"
}
key() { echo "-HIdempotency-Key: $1"; }
script() { [ "$(post /script "$1")" = 200 ] || fail "$(cat answer)"; }
tally() { curl -sf "$URL/tally" | jq -r "$1"; }

# request KEY: a licence request.
request() {
    jq -nc --arg key "$1" '{format: "gapferry-license-request/1", product: "demo", version: null,
        key: $key, contact: "ops@example.org", counts: {users: 3}, nonce: ("ab" * 16),
        fingerprint: {board: ("cd" * 32), disk: ("ef" * 32), nic: ("01" * 32)}, ext: {}}'
}

@test "a known key gets a licence that minisign verifies, another one plain words" {
    start
    [ "$(post /license "$(request AAAA-BBBB)")" = 200 ]
    sed '/^untrusted comment/,$d' answer >l.json
    sed -n '/^untrusted comment/,$p' answer >l.json.minisig
    if command -v minisign >/dev/null; then minisign -Vm l.json -p v/vendor.pub; fi
    [ "$(jq -r '"\(.format) \(.product) \(.licensee) \(.fingerprint.k) \(.nonce)"' l.json)" = \
        "gapferry-license/1 demo ops@example.org 2 $(printf 'ab%.0s' {1..16})" ]
    [ "$(post /license "$(request KEY-1)")" = 200 ]
    [ "$(post /license "$(request CCCC-DDDD)")" = 422 ]
    grep -q 'not known here' answer
    [ "$(post /license '{"format":"other"}')" = 400 ]
    [ "$(post /license "$(request AAAA-BBBB)}")" = 400 ]
    [ "$(tally '.effects | length')" = 2 ]
    [ "$(tally .refused)" = 3 ]
}

@test "a licence key, its days and its policy can be configured" {
    start --key CCCC-DDDD --days 0 --then warn
    [ "$(post /license "$(request CCCC-DDDD)")" = 200 ]
    [ "$(sed '/^untrusted/,$d' answer | jq -r '"\(.expires) \(.policy.then)"')" = 'null warn' ]
}

@test "the same key has one effect and one answer; with another body it is refused" {
    start
    [ "$(post /license "$(request KEY-1)" "$(key k1)")" = 200 ]
    cp answer first
    sleep 1.1 # a second licence would carry another time
    [ "$(post /license "$(request KEY-1)" "$(key k1)")" = 200 ]
    cmp first answer
    [ "$(post /license "$(request KEY-2)" "$(key k1)")" = 422 ]
    [ "$(post /usage "$(request KEY-1)" "$(key k1)")" = 422 ]
    [ "$(tally '.effects | length')" = 1 ]
    [ "$(tally '.effects[0] | "\(.count) \(.requests)"')" = '1 4' ]
}

@test "requests with one key that come at once have one effect" {
    start
    local i clients=()
    for i in $(seq 16); do
        curl -s -m 5 -o "answer$i" -H 'Idempotency-Key: k' -d '{"users":1}' "$URL/usage" 3>&- &
        clients+=($!)
    done
    wait "${clients[@]}"
    [ "$(tally '.effects[] | "\(.count) \(.requests)"')" = '1 16' ]
    [ "$(cat answer? answer?? | sort -u)" = '{"accepted": 11}' ]
}

@test "without idempotency, or without keys, each request has an effect" {
    start --no-idempotency
    post /usage a "$(key k)" >/dev/null
    post /usage a "$(key k)" >/dev/null
    post /usage a >/dev/null
    post /usage a >/dev/null
    [ "$(tally '[.effects[].count] | join(" ")')" = '2 1 1' ]
}

@test "the tally names agent, record, path and digest of the body" {
    start
    [ "$(post /usage '{"users":1}' "$(key k)" -H 'Gapferry-Agent: a1' -H 'Gapferry-Record: r1')" = 200 ]
    [ "$(tally '.effects[0] | "\(.key) \(.agent) \(.record) \(.path) \(.digest)"')" = \
        "k a1 r1 /usage $(printf '{"users":1}' | b2sum -l 256 | cut -d' ' -f1)" ]
    [ "$(jq -r .body v/tally.jsonl)" = '{"users":1}' ]
}

@test "what was answered survives kill -9 of the server, and so does its key pair" {
    start
    [ "$(post /license "$(request KEY-1)" "$(key k1)")" = 200 ]
    cp answer first
    cp v/vendor.pub .
    stop KILL
    printf '{"key": "k2", "agent": ""' >>v/tally.jsonl # a line that it was about to write
    start
    [ "$(tally '.effects | length')" = 1 ]
    [ "$(post /license "$(request KEY-1)" "$(key k1)")" = 200 ]
    cmp first answer
    [ "$(post /usage x "$(key k2)")" = 200 ]
    cmp vendor.pub v/vendor.pub
    stop TERM
    start
    [ "$(tally '.effects | length')" = 2 ]
}

@test "each fault does what its name says, so often as told, and has the effect that it says" {
    start
    # Fault, what curl exits with, the status, and whether it takes effect.
    while read -r fault exit status effect; do
        post /script '' >/dev/null
        local before
        before=$(tally '.effects | length')
        script "1 ${fault//_/ } /usage"
        local got=0 said
        said=$(curl -s -m 2 -o answer -w '%{http_code}' -H "Idempotency-Key: $fault" -d 12345 "$URL/usage") || got=$?
        [[ " ${exit//,/ } " == *" $got "* ]] || fail "$fault: curl exits with $got, not $exit"
        [ "$said" = "$status" ] || fail "$fault: status $said"
        [ "$(tally '.effects | length')" = $((before + effect)) ] || fail "$fault: effect"
        [ "$(post /usage 12345 "$(key "$fault")")" = 200 ] || fail "$fault: goes on"
        [ "$(cat answer)" = '{"accepted": 5}' ] || fail "$fault: $(cat answer)"
        [ "$(tally '.effects | length')" = $((before + 1)) ] || fail "$fault: doubled"
    done <<'FAULTS'
close               52,56 000 0
reset-before        52,56 000 0
reset-after         52,56 000 1
timeout-after_30    28    000 1
timeout-after_1     52,56 000 1
status              0     500 0
status_404          0     404 0
retry-after_7       0     429 0
half                18    200 1
wrong               0     200 1
slow_1              0     200 1
FAULTS
}

@test "a wrong page and a time to wait are told as such" {
    start
    script '1 wrong'
    post /usage x "$(key a)" >/dev/null
    grep -q '<html>' answer
    script '1 retry-after 7'
    curl -s -D headers -o answer -d x "$URL/usage"
    grep -qi '^retry-after: 7' headers
}

@test "lines of a script follow one another, and fit a path or any" {
    printf '# begin\n1 status 501 /license\n2 status 502\n\n1 status 503 /usage\n' >faults
    start --script faults
    [ "$(post /usage x) $(post /usage x) $(post /license x) $(post /usage x) $(post /usage x)" = '502 502 501 503 200' ]
    [ "$(post /healthz '')" = 200 ]
}

@test "a script that cannot be read is refused with its line, and the old one stays" {
    start
    script '1 status 501'
    for bad in $'1 half\n2 quarter' 'x half' 'half' '1' '1 status 999' '1 half 3' '1 half usage' '1 status 500 /usage more'; do
        [ "$(post /script "$bad")" = 400 ] || fail "taken: $bad"
    done
    grep -q 'script line 1:' answer
    [ "$(post /usage x)" = 501 ]
}

@test "what is too large, empty, or at the wrong address is refused" {
    start
    head -c 8388609 /dev/zero >big
    [ "$(post /usage @big)" = 413 ]
    [ "$(post /usage '')" = 400 ]
    [ "$(post /elsewhere x)" = 404 ]
    [ "$(curl -s -o answer -w '%{http_code}' "$URL/usage")" = 405 ]
    [ "$(post /usage x "$(key "$(printf 'k%.0s' {1..129})")")" = 400 ]
    [ "$(tally '.effects | length')" = 0 ]
}

@test "it listens on the loopback only, and a second server keeps off the directory" {
    start
    local hex
    hex=$(printf '%04X' "$PORT")
    [ "$(awk -v port=":$hex" '$4 == "0A" && $2 ~ port "$" { print $2 }' /proc/net/tcp)" = "0100007F:$hex" ]
    run --separate-stderr "$V" --port 0 --keys v
    [ "$status" -eq 73 ]
    [[ $stderr == *'another vendor server'* ]]
    stop TERM
}

@test "wrong options are refused in a line" {
    for options in '' '--keys v more' '--keys v --port 65536' '--keys v --port x' '--keys v --then never' '--keys v --days -1'; do
        # shellcheck disable=SC2086 # words on purpose
        run --separate-stderr "$V" $options
        [ "$status" -eq 64 ] || fail "$options: $status"
        [ "$output" = '' ]
    done
}
