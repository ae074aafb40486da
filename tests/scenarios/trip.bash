# shellcheck shell=bash disable=SC2034,SC2120 # used by those who source it
# trip.bash -- a site, a relay and a vendor on this machine, for scenarios and faults. Everything lies
# in the current directory: site/ (the agent), relay/, v/ (the vendor), usb/ (the drive).

HERE=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
BIN=${GAPFERRY_BIN:-$(cd "$HERE/../.." && pwd)/build/bin}
SOURCE=${GAPFERRY_SOURCE:-$(cd "$HERE/../.." && pwd)}
STATE=site/var/lib/gapferry/agent
RSTATE=relay/var/lib/gapferry/relay

# shellcheck source=tests/scenarios/wait.bash
. "$HERE/wait.bash"

# The programs; SITE and RELAY say which of several.
A() { "$BIN/gapferry-agent" --root "${SITE:-site}" "$@"; }
R() { "$BIN/gapferry-relay" --root "${RELAY:-relay}" "$@"; }

fail() {
    echo "$*" >&2
    return 1
}

# A port of this machine on which nobody listens, below those that Linux gives to outgoing connections and
# to servers that ask for any.
free_port() {
    local port
    while port=$((10000 + RANDOM % 20000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# The command fails. (A mere "!" would not fail the test.)
absent() {
    if "$@"; then fail "should fail: $*"; fi
}

# gives STATUS COMMAND...: it ends with this status. What it said is in $out and $err.
gives() {
    local wanted=$1 status=0
    shift
    "$@" >.out 2>.err || status=$?
    out=$(cat .out)
    err=$(cat .err)
    [ "$status" -eq "$wanted" ] || fail "status $status, not $wanted: $*"$'\n'"$out"$'\n'"$err"
}

# says TEXT...: the last `gives` printed each of these.
says() {
    local text
    for text; do
        [[ $out$'\n'$err == *"$text"* ]] || fail "does not say \"$text\":"$'\n'"$out"$'\n'"$err" || return
    done
}

# What most files with a whole trip begin and end a test with; others have their own, which must stand
# behind the line that reads this file (and that line not in setup): the last one counts.
setup() {
    cd "$BATS_TEST_TMPDIR" || return
    local tool
    for tool in curl jq sqlite3; do
        command -v "$tool" >/dev/null || skip "$tool is not installed: $BATS_TEST_DESCRIPTION was not tried"
    done
}

teardown() {
    vendor_stop KILL
    local mount
    for mount in m small; do
        if mountpoint -q "$mount"; then umount -l "$mount"; fi
    done
}

# ---- the vendor ----

# vendor_start [OPTION]...: on a free port the first time and on the same one later; URL says where.
# Descriptor 3 is bats' own, which would wait for the server.
vendor_start() {
    : >said
    "$BIN/vendor" --port "${PORT:-0}" --keys v "$@" >said 2>&1 3>&- &
    VENDOR=$!
    local i
    for ((i = 0; i < 300; i++)); do
        if grep -q '^vendor: http' said; then
            URL=$(sed -nE '1s|^vendor: (http://127.0.0.1:[0-9]+) .*|\1|p' said)
            PORT=${URL##*:}
            return
        fi
        kill -0 "$VENDOR" 2>/dev/null || break
        sleep 0.05
    done
    fail "the vendor does not start: $(cat said)"
}

vendor_stop() { # [SIGNAL]
    if [ -n "${VENDOR:-}" ]; then
        kill -"${1:-TERM}" "$VENDOR" 2>/dev/null || true
        wait "$VENDOR" 2>/dev/null || true
        VENDOR=
    fi
}

# vendor_script LINE...: the faults that come next; without a line none.
vendor_script() {
    printf '%s\n' "$@" | curl -sf --data-binary @- -o answer "$URL/script" || fail "script: $(cat answer)"
}

tally() { curl -sf "$URL/tally" | jq -r "$1"; }

# agree [OPTION]...: the vendor and the agent (of SITE, or of SITES) agree to the record.
agree() {
    local site states=()
    for site in ${SITES:-${SITE:-site}}; do states+=("$site/var/lib/gapferry/agent"); done
    "$SOURCE/tests/faults/agree" "$@" "$URL" "${states[@]}" >.out 2>.err || {
        fail "$(cat .err)"
        return
    }
    out=$(cat .out)
}

# ---- a site and a relay ----

site_init() {
    A init --name "${SITE:-site}" --consent metrics=granted --allow metrics=users,edition >/dev/null
}

# The endpoints of the vendor, as they stand in relay.conf.
relay_conf() {
    cat <<CONF
[endpoint "licences"]
channel = license
url = $URL/license
timeout = 3s
[endpoint "usage"]
channel = metrics
url = $URL/usage
timeout = 3s
CONF
}

relay_init() {
    R init --name "${RELAY:-relay}" >/dev/null
    relay_conf >>"${RELAY:-relay}/etc/gapferry/relay.conf"
}

# Each side knows the other before the first contact.
acquaint() {
    A trust "${RELAY:-relay}/var/lib/gapferry/relay/keys/card" --yes \
        --fingerprint "$(R card --fingerprint)" >/dev/null
    R approve "$(A card --fingerprint)" >/dev/null
}

# Vendor, site and relay that know each other, and an empty drive.
ready() {
    mkdir -p usb
    vendor_start
    site_init
    relay_init
    acquaint
    A trust v/vendor.pub --duty license >/dev/null
}

users() { A record metrics - <<<"{\"users\":$1}"; } # NUMBER: one record, whose id it prints
license_request() { A license request --product demo --key "${1:-AAAA-BBBB}" --contact ops@example.org; }

home() { gives 0 A sync "${1:-usb}"; }  # [DRIVE]: the agent's side of the trip; all is well
there() { gives 0 R sync "${1:-usb}"; } # [DRIVE]: the relay's

# fact FILTER COMMAND...: what a command with --json says; the command may end with any status.
fact() {
    local filter=$1
    shift
    "$@" --json >.fact 2>.err || true
    jq -r "$filter" .fact
}

# state [STATE]: how many records the agent has in a state; without one, "STATE N" of those it has.
state() {
    if [ $# -gt 0 ]; then
        A status --json | jq ".records.$1"
    else
        A status --json | jq -r '[.records | to_entries[] | select(.value > 0) | "\(.key) \(.value)"] | join(", ")'
    fi
}

# bundles FOLDER [DRIVE]: how many lie there.
bundles() {
    find "${2:-usb}/GAPFERRY/$1" -name '*.gfb' 2>/dev/null | wc -l
}
