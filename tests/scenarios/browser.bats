#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a shell of its own; page.bash sets token and base
# browser.bats -- the courier's page in a real browser: Debian's Chromium, driven by playwright-core.

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    # shellcheck source=tests/scenarios/page.bash
    source "$BATS_TEST_DIRNAME/page.bash"
    [ -d "$SOURCE/tests/browser/node_modules/playwright-core" ] ||
        (cd "$SOURCE/tests/browser" && npm ci --ignore-scripts --no-audit --no-fund >/dev/null)
    page_ready
    enroll
}

teardown() {
    page_stop KILL
    vendor_stop
}

browse() { # SCRIPT ARGUMENT...
    node "$SOURCE/tests/browser/$1" "${@:2}" >said.browser 2>&1 3>&- || fail "$(cat said.browser run.log)"
}

@test "a courier's whole trip by browser alone, over TLS, without scripts" {
    local first
    # Browsers take no Ed25519 certificates.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
        -keyout tls.key -out tls.crt 2>/dev/null
    printf 'cert_file = %s\nkey_file = %s\n' "$PWD/tls.crt" "$PWD/tls.key" >>relay/etc/gapferry/relay.conf
    base=https://127.0.0.1:$port
    page_start
    users 1 >/dev/null && users 2 >/dev/null
    bundle
    first=$bundle
    users 3 >/dev/null && users 4 >/dev/null
    bundle
    [ "$first" != "$bundle" ]
    mkdir got
    browse trip.mjs "$base" "$token" got "$first" "$bundle"
    cmp got/relay.card "$RSTATE/keys/card"
    [ "$(find got -name '*.gfb' | wc -l)" -ge 1 ]
    gives 0 A import got/*.gfb
    [ "$(state delivered)" = 4 ]
    agree
}

@test "wrong tokens, forms of other sites, sessions of others: nothing is confirmed by them" {
    page_start
    users 1 >/dev/null && users 2 >/dev/null
    bundle
    browse guard.mjs "$base" "$token" "$bundle"
    [ "$(R status --json | jq '.channels | length')" = 0 ]
    grep -q 'code=user' run.log || page_stop
    grep -q 'code=user' run.log
}
