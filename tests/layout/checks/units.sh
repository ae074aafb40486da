# shellcheck shell=bash
# units: every systemd unit is hardened to an exposure of at most 1.5, the agent's reaches no network,
# and systemd finds no mistake in them.

LIMIT=15 # tenths

# The unit as systemd-analyze can look at it here: the program need not be installed.
analyzed() { # UNIT
    sed -E 's|^ExecStart=.*|ExecStart=/bin/true|; /^Documentation=/d' "$TREE/$1" >"$work/$(basename "$1")"
    echo "$work/$(basename "$1")"
}

check() {
    local unit file families said
    command -v systemd-analyze >/dev/null || { finding units 'systemd-analyze is not installed (package systemd)'; return; }
    work=$(mktemp -d)
    sources '*.service' | while read -r unit; do
        file=$(analyzed "$unit")
        said=$(systemd-analyze security --offline=true --threshold=$LIMIT "$file" 2>&1) ||
            finding "$unit" "too exposed: ${said##*→ }"
        said=$(systemd-analyze verify "$file" 2>&1) || true
        [ -z "$said" ] || finding "$unit" "$said"
        families=$(sed -nE 's/^RestrictAddressFamilies=//p' "$TREE/$unit")
        case $unit:$families in
        *gapferry-agent.service:AF_UNIX) ;;
        *gapferry-agent.service:*) finding "$unit" "RestrictAddressFamilies=$families: the agent has AF_UNIX only" ;;
        *:) finding "$unit" 'says nothing of RestrictAddressFamilies' ;;
        esac
    done
    rm -rf "$work"
}

# A unit of ours, as it is.
good() {
    mkdir -p agent
    # shellcheck disable=SC2154 # of tests/layout/check
    cp "$root/agent/gapferry-agent.service" agent/
}
bad_exposed() { good; sed -i '/^Protect/d; /^Restrict/d; /^System/d' agent/gapferry-agent.service; expect 'too exposed'; }
bad_network() { good; sed -i 's/^RestrictAddressFamilies=.*/&  AF_INET/' agent/gapferry-agent.service; expect 'has AF_UNIX only'; }
bad_word() { good; sed -i 's/^NoNewPrivileges=/NoNewPriviliges=/' agent/gapferry-agent.service; expect 'NoNewPriviliges'; }
