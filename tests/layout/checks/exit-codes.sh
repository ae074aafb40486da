# shellcheck shell=bash
# exit-codes: gapferry/exit.h, the list in design section 9 and the man pages agree.

# Licence facts: the design reserves them; they come into exit.h all together, with the agent.
reserved='90 91 92 93 94 95'

# "NUMBER" a line, from the enumeration.
header_codes() {
    sed -nE 's/^ *GF_EXIT_[A-Z_]+ = ([0-9]+),.*/\1/p' bundle-format/include/gapferry/exit.h | sort -n
}

# From the sentence "Exit codes (...): 0 done ...; 64 usage; ...; 90 to 95 licence facts (...)."
design_codes() {
    grep -m1 '^- Exit codes' docs/design.md | sed -E 's/`sync` ends with.*//; s/^[^:]*: //' |
        sed -E 's/\b90 to 95\b/90 91 92 93 94 95/' | grep -oE '\b[0-9]+\b' | sort -n
}

# The numbers that head an entry in the section EXIT STATUS of a man page in scdoc: *65*, or the first
# cell of a row of a table.
page_codes() { # FILE
    awk '/^# / { inside = /^# EXIT/ } inside' "$1" | sed -nE 's/^[|[ ]*[<>:-]* *\**([0-9]+)\**( .*|$)/\1/p'
}

check() {
    local code page codes
    codes=$(header_codes)
    # shellcheck disable=SC2086 # a list of words
    while read -r code; do
        finding docs/design.md "section 9 and gapferry/exit.h do not both have $code"
    done < <({ echo "$codes"; design_codes; } | sort -n | uniq -u | grep -vxFf <(
        if ! grep -qx 9. <<<"$codes"; then printf '%s\n' $reserved; else echo none; fi))
    sources 'docs/man/*.scd' | while read -r page; do
        if ! grep -q '^# EXIT' "$page"; then
            case $page in
            *.[18].scd) finding "$page" 'has no section EXIT STATUS' ;;
            esac
        elif [ -z "$(page_codes "$page")" ]; then
            finding "$page" 'names no exit status in its section EXIT STATUS'
        fi
        page_codes "$page" | while read -r code; do
            if ! grep -qx "$code" <<<"$codes"; then
                finding "$page" "names the exit status $code, which gapferry/exit.h does not have"
            fi
        done
    done
}

good() {
    write bundle-format/include/gapferry/exit.h 'enum gf_exit {' '    GF_EXIT_DONE = 0, /* done */' \
        '    GF_EXIT_USAGE = 64, /* usage */' '    GF_EXIT_BUG = 70,' '};'
    write docs/design.md '- Exit codes (one table): 0 done; 64 usage and 70 bug; 90 to 95 licence facts. `sync` ends with 70, 1.'
    write docs/man/gapferry-bundle.1.scd '# EXIT STATUS' '*0*' '	done, in 12 ways' '*64*' '	usage' '# FILES' '*99*'
    write docs/man/gapferry-agent.8.scd '# EXIT STATUS' '[[ *Status*' ':< *Meaning*' '|  0' ':  done' '|  *70*' ':  bug'
}
bad_design() { good; write docs/design.md '- Exit codes (one table): 0 done; 64 usage; 70 bug; 71 other.'; expect 'have 71'; }
bad_header() { good; write bundle-format/include/gapferry/exit.h '    GF_EXIT_DONE = 0,' '    GF_EXIT_USAGE = 64,'; expect 'have 70'; }
bad_half() { good; sed -i 's/^};/    GF_EXIT_NO_LICENCE = 90,\n};/' bundle-format/include/gapferry/exit.h; expect 'have 91'; }
bad_list() { good; write docs/man/gapferry-bundle.1.scd '# EXIT STATUS' '*1*' '	failed'; expect 'exit status 1,'; }
bad_table() { good; write docs/man/gapferry-agent.8.scd '# EXIT STATUS' '|  *65*' ':  damaged'; expect 'exit status 65,'; }
bad_silent() { good; write docs/man/gapferry-agent.8.scd '# NAME'; expect 'has no section'; }
bad_empty() { good; write docs/man/gapferry-agent.8.scd '# EXIT STATUS' 'See elsewhere.'; expect 'names no exit status'; }
