# Completion of gapferry-link for bash. tests/scenarios/link.bats compares it with --help.

_gapferry_link() {
    local word=${COMP_WORDS[COMP_CWORD]}

    COMPREPLY=()
    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --root ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--root --json --help --version' -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -W 'probe' -- "$word")
    fi
}

complete -F _gapferry_link gapferry-link
