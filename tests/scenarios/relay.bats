#!/usr/bin/env bats
# relay.bats -- gapferry-relay's help, manual and completion agree. What it does is in trip.bats.

bats_require_minimum_version 1.5.0

BIN=${GAPFERRY_BIN:-$BATS_TEST_DIRNAME/../../build/bin}
SOURCE=${GAPFERRY_SOURCE:-$BATS_TEST_DIRNAME/../..}

R() {
    "$BIN/gapferry-relay" "$@"
}

fail() {
    echo "$*" >&2
    return 1
}

# The commands are those of the overview, so that a new one is looked at, too.
commands() {
    R --help | grep -oE '^  [a-z]+ ' | tr -d ' '
}

# The long options in a command's help.
options_of() {
    R "$1" --help | sed '/^Example/,$d' | grep -oE '^ +(-[a-zA-Z],)? *--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

@test "help: each command has it, within 80 columns" {
    local command
    [[ $(R --version) =~ ^gapferry-relay\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    [ "$(commands | wc -l)" -ge 7 ]
    for command in $(commands); do
        R "$command" --help | grep -q "^usage: gapferry-relay $command "
        [ "$(R "$command" -h)" = "$(R help "$command")" ]
        [ "$(R "$command" --help | wc -L)" -le 90 ]
        [ -n "$(options_of "$command")" ]
    done
}

@test "the manual has each option of each command, in the right section" {
    local command section
    for command in $(commands); do
        section=$(awk -v head="# ${command^^}" '$0 == head { on = 1; next } /^# / { on = 0 } on' \
            "$SOURCE/docs/man/gapferry-relay.8.scd")
        [ -n "$section" ] || fail "no section on $command"
        # --json, --root and --help are told once, for all.
        diff <(grep -oE '^\*-.*' <<<"$section" | grep -oE -- '--[a-z-]+' | grep -vxE -- '--(json|root|help)' | sort) \
            <(options_of "$command" | grep -vxE -- '--(json|root|help)' | sort) || fail "$command"
    done
}

@test "every command and option in --help is completed, and nothing else" {
    local command
    # shellcheck source=/dev/null
    source "$SOURCE/scripts/completion/gapferry-relay.bash"
    COMP_WORDS=(gapferry-relay '') COMP_CWORD=1
    _gapferry_relay
    diff <(printf '%s\n' "${COMPREPLY[@]}" | grep -v '^-' | sort) <(commands | sort)
    for command in $(commands); do
        diff <(options_of "$command" | sort) <(_gapferry_relay_options "$command" | tr ' ' '\n' | sort) || fail "$command"
    done
    COMP_WORDS=(gapferry-relay --root x recor) COMP_CWORD=3
    _gapferry_relay
    [ "${COMPREPLY[*]}" = records ]
    COMP_WORDS=(gapferry-relay records rel) COMP_CWORD=2
    _gapferry_relay
    [ "${COMPREPLY[*]}" = release ]
    # The states are those that the command knows.
    COMP_WORDS=(gapferry-relay records list --state '') COMP_CWORD=4
    _gapferry_relay
    diff <(printf '%s\n' "${COMPREPLY[@]}" | sort) \
        <(awk '/^# /{on = ($0 == "# RECORD STATES")} on' "$SOURCE/docs/man/gapferry-relay.8.scd" | grep -E '^\*' | grep -oE '\*[a-z]+\*' | tr -d '*' | sort)
}
