# shellcheck shell=bash disable=SC2034 # what is set here is for those who source it
# quickstart-show.bash -- for scripts/quickstart: what is shown is what is run; packages and build; how a
# command loses its network. Whoever sources it sets SOURCE, PACKAGES and TARGETS.

# ---- output: at most 96 columns, nothing but text unless on a terminal ----

if [ -t 1 ]; then BOLD=$'\e[1m' PLAIN=$'\e[0m'; else BOLD='' PLAIN=''; fi
STEP=0
step() { # TITLE, and a sentence or two
    STEP=$((STEP + 1))
    printf '\n%s%d. %s%s\n' "$BOLD" "$STEP" "$1" "$PLAIN"
    if [ -n "${2:-}" ]; then say "$2"; fi
}
say() { fold -s -w 92 <<<"$1" | sed 's/ *$//; s/^/   /'; }
shown() { fold -s -w 90 | sed 's/ *$//; s/^/     /'; }
die() {
    printf '\nquickstart: %s\n' "$1" >&2
    exit "${2:-1}"
}

# ---- running: what is shown is what is run ----

quoted() { # WORD...: as one would type them
    local word line=''
    for word; do
        if [[ $word =~ ^[A-Za-z0-9_./:,=@+-]+$ ]]; then line+=" $word"; else line+=" '$word'"; fi
    done
    printf '%s' "${line# }"
}

# A command as it was typed, in lines that a shell would take.
command_line() { # PLACE COMMAND
    fold -s -w 84 <<<"$2" | sed -E "1s/^/   $1\$ /; 2,\$ s/^/         /; \$! s/ *\$/ \\\\/"
}

# At the site there is no network: every command there runs in a namespace of its own that has none.
at() { # PLACE COMMAND...
    if [ "$1" = site ]; then "${CUT[@]}" "${@:2}"; else "${@:2}"; fi
}

# run STATUS PLACE COMMAND...: show it, run it, show what it says (in full in `said`). Another exit
# status ends it all. Lines "event=..." are for the journal, not for people.
run() {
    local status
    command_line "$2" "$(quoted "${@:3}")"
    at "${@:2}" </dev/null >said 2>&1
    status=$?
    { quoted "${@:2}" && echo && cat said; } >>log
    grep -v '^event=' said | shown
    if [ "$status" != "$1" ]; then die "this ended with status $status, and $1 was expected; see above"; fi
    if [ "$1" != 0 ]; then say "(exit status $1, as it should be)"; fi
}

# The first lines of what a command says.
run_head() { # LINES PLACE COMMAND...
    command_line "$2" "$(quoted "${@:3}") | head -n $1"
    at "${@:2}" </dev/null >said 2>>log || die "this failed: $(tail -n 1 log)"
    head -n "$1" said | shown
}

# ---- packages and build ----

prepare() {
    local begin log=$SOURCE/build/logs/quickstart-build.log
    mkdir -p build/logs
    step 'Packages and build' 'Debian packages that are missing, by name; then the programs, with CMake, into build/bin.'
    begin=$SECONDS
    echo '   $ scripts/debian-packages --missing | --install'
    scripts/debian-packages --missing "${PACKAGES[@]}" | paste -sd' ' | sed 's/^$/none is missing/' | shown
    scripts/debian-packages --install "${PACKAGES[@]}" >"$log" 2>&1 ||
        { tail -n 15 "$log" && die "the packages could not be installed; the whole log is $log"; }
    say "$((SECONDS - begin)) s"
    begin=$SECONDS
    echo '   $ cmake --preset dev && cmake --build --preset dev --target ...'
    if command -v scdoc >/dev/null; then TARGETS+=(man); fi
    { cmake --preset dev && cmake --build --preset dev --target "${TARGETS[@]}"; } >"$log" 2>&1 ||
        { tail -n 30 "$log" && die "the build failed; the whole log is $log"; }
    say "$((SECONDS - begin)) s on $(nproc) processors"
    BIN=$SOURCE/build/bin
}

# How a command loses its network here: as root, or in a user namespace, or not at all.
find_cut() {
    local try
    CUT=()
    if [ -n "$AIRGAP" ]; then return; fi
    for try in 'unshare -n --' 'unshare -c -n --'; do
        read -ra CUT <<<"$try"
        if "${CUT[@]}" true 2>/dev/null; then return; fi
    done
    CUT=() AIRGAP=forced
}
