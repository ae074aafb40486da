#!/usr/bin/env bats
# forward.bats -- endpoints that fail in each way: the record's state, what is said, what took effect,
# and the receipt.

bats_require_minimum_version 1.5.0
load trip.bash

# Settings of the endpoint "usage" of relay.conf, more than it has.
usage_with() { sed -i "/endpoint \"usage\"/,\$ { /^url/ a $1
}" relay/etc/gapferry/relay.conf; }

# The newest record: its state and its reason, as the relay knows them.
newest() { fact '.records[-1] | .state + ": " + (.reason // "")' R records list; }

# One more record lies on the drive.
arrive() {
    users "$1" >/dev/null
    A sync usb >/dev/null 2>&1 || true
}

@test "each fault has its state and its words, and nothing takes effect twice" {
    local n=0 fault state words
    ready
    usage_with 'connections = 1'
    while IFS='|' read -r fault state words; do
        n=$((n + 1))
        arrive $n
        vendor_script "$fault"
        R sync usb >.said 2>&1 || true
        [[ $(newest) == "$state: "*"$words"* ]] || fail "$fault: $(newest), not $state: $words"
        vendor_script ''
        gives 0 R records release
        R sync usb >.said 2>&1 || true
        [ "$(newest)" = 'delivered: ' ] || fail "$fault, mended: $(newest)"
        [ "$(tally '.effects | length')" = $n ] || fail "$fault: $(tally '.effects')"
        [ "$(tally '[.effects[].count] | max')" = 1 ] || fail "$fault took effect twice"
    done <<'FAULTS'
9 close|later|broken:
9 reset-before|later|broken:
9 reset-after|later|broken:
1 timeout-after 9|later|timed out:
1 status 500|later|HTTP 500
1 status 401|held|HTTP 401
1 retry-after 60|later|HTTP 429
9 half|later|broken:
1 redirect|held|HTTP 302
FAULTS
    # All of it is told at home.
    R sync usb >/dev/null
    home
    [ "$(state delivered)" = $n ]
}

@test "an endpoint that asks for time is not asked again before" {
    ready
    arrive 1
    vendor_script '1 retry-after 600'
    gives 0 R sync usb
    # shellcheck disable=SC2154 # gives sets it
    [[ $out != *'needs you'* ]] || fail "$out"
    says 'asks to be left alone until'
    says 'to try all the same: gapferry-relay'
    local before
    before=$(tally '.requests')
    arrive 2
    gives 0 R sync usb
    # The second record is asked about once: its endpoint says then that it has time.
    [ "$(fact '.records[0].state' R records list)" = later ]
    [ "$(tally '.requests')" -le $((before + 1)) ]
}

@test "a page that has nothing to do with it is no success where a text is expected" {
    ready
    usage_with 'success_text = accepted'
    arrive 1
    vendor_script '9 wrong'
    gives 75 R sync usb
    [[ $(newest) == 'later: HTTP 200, but without "accepted" (success_text): '* ]] || fail "$(newest)"
    vendor_script ''
    R records release >/dev/null
    there
    [ "$(newest)" = 'delivered: ' ]
}

@test "where a second time does harm, what may have arrived waits for a person" {
    ready
    usage_with 'idempotency = none'
    arrive 1
    vendor_script '9 reset-after'
    gives 75 R sync usb
    [[ $(newest) == 'held: it may have arrived ('*'records release sends it again'* ]] || fail "$(newest)"
    # The site is told that it is there, and no more.
    home
    [ "$(state delivered)" = 0 ]
    # The operator saw that the vendor does not have it, in this story.
    vendor_script ''
    gives 0 R records release
    there
    [ "$(newest)" = 'delivered: ' ]
    home
    [ "$(state delivered)" = 1 ]
    gives 0 A history
}

@test "where a second time does harm, a kept connection that ends doubles nothing" {
    ready
    usage_with 'idempotency = none\nconnections = 1'
    arrive 1
    arrive 2
    vendor_script '1 slow 0
1 reset-after'
    gives 75 R sync usb
    [ "$(fact '[.records[].state] | sort | join(" ")' R records list)" = 'delivered held' ]
    [ "$(tally '[.effects[].count] | max')" = 1 ]
    [ "$(tally .requests)" = 2 ]
}

@test "a slow endpoint and a dead one keep no other waiting" {
    ready
    cat >>relay/etc/gapferry/relay.conf <<CONF
[endpoint "dead"]
channel = dead
url = http://127.0.0.1:9/
[endpoint "slow"]
channel = slow
url = $URL/usage?slow
timeout = 20s
CONF
    printf '[channel "dead"]\nconsent = granted\n[channel "slow"]\nconsent = granted\n' \
        >>site/etc/gapferry/agent.conf
    local i
    for ((i = 0; i < 3; i++)); do
        A record dead - <<<'{"users":1}' >/dev/null
        A record slow - <<<'{"users":1}' >/dev/null
    done
    arrive 1
    users 2 >/dev/null
    users 3 >/dev/null
    A sync usb >/dev/null 2>&1
    vendor_script '9 slow 15 /usage?slow'
    gives 75 R sync --wait 2s usb
    [ "$(fact '[.records[] | select(.channel == "metrics") | .state] | unique | .[]' R records list)" = delivered ]
    [ "$(fact '[.records[] | select(.channel == "dead") | .state] | unique | .[]' R records list)" = later ]
    says 'endpoint "dead"'
}

# program_takes COMMAND [LINE]...: usage goes to a program, which notes it in the file delivered; what holds
# a 13 is for the COMMAND. The LINEs are for its section.
program_takes() {
    cat >deliver <<PROGRAM
#!/bin/sh
cd "$PWD"
body=\$(cat)
case \$body in
*13*) $1 ;;
esac
echo "\$GAPFERRY_RECORD \$body" >>delivered
PROGRAM
    chmod +x deliver
    : >delivered
    local line section="profile = exec\\nprogram = $PWD/deliver"
    for line in "${@:2}"; do section+="\\n$line"; done
    sed -i "/endpoint \"usage\"/,\$ { s|^url = .*|$section| }" relay/etc/gapferry/relay.conf
}

@test "one agent's failing records keep no other agent's waiting, and none hears of another's" {
    ready
    program_takes 'echo "tried $GAPFERRY_AGENT" >>tried; echo "no thirteen" >&2; exit 1' 'connections = 1'
    SITE=other site_init
    SITE=other acquaint
    local i own site
    for site in site other; do
        R approve --card "$site/var/lib/gapferry/agent/keys/card" "$(SITE=$site A card --fingerprint)" >/dev/null
    done
    for ((i = 0; i < 20; i++)); do users 13 >/dev/null; done
    A sync usb >/dev/null 2>&1
    gives 0 R import usb/GAPFERRY/*/*.gfb
    # The other's come behind all of these.
    mkdir usb2
    for ((i = 0; i < 3; i++)); do SITE=other users 2 >/dev/null; done
    SITE=other A sync usb2 >/dev/null 2>&1
    gives 0 R import usb2/GAPFERRY/*/*.gfb
    gives 75 R forward
    [ "$(wc -l <delivered)" = 3 ] || fail "$(R records list)"
    [ "$(wc -l <tried)" = 3 ] || fail "$(cat tried)"
    # The operator hears it in the program's words, other records do not.
    says 'no thirteen'
    own=$(fact '[.records[].reason // "" | select(contains("no thirteen"))] | length' R records list)
    [ "$own" = 3 ] || fail "$(R records list)"
    [ "$(fact '[.records[] | select(.reason != null) | .reason | select(startswith("not tried:"))] | unique | .[]' R records list)" = \
        'not tried: endpoint "usage" failed for 3 records of this sender in a row' ]
}

@test "another host's certificate: nothing is sent, and it is said" {
    command -v openssl >/dev/null || skip 'openssl is not installed'
    ready
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tls.key -out tls.crt \
        -days 2 -subj /CN=other.example -addext subjectAltName=DNS:other.example 2>/dev/null
    openssl s_server -accept 127.0.0.1:0 -cert tls.crt -key tls.key -www >tls.out 2>&1 3>&- </dev/null &
    local server=$! port=
    until [ -n "$port" ]; do
        kill -0 "$server" || fail "$(cat tls.out)"
        sleep 0.05
        port=$(sed -nE 's/^ACCEPT .*:([0-9]+)$/\1/p' tls.out)
    done
    sed -i "s|^url = .*/usage|url = https://localhost:$port/usage\nca_file = $PWD/tls.crt|" relay/etc/gapferry/relay.conf
    arrive 1
    gives 75 R sync usb
    kill "$server" || fail "$(cat tls.out)"
    wait "$server" || true
    [[ $(newest) == 'later: TLS untrusted: '* ]] || fail "$(newest)"
    absent grep -q POST tls.out
}

@test "a program delivers what no web server takes" {
    ready
    program_takes 'echo "no thirteen" >&2; exit 65'
    arrive 12
    arrive 13
    R sync usb >/dev/null
    [ "$(grep -c '"users":12' delivered)" = 1 ]
    # Bundles of one drive are taken in any order.
    [ "$(fact '.records[] | select(.state == "rejected") | .reason' R records list)" = \
        'the program ended with status 65: no thirteen' ]
    home
    [ "$(state delivered)" = 1 ]
    [ "$(state rejected)" = 1 ]
}
