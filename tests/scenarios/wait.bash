# shellcheck shell=bash
# wait.bash -- waiting for what is to happen, so that scenarios hold on a busy machine too.

# soon COMMAND...: it succeeds within a minute; far less where nothing else runs.
soon() {
    local end=$((SECONDS + 60))
    until "$@" 2>/dev/null; do
        [ "$SECONDS" -lt "$end" ] || fail "did not come: $*"$'\n'"$(tail -n 20 log ./*.log link.err 2>/dev/null)" || return
        sleep 0.1
    done
}

# settled COMMAND...: what it prints has not changed for a second. Then whoever is to sleep is asleep.
settled() {
    local before after end=$((SECONDS + 60))
    after=$("$@")
    while before=$after && sleep 1 && after=$("$@") && [ "$after" != "$before" ]; do
        [ "$SECONDS" -lt "$end" ] || fail "does not come to rest: $*: $before, then $after" || return
    done
}
