# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # trip.bash reads SITE and RELAY and sets out, err and URL
# grid.bash -- a grid: nodes whose relay is their manager's, whose own agent sends their records on by
# drive to a relay outside. node-N/ are the nodes, mgr/ the manager's agent and relay, lan/ the drive
# within the grid, relay/ the relay outside, usb/ the drive that goes there.

load trip.bash

N() { SITE=node-$1 RELAY=mgr A "${@:2}"; } # NUMBER COMMAND...: a node's agent
M() { SITE=mgr A "$@"; }                   # the manager's agent
MR() { RELAY=mgr R "$@"; }                 # the manager's relay

node_init() { # NUMBER
    SITE=node-$1 site_init
    printf '[relay "manager"]\nreach = site\n' >>"node-$1/etc/gapferry/agent.conf"
    SITE=node-$1 RELAY=mgr acquaint
}

manager_init() {
    SITE=mgr site_init
    MR init --name manager >/dev/null
    printf 'nodes = yes\n' >>mgr/etc/gapferry/agent.conf # of [channel "metrics"]
    printf '[channel "license"]\nnodes = yes\n[channel "updates"]\nnodes = yes\n' >>mgr/etc/gapferry/agent.conf
    for channel in metrics license updates; do
        printf '[endpoint "%s"]\nchannel = %s\nprofile = agent\n' "$channel" "$channel"
    done >>mgr/etc/gapferry/relay.conf
    SITE=mgr acquaint
    M sync usb >/dev/null || true
}

grid_ready() { # NUMBER of nodes
    mkdir -p lan usb
    vendor_start
    relay_init
    manager_init
    local i
    for ((i = 1; i <= $1; i++)); do node_init "$i"; done
}

# From the nodes to the manager's agent, and from there to the nodes.
up() {
    local i
    for ((i = 1; i <= $1; i++)); do N "$i" sync lan >/dev/null || true; done
    MR sync lan >/dev/null || true
}
down() {
    local i
    MR sync lan >/dev/null || true
    for ((i = 1; i <= $1; i++)); do N "$i" sync lan >/dev/null || true; done
}

# The trip to the relay outside and back.
outside() {
    M sync usb >/dev/null || true
    R sync usb >/dev/null || true
    M sync usb >/dev/null || true
}

# killed MILLISECONDS PROGRAM...: it is killed after so long. (Of a function only the shell would be.)
killed() {
    "${@:2}" >/dev/null 2>&1 3>&- &
    local pid=$!
    sleep "0.$1"
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

# of NUMBER SQL: a fact of this node's queue. 3 is delivered, 4 rejected.
of() { sqlite3 -cmd ".timeout 10000" "node-$1/var/lib/gapferry/agent/agent.db" "$2"; }
states() { of "$1" "SELECT group_concat(state || ' ' || n, ', ') FROM (SELECT state, count(*) AS n FROM record GROUP BY state)"; }

usage() { N "$1" record metrics - <<<"{\"users\":$2}" >/dev/null; } # NUMBER USERS

# ---- the manager's agent and relay as the users 61001 and 61002 ----

MSTATE=mgr/var/lib/gapferry/agent
MRSTATE=mgr/var/lib/gapferry/relay

agent_as() { setpriv --reuid 61001 --regid 61001 --clear-groups "$BIN/gapferry-agent" --root mgr "$@"; }
# relay_as GROUP COMMAND...: in this further group
relay_as() { setpriv --reuid 61002 --regid 61002 --groups "$1" "$BIN/gapferry-relay" --root mgr "${@:2}"; }

# Each gets its own state directory; both may use the drives.
two_users() {
    [ "$(id -u)" = 0 ] || skip "not root: TWO USERS WERE NOT TRIED"
    command -v setpriv >/dev/null || skip "setpriv is not installed: TWO USERS WERE NOT TRIED"
    chown -R 61001:61001 $MSTATE && chown -R 61002:61002 $MRSTATE
    chmod 755 . mgr mgr/var mgr/var/lib mgr/var/lib/gapferry mgr/etc mgr/etc/gapferry
    chmod -R a+rwX lan usb
    local above=$PWD
    while [ "$above" != / ]; do
        [ -n "$(find "$above" -maxdepth 0 -perm -o+x)" ] || chmod a+x "$above"
        above=$(dirname "$above")
    done
}

# As docs/operations.md says.
share_spools() {
    install -d -o 61001 -g 61001 -m 2770 $MSTATE/intake $MSTATE/returns
    chmod 710 $MSTATE
}
