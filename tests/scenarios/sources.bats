#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031 # `run` sets status, output and stderr
# shellcheck disable=SC1091,SC2153 # os-release and its NAME
# sources.bats -- what makes records at an interval, as people configure and look at it.

bats_require_minimum_version 1.5.0

BIN=${GAPFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/bin}

A() {
    "$BIN/gapferry-agent" --root s "$@"
}

fail() {
    echo "$*" >&2
    return 1
}

# refused STATUS TEXT ARGUMENT...
refused() {
    local status_wanted=$1 text=$2
    shift 2
    run --separate-stderr A "$@"
    [ "$status" -eq "$status_wanted" ] || fail "status $status: $stderr"
    [ -z "$output" ] || fail "standard output: $output"
    [[ $stderr == *"$text"* ]] || fail "stderr: $stderr"
}

# The agent, with metrics granted, and the rest of its configuration from standard input.
setup() {
    cd "$BATS_TEST_TMPDIR" || return
    STATE=s/var/lib/gapferry/agent
    A init --name site --consent metrics=granted >/dev/null
}

configure() {
    cat >>s/etc/gapferry/agent.conf
}

# script NAME: a program from standard input, at $PWD/NAME.
script() {
    { echo '#!/bin/sh' && cat; } >"$1"
    chmod 755 "$1"
}

body() {
    A preview --json | jq -r '.channels[].records[].body'
}

@test "the built-in report: what a daily report holds, and nothing that names the site" {
    echo 42 >users
    configure <<END
[channel "metrics"]
product = demo
[source "daily"]
channel = metrics
version = 1.2
counts = users:$PWD/users
END
    A config check
    A source run
    run body
    [ "$(jq -r .format <<<"$output")" = gapferry-report/1 ]
    [ "$(jq -c '[.product, .version, .counts.users, .licenses]' <<<"$output")" = '["demo","1.2",42,[]]' ]
    [ "$(jq -r .installation <<<"$output")" = "$(A id)" ]
    [ "$(jq -r .architecture <<<"$output")" = "$(uname -m)" ]
    [ "$(jq -r .os <<<"$output")" = "$(. /etc/os-release && echo "$NAME")" ]
    # Nothing that we do not list, and nothing that names this machine, its user or this agent.
    [ "$(jq -r 'keys | join(" ")' <<<"$output")" = 'architecture at counts format installation licenses os os_version product version' ]
    [[ $output != *"$(cat /etc/machine-id 2>/dev/null || echo none)"* ]]
    [[ $output != *"$(A card --json | jq -r .agent)"* ]]
    [[ $output != *"$PWD"* ]]
}

@test "the installation id is random, and new when somebody resets it" {
    local one two
    one=$(A id)
    [[ $one =~ ^[0-9a-f]{32}$ ]]
    [ "$(A id)" = "$one" ]
    two=$(A id --reset --json | jq -r .installation)
    [ "$two" != "$one" ]
    [ "$(A id)" = "$two" ]
    [ "$one" != "$(A card --json | jq -r .agent)" ]
}

@test "preview --now shows to the byte what would be recorded, and records nothing" {
    script usage <<<"echo '{\"users\": 42, \"host\": \"secret\"}'"
    configure <<END
[channel "metrics"]
allow = users
[source "usage"]
channel = metrics
command = $PWD/usage
END
    run --separate-stderr A preview --now
    [ "$status" -eq 0 ]
    [[ $output == *'{"users": 42}'* ]]
    [[ $output == *'dropped  host'* ]]
    [[ $output != *secret* ]]
    [[ $output == *'Nothing was recorded.'* ]]
    [ "$(A preview --json | jq '.channels | length')" = 0 ]
    [ "$(A source list --json | jq '.sources[0].last_run')" = null ]
    local seen
    seen=$(A preview --now --json metrics | jq -r '.sources[0].record.body')
    A source run usage
    [ "$(body)" = "$seen" ]
    A preview --now --json other >said 2>&1 && false
    grep -q 'no source is configured for it' said
}

@test "without consent a source does not run; preview --now shows what one is asked for" {
    script usage <<<"touch $PWD/ran; echo '{}'"
    configure <<END
[source "usage"]
channel = audit
command = $PWD/usage
END
    refused 85 "s consent audit grant" source run usage
    [ ! -e ran ]
    [[ $(A source list) == *'not given: it does not run'* ]]
    [[ $(A preview --now) == *'would NOT be recorded'* ]]
    [ -e ran ]
    rm ran
    A consent audit deny >/dev/null
    [[ $(A preview --now) == *'denied: it does not run'* ]]
    [ ! -e ran ]
    A consent audit grant >/dev/null
    A source run usage
    [ "$(body)" = '{}' ]
}

@test "what went wrong is told, counted and shown" {
    script hangs <<<'sleep 100'
    script floods <<<'yes'
    script fails <<<'echo "no database" >&2; exit 3'
    script binary <<<'head -c 100 /dev/urandom'
    script daemon <<<"setsid sleep 98765 & echo '{}'"
    touch plain
    local name
    for name in hangs floods fails binary daemon plain missing; do
        configure <<END
[source "$name"]
channel = metrics
command = $PWD/$name
timeout = 1s
END
    done
    refused 66 'took longer than 1 s (timeout)' source run hangs
    refused 66 'printed more than 262144 bytes (max_bytes)' source run floods
    refused 66 'exit status 3, no database' source run fails
    refused 66 'printed no JSON' source run binary
    refused 66 'is no program that we may run' source run plain
    refused 66 'No such file' source run missing
    refused 64 'did you mean "fails"?' source run fail
    A source run daemon
    run pgrep -f 'sleep 98765'
    [ "$status" -eq 1 ] || fail "a daemon was left: $output"
    # All together: the good one is queued, the others are counted.
    run --separate-stderr A source run --json
    [ "$status" -eq 66 ]
    [ "$(jq -c '[.ran, .recorded, .failed]' <<<"$output")" = '[7,1,6]' ]
    [ "$(A source list --json | jq -c '.sources[] | select(.source == "fails") | [.failures, .reason]')" = \
        "[2,\"$PWD/fails: exit status 3, no database\"]" ]
}

@test "a command of a source has no network" {
    script net <<'END'
python3 - <<'PY'
import json, socket
out = {}
for name in "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_UNIX":
    try:
        socket.socket(getattr(socket, name), socket.SOCK_DGRAM).close()
        out[name] = "open"
    except PermissionError:
        out[name] = "EPERM"
print(json.dumps(out))
PY
END
    configure <<END
[source "net"]
channel = metrics
command = $PWD/net
END
    A source run net
    [ "$(body | jq -c .)" = '{"AF_INET":"EPERM","AF_INET6":"EPERM","AF_NETLINK":"EPERM","AF_PACKET":"EPERM","AF_UNIX":"open"}' ]
}

@test "only_if: of several servers one reports" {
    script here <<<"exec test -e $PWD/this-one"
    configure <<END
[channel "metrics"]
only_if = $PWD/here
[source "daily"]
channel = metrics
END
    run --separate-stderr A source run
    [ "$status" -eq 0 ]
    [[ $output == *'left to another host (only_if)'* ]]
    [[ $(A source list) == *'another host reports'* ]]
    touch this-one
    [ "$(A source run --json | jq .recorded)" = 1 ]
}

@test "a mistake in a section is named by config check, and by list" {
    configure <<END
[source "x"]
channel = metrics
intervall = 1h
END
    refused 78 'interval' config check
    sed -i 's/^intervall.*/interval = 1s/' s/etc/gapferry/agent.conf
    refused 78 'must be 1m to 366d' config check
    [[ $(A source list) == *'wrong in the configuration'* ]]
    sed -i 's/^interval.*/interval = 1h\nmax_bytes = 1M/' s/etc/gapferry/agent.conf
    refused 78 'must be 2 to 524288 (512K)' config check
    sed -i 's/^max_bytes.*/max_bytes = 64K/' s/etc/gapferry/agent.conf
    A config check
    [[ $(A source list) == *'every 1h'* ]]
}

@test "policy.json follows each decision at once" {
    [ "$(jq -c '.channels[] | [.channel, .consent]' "$STATE/policy.json")" = '["metrics","granted"]' ]
    [ "$(jq -r .agent "$STATE/policy.json")" = "$(A card --json | jq -r .agent)" ]
    A consent metrics deny >/dev/null
    [ "$(jq -c '.channels[] | [.channel, .consent]' "$STATE/policy.json")" = '["metrics","denied"]' ]
    A consent metrics grant >/dev/null
    [ "$(jq -c '.channels[] | [.channel, .consent]' "$STATE/policy.json")" = '["metrics","granted"]' ]
    [ "$(stat -c %a "$STATE/policy.json")" = 600 ]
    [ "$(jq -r .agent "$STATE/policy.json")" = "$(A card --json | jq -r .agent)" ]
}
