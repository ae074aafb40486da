#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031 # `run` sets status, output and stderr
# link.bats -- gapferry-link: each stage at which the way to a relay can end is brought about for
# real, on the loopback or in a network namespace of the test's own; what status then says; airgap.

bats_require_minimum_version 1.5.0

BIN=${GAPFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/bin}
SOURCE=${GAPFERRY_SOURCE:-$BATS_TEST_DIRNAME/../..}

A() { "$BIN/gapferry-agent" --root s "$@"; }
L() { "$BIN/gapferry-link" --root s "$@"; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    A init >/dev/null
    STATE=s/var/lib/gapferry/agent/link.state
    unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
}

teardown() {
    local pid
    for pid in ${PIDS:-}; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

fail() {
    echo "$*" >&2
    return 1
}

# The command fails. (A mere "!" would not fail the test.)
absent() {
    if "$@"; then fail "should fail: $*"; fi
}

# ---- who answers, and where nobody does ----

# Run something that prints its port, or URL, in its first line, until the test ends; what it printed
# goes to SAID.
background() { # NAME COMMAND...
    "${@:2}" >"$1.out" 2>"$1.err" 3>&- &
    PIDS="${PIDS:-} $!"
    for _ in $(seq 100); do
        if [ -s "$1.out" ]; then
            SAID=$(head -n 1 "$1.out")
            return
        fi
        sleep 0.05
    done
    fail "$1 does not start: $(cat "$1.err")"
}

vendor() { # URL: a server whose /healthz answers 200, and other paths 404
    background vendor "$BIN/vendor" --port 0 --keys v
    URL=$(sed -nE 's|^vendor: (http://127.0.0.1:[0-9]+) .*|\1|p' <<<"$SAID")
}

# URL: a server that reads a request's head and says these bytes, whatever was asked; without bytes it
# closes, with `silence` it says nothing.
says() { # BYTES
    # shellcheck disable=SC2016 # Perl's variables
    background "says$((SERVERS = ${SERVERS:-0} + 1))" perl -MIO::Socket::INET -e '
        $| = 1;
        my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 5) or die $!;
        print $s->sockport, "\n";
        while (my $c = $s->accept) {
            while (<$c>) { last if /^\r?\n$/ }
            if ($ARGV[0] eq "silence") { push @kept, $c } else { print $c $ARGV[0]; close $c }
        }' -- "$1"
    URL=http://127.0.0.1:$SAID
}

answer() { # STATUS [HEADER]
    printf 'HTTP/1.1 %s x\r\n%sContent-Length: 2\r\nConnection: close\r\n\r\nok' "$1" "${2:+$2$'\r\n'}"
}

# A port of the loopback on which nobody listens.
closed_port() {
    perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport'
}

# ---- what is asked, and what is expected ----

config() { # URL [LINE...]: of the relay
    printf '[agent]\nmode = %s\n\n[relay "r"]\nurl = %s\n' "${MODE:-auto}" "$1" >s/etc/gapferry/agent.conf
    printf '%s\n' "${@:2}" >>s/etc/gapferry/agent.conf
}

# The relay is offline at this stage: for link, in the state file, and for status.
offline() { # STAGE WORDS [COMMAND...: before gapferry-link]
    run --separate-stderr "${@:3}" "$BIN/gapferry-link" --root s probe
    [ "$status" -eq 69 ] || fail "status $status: $output $stderr"
    [ -z "$stderr" ] || fail "stderr: $stderr"
    [[ $output == 'relay "r": offline since '*"Z, stage: $1: GET "*"$2"* ]] || fail "$output"
    state_has state=offline "stage=$1"
    A status | grep -E "^network +r: offline since .*Z: $1 \(GET "
    [ "$(A status --json | jq -r '.network[0] | "\(.state) \(.stage)"')" = "offline $1" ]
}

answered() { # [COMMAND...: before gapferry-link]
    run --separate-stderr "$@" "$BIN/gapferry-link" --root s probe
    [ "$status" -eq 0 ] || fail "status $status: $output $stderr"
    [[ $output == 'relay "r": answered since '* ]] || fail "$output"
    state_has state=answered stage=
}

state_has() { # LINE...
    local line
    for line; do
        grep -qxF -- "$line" "$STATE" || fail "no $line in: $(cat "$STATE")"
    done
}

# NS: what runs a command in a network namespace of its own, as its root.
namespace() {
    NS=(unshare -r -n --)
    if [ "$(id -u)" = 0 ]; then NS=(unshare -n --); fi
    "${NS[@]}" true 2>/dev/null || skip 'no network namespace is allowed here: THIS STAGE WAS NOT TRIED'
}

# ---- stages ----

@test "answered: /healthz of the configured url gives 200" {
    vendor
    config "$URL"
    answered
    A status | grep -E '^network +r: answered since '
    config "$URL/"
    answered
    grep -xF "evidence=GET $URL/healthz: status 200" "$STATE"
}

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
    [ $((SECONDS - begin)) -le 13 ]
}

@test "wrong answer: no such path, a captive portal's redirect, a login page's 401" {
    vendor
    config "$URL/elsewhere"
    offline 'wrong answer' 'status 404'
    says "$(answer 302 'Location: http://127.0.0.1:1/login')"
    config "$URL"
    offline 'wrong answer' 'status 302'
    says "$(answer 401)"
    config "$URL"
    offline 'wrong answer' 'status 401'
}

@test "relay error: it answers that it cannot" {
    says "$(answer 503)"
    config "$URL"
    offline 'relay error' 'status 503'
}

@test "broken: what answers is no HTTP, or closes, or never ends" {
    says $'SSH-2.0-OpenSSH_9.2\r\n'
    config "$URL"
    offline broken "${URL#http://127.0.0.1:}"
    says ''
    config "$URL"
    offline broken "${URL#http://127.0.0.1:}"
    says "$(printf 'HTTP/1.1 200 x\r\n\r\n'; head -c 100000 /dev/zero | tr '\0' x)"
    config "$URL"
    offline broken "${URL#http://127.0.0.1:}"
}

@test "proxy: it is not there, or will not; what the environment names is not asked" {
    config https://relay.example "proxy = http://127.0.0.1:$(closed_port)"
    offline proxy 'not reached'
    says "$(answer 407 'Proxy-Authenticate: Basic realm="x"')"
    config https://relay.example "proxy = $URL"
    offline proxy 'it wants credentials'
    vendor
    config "$URL"
    answered env http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 all_proxy=http://127.0.0.1:1
}

@test "TLS untrusted: a certificate that nobody vouches for; ca_file vouches" {
    command -v openssl >/dev/null || skip 'no openssl: TLS WAS NOT TRIED'
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout tls.key -out tls.pem \
        -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    # It takes a free port and tells which; what it answers is the file of the path's name.
    answer 200 >healthz
    background tls openssl s_server -accept 127.0.0.1:0 -cert tls.pem -key tls.key -HTTP
    for _ in $(seq 100); do
        SAID=$(sed -nE 's/^ACCEPT 127.0.0.1:([0-9]+).*/\1/p' tls.out)
        [ -z "$SAID" ] || break
        sleep 0.05
    done
    config "https://127.0.0.1:$SAID"
    offline 'TLS untrusted' "127.0.0.1 port $SAID"
    config "https://127.0.0.1:$SAID" "ca_file = $PWD/tls.pem"
    answered
}

# ---- modes ----

@test "airgap mode opens no socket of any kind, and says so" {
    command -v strace >/dev/null || skip 'no strace: SOCKETS WERE NOT LOOKED FOR'
    vendor
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
    vendor
    MODE=airgap config "$URL" 'reach = site'
    answered
    MODE=airgap config "$URL" 'reach = outside'
    L probe | grep airgap
}

@test "mode online looks as well" {
    vendor
    MODE=online config "$URL"
    answered
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

# ---- the state file ----

@test "link.state has a block for each relay, and one that answers is enough" {
    vendor
    config "$URL" '[relay "gone"]' "url = http://127.0.0.1:$(closed_port)"
    run L probe
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    [ "$(cut -d= -f1 "$STATE" | paste -sd' ')" = \
        'relay state since stage evidence tried  relay state since stage evidence tried' ]
    [ "$(grep -E '^(relay|state|stage)=' "$STATE" | paste -sd' ')" = \
        'relay=r state=answered stage= relay=gone state=offline stage=refused' ]
    [ "$(grep -cE '^(since|tried)=20[0-9-]{8}T[0-9:]{8}Z$' "$STATE")" = 4 ]
    [ "$(A status | grep -cE '^network +(r|gone): ')" = 2 ]
}

value() { # KEY
    sed -n "s/^$1=//p" "$STATE"
}

@test "since is kept while the state is the same, and is new when it changes" {
    local first
    config "http://127.0.0.1:$(closed_port)"
    run L probe
    first=$(value since)
    [ "$(value tried)" = "$first" ]
    sleep 1.1
    run L probe
    [ "$(value since)" = "$first" ]
    [[ $(value tried) > $first ]]
    # Another stage, but still offline.
    vendor
    config "$URL/elsewhere"
    run L probe
    [ "$(value stage) $(value since)" = "wrong answer $first" ]
    config "$URL"
    L probe
    [ "$(value state)" = answered ]
    [[ $(value since) > $first ]]
}

@test "since of one relay is not another's, and a damaged file is no obstacle" {
    vendor
    printf 'relay=other\nstate=answered\nsince=2020-01-01T00:00:00Z\n\nrelay=r\nstate=offline\nsince=2021-01-01T00:00:00Z\n' >"$STATE"
    config "$URL"
    answered
    [[ $(value since) > 2022-01-01 ]]
    head -c 300 /dev/urandom >"$STATE"
    answered
    printf 'relay=r\nstate=answered\nsince=yesterday\n' >"$STATE"
    answered
    [[ $(value since) > 2022-01-01 ]]
    printf 'relay=r\nstate=answered\nsince=2021-01-01T00:00:00Z\n' >"$STATE"
    answered
    [ "$(value since)" = 2021-01-01T00:00:00Z ]
}

@test "--json says the same as one object" {
    vendor
    config "$URL/elsewhere"
    run --separate-stderr L probe --json
    [ "$status" -eq 69 ]
    [ "$(jq -c '.relays | length' <<<"$output")" = 1 ]
    [ "$(jq -r '.relays[0] | "\(.relay) \(.state) \(.stage)"' <<<"$output")" = 'r offline wrong answer' ]
    [ "$(jq -r '.relays[0].since' <<<"$output")" = "$(value since)" ]
    [ "$(jq -r '.relays[0].evidence' <<<"$output")" = "$(value evidence)" ]
}

@test "a state file that cannot be written is told, and the old one stays" {
    vendor
    config "$URL"
    L probe
    cp "$STATE" before
    # A limit on the size of files: whoever writes gets an error, root too.
    run bash -c "trap '' XFSZ; ulimit -f 0; exec '$BIN/gapferry-link' --root s probe"
    [[ $status == 7[34] ]] || fail "status $status: $output"
    [[ $output == *link.state* ]] || fail "$output"
    cmp before "$STATE"
}

# ---- keys, mistakes ----

@test "it opens neither a key nor the queue" {
    command -v strace >/dev/null || skip 'no strace: OPENED FILES WERE NOT LOOKED AT'
    vendor
    config "$URL"
    strace -f -e trace=file -o trace "$BIN/gapferry-link" --root s probe
    grep -q 'agent\.conf' trace
    absent grep -E 'keys|agent\.db|outbox|inbox' trace
}

# refused STATUS TEXT ARGUMENT...: one line that says it, and nothing else.
refused() {
    run --separate-stderr L "${@:3}"
    [ "$status" -eq "$1" ] || fail "status $status: $output $stderr"
    [ -z "$output" ] || fail "standard output: $output"
    [[ $stderr == "gapferry-link: "*"$2"* && $stderr != *$'\n'* ]] || fail "stderr: $stderr"
}

@test "mistakes are told in a line, and nothing is tried" {
    refused 64 'the command is' prob
    refused 64 'the command is'
    refused 64 'the command is' probe twice
    refused 64 'frobnicate' probe --frobnicate
    config http://192.0.2.1
    refused 78 's/etc/gapferry/agent.conf:5: ' probe
    config ftp://192.0.2.1
    refused 78 's/etc/gapferry/agent.conf:5: ' probe
    MODE=sometimes config https://192.0.2.1
    refused 78 's/etc/gapferry/agent.conf:2: ' probe
    config https://192.0.2.1 'reech = site'
    refused 78 's/etc/gapferry/agent.conf:6: ' probe
    [ ! -e "$STATE" ]
    rm -r s
    refused 78 'gapferry-agent --root s init' probe
}

# ---- help, completion, manual ----

options_of() {
    L --help | grep -oE '^ +(-[a-zA-Z],)? *--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort
}

@test "help fits a terminal; the manual and the completion have each option" {
    L --help | grep -q '^usage: gapferry-link '
    [ "$(L --help | wc -L)" -le 90 ]
    [[ $(L --version) =~ ^gapferry-link\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    [ "$(options_of | wc -l)" -ge 4 ]
    diff <(grep -E '^\*-' "$SOURCE/docs/man/gapferry-link.8.scd" | grep -oE -- '--[a-z-]+' | sort -u) <(options_of)
    # shellcheck source=/dev/null
    source "$SOURCE/scripts/completion/gapferry-link.bash"
    COMP_WORDS=(gapferry-link --) COMP_CWORD=1
    _gapferry_link
    diff <(printf '%s\n' "${COMPREPLY[@]}" | sort) <(options_of)
    COMP_WORDS=(gapferry-link --root x pr) COMP_CWORD=3
    _gapferry_link
    [ "${COMPREPLY[*]}" = probe ]
}

@test "the manual has each stage" {
    local stage
    while read -r stage; do
        grep -qxF "*$stage*" "$SOURCE/docs/man/gapferry-link.8.scd" || fail "$stage"
    done < <(sed -n '/^const char \*const https_stages/,/;/p' "$SOURCE/common/https.c" | grep -oE '"[^"]+"' | tr -d '"' | grep -vx ok
        printf '%s\n' 'wrong answer' 'relay error')
}
