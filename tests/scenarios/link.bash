# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034,SC2030,SC2031 # `run` sets status, output and stderr; others use what is set here
# link.bash -- what the scenarios of gapferry-link share: an agent that trusts a relay, scripted relays and
# servers, namespaces.

BIN=${GAPFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/bin}
SOURCE=${GAPFERRY_SOURCE:-$BATS_TEST_DIRNAME/../..}

load wait.bash

A() { "$BIN/gapferry-agent" --root s "$@"; }
L() { "$BIN/gapferry-link" --root s "$@"; }

# An agent below s/, and the keys of the relay that it trusts in relay/.
site() {
    cd "$BATS_TEST_TMPDIR" || return
    STATE=s/var/lib/gapferry/agent
    A init >/dev/null
    "$BIN/gapferry-bundle" keygen --role relay relay >/dev/null
    A trust relay/card --fingerprint "$(fingerprint relay)" >/dev/null
    unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
}

fingerprint() { # KEYS
    "$BIN/gapferry-bundle" card "$1/card" --json | jq -r .fingerprint
}

stop_all() {
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

# Until the command succeeds, at most this many seconds; thrice that where much else runs.
within() { # SECONDS COMMAND...
    local end=$((SECONDS + 3 * $1))
    until "${@:2}" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "not within $1 s: ${*:2}; $(cat "$STATE/link.state" link.err 2>/dev/null)" || return
        sleep 0.1
    done
}

# ---- who answers ----

# Run something that prints its port, or URL, in its first line, until the test ends; what it printed
# goes to SAID.
background() { # NAME COMMAND...
    "${@:2}" >"$1.out" 2>"$1.err" 3>&- &
    PID=$!
    PIDS="${PIDS:-} $PID"
    for _ in $(seq 600); do
        if [ -s "$1.out" ]; then
            SAID=$(head -n 1 "$1.out")
            return
        fi
        sleep 0.05
    done
    fail "$1 does not start: $(cat "$1.err")"
}

# URL: the scripted relay (tests/support/relay.mjs), its folder is FOLDER (r): behave, log, bundles/,
# responses/. It keeps its port when it is started again.
relay() { # [HOST [KEY.pem CERT.pem]] [-- COMMAND...: before it]
    local args=() before=()
    while [ $# -gt 0 ]; do
        if [ "$1" = -- ]; then
            before=("${@:2}")
            break
        fi
        args+=("$1")
        shift
    done
    command -v node >/dev/null || skip 'no node: THE SCRIPTED RELAY DOES NOT RUN'
    mkdir -p r
    background relay "${before[@]}" node "$SOURCE/tests/support/relay.mjs" r "$BIN/hello" relay "${PORT:-0}" \
        "${args[@]:-127.0.0.1}"
    RELAY_PID=$PID
    PORT=$SAID
    URL=http${args[1]:+s}://${args[0]:-127.0.0.1}:$PORT
}

relay_down() {
    kill "$RELAY_PID"
    wait "$RELAY_PID" 2>/dev/null || true
}

behave() { # JSON
    printf '%s' "$1" >r/behave.new
    mv r/behave.new r/behave
}

# How often the relay was asked for this: "POST /v1/bundles".
asked() { # METHOD PATH
    grep -c "^$1 $2 " r/log || true
}

vendor() { # URL: a server that is no relay
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

# ---- certificates ----

# NAME-ca.pem, and NAME.pem with NAME.key for localhost, 127.0.0.1 and relay.test, signed by it.
certificate() { # NAME
    command -v openssl >/dev/null || skip 'no openssl: TLS WAS NOT TRIED'
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1-ca.key" -out "$1-ca.pem" \
        -days 2 -subj "/CN=$1 CA" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" \
        -subj /CN=localhost 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA "$1-ca.pem" -CAkey "$1-ca.key" -CAcreateserial -days 2 -out "$1.pem" \
        -extfile <(printf 'subjectAltName=DNS:localhost,DNS:relay.test,IP:127.0.0.1,IP:192.0.2.1') 2>/dev/null
}

# ---- configuration and what is known ----

# Tries decide quickly, unless the lines say otherwise.
config() { # URL [LINE...]: of the relay
    printf '[agent]\nmode = %s\n\n[relay "r"]\nurl = %s\n' "${MODE:-auto}" "$1" >s/etc/gapferry/agent.conf
    printf '%s\n' "${@:2}" >>s/etc/gapferry/agent.conf
}

value() { # KEY: of the first relay
    sed -n "s/^$1=//p" "$STATE/link.state" | head -n 1
}

is() { # STATE [STAGE]
    [ "$(value state)" = "$1" ] && { [ $# -eq 1 ] || [ "$(value stage)" = "$2" ]; }
}

state_has() { # LINE...
    local line
    for line; do
        grep -qxF -- "$line" "$STATE/link.state" || fail "no $line in: $(cat "$STATE/link.state")"
    done
}

# "STATE:STAGE ..." of the history, oldest first.
changes() {
    cut -f 3,4 "$STATE/link.history" | tr '\t' ':' | paste -sd' '
}

# gapferry-link run in the background: LINK_PID; what it logs goes to link.err.
daemon() { # [COMMAND...: before it]
    "$@" "$BIN/gapferry-link" --root s run >link.out 2>link.err 3>&- &
    LINK_PID=$!
    PIDS="${PIDS:-} $LINK_PID"
}

# NS: what runs a command in a network and mount namespace of its own, as its root.
namespace() {
    NS=(unshare -r -n -m --)
    if [ "$(id -u)" = 0 ]; then NS=(unshare -n -m --); fi
    "${NS[@]}" true 2>/dev/null || skip 'no network namespace is allowed here: THIS WAS NOT TRIED'
    command -v ip >/dev/null || skip 'no ip(8): THIS WAS NOT TRIED'
}
