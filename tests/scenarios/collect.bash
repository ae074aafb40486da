# shellcheck shell=bash
# collect.bash -- gapferry-collect of the site, started and ended. Source trip.bash first.
# shellcheck disable=SC2034 # what it sets is for the tests

collect_start() {
    "$BIN/gapferry-collect" --root site run 2>>collect.log 3>&- &
    COLLECT=$!
    soon grep -q '^listen=127' "$STATE/collect.state"
    base=http://$(sed -n 's/^listen=//p' "$STATE/collect.state")
    soon curl -sf -o /dev/null "$base/healthz"
}

collect_stop() { # [SIGNAL]
    [ -n "${COLLECT:-}" ] || return 0
    kill -"${1:-TERM}" "$COLLECT" 2>/dev/null || true
    wait "$COLLECT" 2>/dev/null && status=0 || status=$?
    rm -f "$STATE/collect.state"
    COLLECT=
}

# The agent takes what there is, and tells what it grants; no relay is trusted here (77).
drain() {
    A sync usb >/dev/null 2>&1 || [ "$?" = 77 ]
}
