# shellcheck shell=bash disable=SC2034 # used by those who source it
# services.bash -- programs that run beside a scenario; among them a relay that listens on this machine,
# and sites that reach it there. Stands behind trip.bash.

# service NAME COMMAND...: its pid is in PID_NAME, what it says in the file NAME.log. The command is a
# program: of a function the pid would be a shell's. Descriptors 3 and 4 are bats' own.
service() {
    local name=${1//-/_}
    "${@:2}" >>"$1.log" 2>&1 3>&- 4>&- &
    declare -g "PID_$name=$!"
    SERVICES="${SERVICES:-} $!"
}

stop() { # NAME [SIGNAL]
    local pid=PID_$1
    kill -"${2:-TERM}" "${!pid}"
    wait "${!pid}" 2>/dev/null || true
}

teardown() {
    local pid
    for pid in ${SERVICES:-}; do
        kill -CONT "$pid" 2>/dev/null || true # what is stopped hears nothing
        kill -TERM "$pid" 2>/dev/null || true
    done
    for pid in ${SERVICES:-}; do wait "$pid" 2>/dev/null || true; done
    vendor_stop KILL
}

# relay_up: it listens on PORT of this machine; link_to SITE names it there.
relay_up() {
    PORT=${PORT:-$(free_port)}
    grep -q '^\[listen\]' relay/etc/gapferry/relay.conf ||
        printf '[listen]\naddress = 127.0.0.1\nport = %s\n' "$PORT" >>relay/etc/gapferry/relay.conf
    service relay "$BIN/gapferry-relay" --root relay run
    soon curl -sf "http://127.0.0.1:$PORT/readyz" -o /dev/null
}
link_to() { # SITE [LINE]...
    printf '[relay "hq"]\nurl = http://127.0.0.1:%s\n' "$PORT" >>"$1/etc/gapferry/agent.conf"
    [ $# -eq 1 ] || printf '%s\n' "${@:2}" >>"$1/etc/gapferry/agent.conf"
}

# site_new DIR [OPTION]...: an agent that trusts the relay and has something to say.
site_new() {
    local SITE=$1
    shift
    A init --consent metrics=granted "$@" >/dev/null
    A trust relay.card --fingerprint "$(R card --fingerprint)" >/dev/null
    speak "$SITE"
}

SPOKEN=0
speak() { # [SITE]
    echo "{\"n\":$((++SPOKEN))}" | SITE=${1:-site} A record metrics - >/dev/null 2>&1
}

# online [SITE]: what was due goes by HTTPS, and what came is applied.
online() {
    SITE=${1:-site} A export >/dev/null 2>&1 || true
    "$BIN/gapferry-link" --root "${1:-site}" carry >.link 2>&1 || true
    SITE=${1:-site} A import >/dev/null 2>&1 || true
}

# relayed [SITE]: how many of its records the relay has acknowledged.
relayed() { SITE=${1:-site} A status --json | jq .records.relayed; }
