#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031 # `run` sets status, output and stderr
# link.bats -- gapferry-link probe: each stage at which the way to a relay can end is brought about for
# real, on the loopback or in a network namespace of the test's own; what status then says; airgap.

bats_require_minimum_version 1.5.0
load link.bash

setup() {
    site
}

teardown() {
    stop_all
}

# The relay is offline at this stage: for link, in the state file, and for status.
offline() { # STAGE WORDS [COMMAND...: before gapferry-link]
    run --separate-stderr "${@:3}" "$BIN/gapferry-link" --root s probe
    [ "$status" -eq 69 ] || fail "status $status: $output $stderr"
    [[ $output == 'relay "r": offline since '*"Z, stage: $1: GET "*"$2"* ]] || fail "$output"
    state_has state=offline "stage=$1"
    A status | grep -E "^network +r: offline since .*Z: $1 \\(GET "
    [ "$(A status --json | jq -r '.network[0] | "\(.state) \(.stage)"')" = "offline $1" ]
}

online() { # [COMMAND...: before gapferry-link]
    run --separate-stderr "$@" "$BIN/gapferry-link" --root s probe
    [ "$status" -eq 0 ] || fail "status $status: $output $stderr"
    [[ $output == 'relay "r": online since '*"hello signed by $(fingerprint relay)"* ]] || fail "$output"
    state_has state=online stage=
}

# ---- the proof ----

@test "online: the relay signs a fresh nonce, and status says so" {
    relay
    config "$URL"
    online
    A status | grep -E '^network +r: online since '
    config "$URL/"
    online
    [[ $(value evidence) == "GET $URL/v1/hello: hello signed by "* ]]
    [ "$(asked GET /v1/hello)" = 2 ]
}

@test "a cache gives an old hello, and that is no proof" {
    relay
    config "$URL"
    online
    behave '{"hello": "replay"}'
    offline 'wrong answer' 'a portal, a cache or somebody in between'
}

@test "another relay's hello is no proof, whoever that is" {
    mkdir r
    "$BIN/gapferry-bundle" keygen --role relay r/stranger >/dev/null
    relay
    config "$URL"
    behave '{"hello": "stranger"}'
    offline 'wrong answer' 'not the hello of our relay'
    # Trusted, it proves itself; unless fingerprint names the other one.
    A trust r/stranger/card --fingerprint "$(fingerprint r/stranger)" >/dev/null
    run L probe
    [ "$status" -eq 0 ]
    config "$URL" "fingerprint = $(fingerprint relay)"
    offline 'wrong answer' 'not the hello of our relay'
    behave '{}'
    online
}

@test "a page with status 200 is no proof: login pages, JSON, endless ones" {
    relay
    config "$URL"
    behave '{"hello": "<html>Welcome to Hotel Airgap. Please log in.</html>"}'
    offline 'wrong answer' 'not the hello of our relay'
    behave '{"hello": "{\"format\":\"gapferry-hello/1\"}"}'
    offline 'wrong answer' 'not the hello of our relay'
    says "$(printf 'HTTP/1.1 200 x\r\n\r\n'; head -c 100000 /dev/zero | tr '\0' x)"
    config "$URL"
    offline 'wrong answer' 'larger than we take'
}

@test "without a trusted relay nothing can prove itself, and nothing is tried" {
    relay
    rm -r s
    A init >/dev/null
    config "$URL"
    run L probe
    [ "$status" -eq 0 ]
    [[ $output == *'trust its card: gapferry-agent trust'* ]] || fail "$output"
    state_has state=unprobed
    [ ! -e r/log ]
    config "$URL" 'fingerprint = ABCD-EFGH-IJKL-MNOP-QRST'
    A trust relay/card --fingerprint "$(fingerprint relay)" >/dev/null
    run L probe
    [[ $output == *'has the fingerprint ABCD-EFGH-IJKL-MNOP-QRST'* ]] || fail "$output"
}

@test "cards/ holds the trusted relays' cards and this agent's own, no others, and mends itself" {
    local card own
    own="$(A card --fingerprint).card"
    card="$(fingerprint relay).card"
    cmp "$STATE/cards/$card" relay/card
    [ "$(stat -c %a "$STATE/cards" "$STATE/cards/$card" | paste -sd' ')" = '700 600' ]
    rm "$STATE/cards/$card"
    cp relay/card "$STATE/cards/AAAA-AAAA-AAAA-AAAA-AAAA.card"
    A status >/dev/null
    [ "$(ls "$STATE/cards")" = "$(printf '%s\n' "$card" "$own" | sort)" ]
    cmp "$STATE/cards/$card" relay/card
}

# ---- stages ----

@test "refused: nobody listens" {
    config "http://127.0.0.1:$(closed_port)"
    offline refused 'nobody listens there'
}

@test "no route: a namespace without any network" {
    namespace
    config https://192.0.2.1:8443
    offline 'no route' '192.0.2.1 port 8443' "${NS[@]}"
}

@test "no DNS: no server for names, and no such name" {
    namespace
    config https://relay.invalid
    offline 'no DNS' 'relay.invalid: the name has no address' "${NS[@]}"
}

# A server for names on 127.0.0.1 that gives every name the same address, and /etc/resolv.conf that names
# it: in a namespace of its own.
sinkhole() { # ADDRESS
    cat >sinkhole <<'SH'
#!/bin/sh
ip link set lo up && ip addr add 192.0.2.1/32 dev lo && mount --bind resolv.conf /etc/resolv.conf || exit 111
# shellcheck disable=SC2016
perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 53, Proto => "udp") or die $!;
    open my $f, ">", "sinkhole.up"; close $f;
    while (defined $s->recv(my $q, 512)) {
        my ($id, $flags, $n) = unpack "n3", $q;
        my $end = index($q, "\0", 12) + 5;
        my $type = unpack "n", substr($q, $end - 4, 2);
        my $answer = $type == 1 ? pack("n3Nn", 0xc00c, 1, 1, 60, 4) . pack("C4", split /\./, $ARGV[0]) : "";
        $s->send(pack("n6", $id, 0x8180, 1, $type == 1, 0, 0) . substr($q, 12, $end - 12) . $answer);
    }' -- "$SINK" >/dev/null 2>sinkhole.err 3>&- &
pids=$!
while [ ! -e sinkhole.up ]; do sleep 0.05; done
if [ -n "$SERVE" ]; then
    openssl s_server -accept 192.0.2.1:443 -cert inside.pem -key inside.key -quiet -www >/dev/null 2>&1 3>&- &
    pids="$pids $!"
    sleep 0.5
fi
"$@"
status=$?
# shellcheck disable=SC2086
kill $pids
exit $status
SH
    chmod +x sinkhole
    rm -f sinkhole.up
    printf 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n' >resolv.conf
    export SINK=$1
    "${NS[@]}" ./sinkhole true 2>/dev/null || skip 'no server for names here: THE SINKHOLE WAS NOT TRIED'
    rm -f sinkhole.up
}

@test "no DNS: a sinkhole that leads every name to this machine or to nowhere" {
    namespace
    config https://relay.example
    sinkhole 127.0.0.1
    offline 'no DNS' 'perhaps a sinkhole answers' "${NS[@]}" ./sinkhole
    sinkhole 0.0.0.0
    offline 'no DNS' 'perhaps a sinkhole answers' "${NS[@]}" ./sinkhole
}

@test "a sinkhole that leads every name to a server within the site proves nothing" {
    namespace
    certificate inside
    config https://relay.test
    sinkhole 192.0.2.1
    export SERVE=1
    offline 'TLS untrusted' 'relay.test port 443' "${NS[@]}" ./sinkhole
    rm -f sinkhole.up
    config https://relay.test "ca_file = $PWD/inside-ca.pem"
    offline 'wrong answer' 'relay.test port 443: the answer is larger than we take' "${NS[@]}" ./sinkhole
}

@test "timed out: a network that swallows everything" {
    namespace
    command -v ip >/dev/null || skip 'no ip(8): THE SWALLOWING NETWORK WAS NOT TRIED'
    # One end of a pair of interfaces, and a neighbour who is said to be there: what is sent to it goes
    # out, and nobody at the other end takes it.
    cat >swallow <<'SH'
#!/bin/sh
ip link add gap0 type veth peer name gap1 && ip addr add 192.0.2.2/24 dev gap0 &&
    ip link set gap0 up && ip link set gap1 up &&
    ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev gap0 nud permanent || exit 111
exec "$@"
SH
    chmod +x swallow
    "${NS[@]}" ./swallow true 2>/dev/null || skip 'no pair of interfaces here: THE SWALLOWING NETWORK WAS NOT TRIED'
    config https://192.0.2.1:8443
    offline 'timed out' 'no connection within' "${NS[@]}" ./swallow
}

@test "timed out: somebody listens, and never answers" {
    says silence
    config "$URL"
    local begin=$SECONDS
    offline 'timed out' 'no answer within 10 s'
    [ $((SECONDS - begin)) -le 20 ] # and not for ever
}

@test "wrong answer: no such path, a captive portal's redirect, a login page's 401, 511" {
    vendor
    config "$URL"
    offline 'wrong answer' 'status 404'
    relay
    config "$URL"
    behave '{"hello": 302}'
    offline 'wrong answer' 'status 302, which no relay gives: a portal that wants a login?'
    behave '{"hello": 401}'
    offline 'wrong answer' 'status 401'
    behave '{"hello": 511}'
    offline 'wrong answer' 'a portal that wants a login?'
}

@test "wrong answer: what answers is no HTTP, or closes" {
    says $'SSH-2.0-OpenSSH_9.2\r\n'
    config "$URL"
    offline 'wrong answer' "${URL#http://127.0.0.1:}"
    says ''
    config "$URL"
    offline 'wrong answer' "${URL#http://127.0.0.1:}"
}

@test "relay error: it answers that it cannot" {
    relay
    config "$URL"
    behave '{"hello": 503}'
    offline 'relay error' 'status 503'
    behave '{}'
    online
}

@test "proxy: it is not there, refuses, wants credentials; what the environment names is not asked" {
    config https://relay.example "proxy = http://127.0.0.1:$(closed_port)"
    offline proxy 'not reached'
    says "$(answer 403)"
    config https://relay.example "proxy = $URL"
    offline proxy 'answered 403'
    says "$(answer 407 'Proxy-Authenticate: Basic realm="x"')"
    config https://relay.example "proxy = $URL"
    offline 'proxy wants credentials' 'it wants credentials'
    # One on the way that nobody configured.
    config "$URL"
    offline 'proxy wants credentials' 'status 407'
    relay
    config "$URL"
    online env http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 all_proxy=http://127.0.0.1:1
}

@test "TLS untrusted: a certificate that nobody vouches for, as interception has; ca_file vouches" {
    certificate ours
    certificate theirs
    relay 127.0.0.1 ours.key ours.pem
    config "$URL"
    offline 'TLS untrusted' "127.0.0.1 port $PORT"
    config "$URL" "ca_file = $PWD/ours-ca.pem"
    online
    # Somebody on the way breaks TLS open with a certificate of his own.
    relay_down
    relay 127.0.0.1 theirs.key theirs.pem
    offline 'TLS untrusted' "127.0.0.1 port $PORT"
    # Even where the site trusts him, as with a company's proxy, what he answers himself proves nothing.
    config "$URL" "ca_file = $PWD/theirs-ca.pem"
    behave '{"hello": "<html>blocked by policy</html>"}'
    offline 'wrong answer' 'not the hello of our relay'
}

@test "plain HTTP where the url says https is a wrong answer, and nobody who reads along" {
    relay
    config "https://127.0.0.1:$PORT"
    offline 'wrong answer' 'no TLS there: is the url http'
}

# ---- modes ----

@test "airgap mode opens no socket of any kind, and says so" {
    command -v strace >/dev/null || skip 'no strace: SOCKETS WERE NOT LOOKED FOR'
    relay
    config "$URL"
    strace -f -e trace=network -o trace "$BIN/gapferry-link" --root s probe
    grep -q AF_INET trace # so that we know what it looks like
    MODE=airgap config "$URL"
    strace -f -e trace=network -o trace "$BIN/gapferry-link" --root s probe >out
    absent grep -vE '^[0-9]+ +(\+\+\+|---)' trace
    grep -F 'mode = airgap: nothing is tried' out
    state_has state=airgap stage=
    A status | grep -E '^network +r: airgap since '
}

@test "airgap mode tries a relay only if it is on the site" {
    relay
    MODE=airgap config "$URL" 'reach = site'
    online
    MODE=airgap config "$URL" 'reach = outside'
    L probe | grep airgap
}

@test "mode online looks as well" {
    relay
    MODE=online config "$URL"
    online
}

@test "without a url nothing is tried: only drives go there" {
    printf '[relay "r"]\nca_file = x\n' >s/etc/gapferry/agent.conf
    run L probe
    [ "$status" -eq 0 ]
    [[ $output == *'only drives go there'* ]]
    state_has state=unprobed
    : >s/etc/gapferry/agent.conf
    run L probe
    [ "$status" -eq 0 ]
    [[ $output == *'no [relay] with a url'* ]]
}

# ---- what is kept ----

@test "link.state has a block for each relay, and one that proves itself is enough" {
    relay
    config "$URL" '[relay "gone"]' "url = http://127.0.0.1:$(closed_port)"
    run --separate-stderr L probe
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    [ "$(cut -d= -f1 "$STATE/link.state" | paste -sd' ')" = \
        'relay state since stage evidence tried next person  relay state since stage evidence tried next person' ]
    [ "$(grep -E '^(relay|state|stage)=' "$STATE/link.state" | paste -sd' ')" = \
        'relay=r state=online stage= relay=gone state=offline stage=refused' ]
    [ "$(grep -cE '^(since|tried)=20[0-9-]{8}T[0-9:]{8}Z$' "$STATE/link.state")" = 4 ]
    [ "$(A status | grep -cE '^network +(r|gone): ')" = 2 ]
}

@test "since is kept while the state is the same; each change is logged once and stays in link.history" {
    local first
    config "http://127.0.0.1:$(closed_port)"
    run --separate-stderr L probe
    [[ $stderr == *'event=relay-changed relay=r from=unprobed to=offline stage=refused '* ]] || fail "$stderr"
    first=$(value since)
    [ "$(value tried)" = "$first" ]
    sleep 1.1
    run --separate-stderr L probe
    [ -z "$stderr" ]
    [ "$(value since)" = "$first" ]
    [[ $(value tried) > $first ]]
    # Another stage, but still offline.
    vendor
    config "$URL"
    run --separate-stderr L probe
    [ -z "$stderr" ]
    [ "$(value stage) $(value since)" = "wrong answer $first" ]
    relay
    config "$URL"
    run --separate-stderr L probe
    [[ $stderr == *'from=offline to=online '* ]] || fail "$stderr"
    is online
    [[ $(value since) > $first ]]
    [ "$(changes)" = 'offline:refused online:' ]
}

@test "since of one relay is not another's, and a damaged file is no obstacle" {
    relay
    printf 'relay=other\nstate=online\nsince=2020-01-01T00:00:00Z\n\nrelay=r\nstate=offline\nsince=2021-01-01T00:00:00Z\n' \
        >"$STATE/link.state"
    config "$URL"
    online
    [[ $(value since) > 2022-01-01 ]]
    head -c 300 /dev/urandom >"$STATE/link.state"
    online
    printf 'relay=r\nstate=online\nsince=yesterday\n' >"$STATE/link.state"
    online
    [[ $(value since) > 2022-01-01 ]]
    printf 'relay=r\nstate=online\nsince=2021-01-01T00:00:00Z\n' >"$STATE/link.state"
    online
    [ "$(value since)" = 2021-01-01T00:00:00Z ]
}

@test "--json says the same as one object" {
    vendor
    config "$URL"
    run --separate-stderr L probe --json
    [ "$status" -eq 69 ]
    [ "$(jq -c '.relays | length' <<<"$output")" = 1 ]
    [ "$(jq -r '.relays[0] | "\(.relay) \(.state) \(.stage)"' <<<"$output")" = 'r offline wrong answer' ]
    [ "$(jq -r '.relays[0].since' <<<"$output")" = "$(value since)" ]
    [ "$(jq -r '.relays[0].evidence' <<<"$output")" = "$(value evidence)" ]
}

@test "a state file that cannot be written is told, and the old one stays" {
    relay
    config "$URL"
    L probe
    cp "$STATE/link.state" before
    # A limit on the size of files: whoever writes gets an error, root too.
    run bash -c "trap '' XFSZ; ulimit -f 0; exec '$BIN/gapferry-link' --root s probe"
    [[ $status == 7[34] ]] || fail "status $status: $output"
    [[ $output == *link.state* ]] || fail "$output"
    cmp before "$STATE/link.state"
}

# ---- keys, mistakes ----

@test "it opens neither a key nor the queue" {
    command -v strace >/dev/null || skip 'no strace: OPENED FILES WERE NOT LOOKED AT'
    relay
    config "$URL"
    strace -f -e trace=file -o trace "$BIN/gapferry-link" --root s probe
    strace -f -e trace=file -o trace2 "$BIN/gapferry-link" --root s carry
    grep -q 'agent\.conf' trace
    grep -q 'outbox' trace2
    absent grep -E '/keys|agent\.db' trace trace2
}

# refused STATUS TEXT ARGUMENT...: one line that says it, and nothing else.
refused() {
    run --separate-stderr L "${@:3}"
    [ "$status" -eq "$1" ] || fail "status $status: $output $stderr"
    [ -z "$output" ] || fail "standard output: $output"
    [[ $stderr == "gapferry-link: "*"$2"* && $stderr != *$'\n'* ]] || fail "stderr: $stderr"
}

@test "mistakes are told in a line, and nothing is tried" {
    local command
    refused 64 'did you mean probe?' prob
    refused 64 'no command given'
    for command in probe carry run; do
        refused 64 'what is "twice"' "$command" twice
        refused 64 'frobnicate' "$command" --frobnicate
        config http://192.0.2.1
        refused 78 's/etc/gapferry/agent.conf:5: ' "$command"
        config ftp://192.0.2.1
        refused 78 's/etc/gapferry/agent.conf:5: ' "$command"
        MODE=sometimes config https://192.0.2.1
        refused 78 's/etc/gapferry/agent.conf:2: ' "$command"
        config https://192.0.2.1 'reech = site'
        refused 78 's/etc/gapferry/agent.conf:6: ' "$command"
        config https://192.0.2.1 'retry = 0'
        refused 78 's/etc/gapferry/agent.conf:6: retry is between' "$command"
        config https://192.0.2.1 'proxy = socks5://192.0.2.1:1'
        refused 78 's/etc/gapferry/agent.conf:6: ' "$command"
    done
    [ ! -e "$STATE/link.state" ]
    rm -r s
    refused 78 'gapferry-agent --root s init' probe
}

# ---- help, completion, manual ----

COMMANDS='probe carry run'

# The long options in a command's help; --root stands for all commands in one place.
options_of() {
    L "$1" --help | grep -oE '^ +(-[a-zA-Z],)? *--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort
}

@test "help fits a terminal; the completion has each command and option" {
    local command
    L --help | grep -q '^usage: gapferry-link '
    [[ $(L --version) =~ ^gapferry-link\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    # shellcheck source=/dev/null
    source "$SOURCE/scripts/completion/gapferry-link.bash"
    for command in $COMMANDS; do
        L --help | grep -q "^  $command "
        L "$command" --help | grep -q "^usage: gapferry-link $command "
        [ "$(L "$command" --help | wc -L)" -le 90 ]
        diff <(_gapferry_link_options "$command" | tr ' ' '\n' | sort) <(options_of "$command")
        grep -q "^\*gapferry-link\* .*\*$command\*" "$SOURCE/docs/man/gapferry-link.8.scd"
    done
    COMP_WORDS=(gapferry-link --root x pr) COMP_CWORD=3
    _gapferry_link
    [ "${COMPREPLY[*]}" = probe ]
    COMP_WORDS=(gapferry-link carry --js) COMP_CWORD=2
    _gapferry_link
    [ "${COMPREPLY[*]}" = --json ]
}

@test "the manual has each stage, each state and each key" {
    local word
    while read -r word; do
        grep -qxF "*$word*" "$SOURCE/docs/man/gapferry-link.8.scd" || fail "$word"
    done < <(sed -nE 's/^#define STAGE_[A-Z_]+ +"(.*)"/\1/p' "$SOURCE/agent/link/probe.h"
        printf '%s\n' online offline airgap unprobed)
    for word in url reach ca_file proxy fingerprint poll failures successes retry retry_max; do
        grep -qE "^\*$word\*" "$SOURCE/docs/man/gapferry-link.8.scd" || fail "$word"
    done
}
