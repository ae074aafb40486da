# Completion of gapferry-collect for bash. tests/scenarios/collect.bats compares it with --help.

_gapferry_collect_options() {
    case $1 in
    run) echo --root --help ;;
    check) echo --json --root --help ;;
    status) echo --json --root --help ;;
    esac
}

_gapferry_collect() {
    local word=${COMP_WORDS[COMP_CWORD]}
    local command='' i

    COMPREPLY=()
    # --root DIR may stand anywhere; the first other word is the command.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --root) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done

    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --root ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'run check status --root --help --version' -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -W "$(_gapferry_collect_options "$command")" -- "$word")
    fi
}

complete -F _gapferry_collect gapferry-collect
