#!/usr/bin/env bats
# commands.bats -- what the relay's operator does by hand: look, mend, give up, prove.

bats_require_minimum_version 1.5.0

# shellcheck source=/dev/null
source "$BATS_TEST_DIRNAME/trip.bash"

# ---- the audit log ----

# The hash of line $1 of an export, by standard tools: over the hash before it and the line.
chain_hash() {
    local before
    before=$(sed -n "$(($1 - 1))p" export | jq -r .hash)
    [ "$1" -gt 1 ] || before=$(printf '0%.0s' {1..64})
    { printf '%b' "$(sed 's/../\\x&/g' <<<"$before")"; sed -n "$1p" export | jq -j .line; } | b2sum -l 256 | cut -c1-64
}

# change SQL: as somebody who can write the file.
change() { sqlite3 "$RSTATE/relay.db" "$1"; }

@test "audit export proves itself with standard tools, and has each line once" {
    local n
    ready
    users 1 >/dev/null
    home
    there
    R audit export >export
    [ "$(wc -l <export)" -ge 4 ]
    for ((n = 1; n <= $(wc -l <export); n++)); do
        [ "$(sed -n "${n}p" export | jq .n)" = "$n" ]
        [ "$(sed -n "${n}p" export | jq -r .hash)" = "$(chain_hash "$n")" ] || fail "line $n: $(sed -n "${n}p" export)"
        sed -n "${n}p" export | jq -r .line | jq -e '.at and .event' >/dev/null
        # No member comes twice.
        [ "$(sed -n "${n}p" export | jq -r .line | jq -c .)" = "$(sed -n "${n}p" export | jq -r .line)" ]
    done
    gives 0 R audit verify
    says "all $((n - 1)) lines" "$(tail -1 export | jq -r .hash)"
    [ "$(R audit verify --json | jq .lines)" = $((n - 1)) ]
    [ -z "$(R audit export --since 2099-01-01)" ]
    diff <(R audit export --since 1d) export
    gives 64 R audit verify --since 1d
    gives 64 R audit look
}

@test "audit verify names the first line that was changed, taken out or cut off: 65" {
    ready
    users 1 >/dev/null
    home
    there
    cp "$RSTATE/relay.db" whole
    local last
    last=$(R audit verify --json | jq .lines)

    change "UPDATE audit SET line = replace(line, 'approve', 'approvf') WHERE n = 2"
    gives 65 R audit verify
    says "relay.db: line 2 of the audit log does not hold" "Keep a copy"
    gives 65 R audit verify --json
    [ "$(jq -r .error.name <<<"$out")" = damaged ]

    cp whole "$RSTATE/relay.db"
    change "DELETE FROM audit WHERE n = 3"
    gives 65 R audit verify
    says "line 3 of" "is missing"

    cp whole "$RSTATE/relay.db"
    change "DELETE FROM audit WHERE n = $last"
    gives 65 R audit verify
    says "line $last of" "audit.head"

    cp whole "$RSTATE/relay.db"
    change "UPDATE audit SET hash = zeroblob(32) WHERE n = $last"
    gives 65 R audit verify
    says "line $last of"

    cp whole "$RSTATE/relay.db"
    gives 0 R audit verify
}

# ---- endpoints ----

@test "endpoints: listed, reached without a record, and in the firewall's list" {
    ready
    cat >>relay/etc/gapferry/relay.conf <<'CONF'
[endpoint "far"]
channel = far
url = https://vendor.invalid/in
[endpoint "behind"]
channel = behind
url = https://[2001:db8::1]:8443/in
proxy = http://127.0.0.1:9
[endpoint "two"]
channel = two
profile = form
url = https://a.invalid/x https://b.invalid:444/y
[endpoint "own"]
channel = own
profile = exec
program = /bin/true
CONF
    gives 0 R endpoints list
    says 'far  channel far' 'program /bin/true'
    [ "$(R endpoints list --json | jq -r '.endpoints[] | select(.endpoint == "behind").proxy')" = http://127.0.0.1:9 ]
    gives 0 R endpoints firewall
    diff <(cut -d' ' -f1 <<<"$out") - <<LIST
127.0.0.1:$PORT
127.0.0.1:$PORT
vendor.invalid:443
127.0.0.1:9
a.invalid:443
b.invalid:444
LIST
    says 'proxy of endpoint "behind"'
    diff <(R endpoints firewall --json | jq -r '.endpoints[] | "\(.host):\(.port)"') <(cut -d' ' -f1 <<<"$out")

    gives 0 R endpoints check
    gives 69 R endpoints check --connect
    says "usage  127.0.0.1:$PORT  ok" "far  vendor.invalid:443  no DNS" "own  connects to nothing"
    grep -q '^behind  .*:8443  proxy' <<<"$out"
    # No request came there.
    [ "$(tally '.effects | length')" = 0 ]
    gives 64 R endpoints firewall --connect
    sed -i 's|^url = https://vendor.invalid|url = ftp://vendor.invalid|' relay/etc/gapferry/relay.conf
    gives 78 R endpoints firewall
}
