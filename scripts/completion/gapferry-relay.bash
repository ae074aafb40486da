# Completion of gapferry-relay for bash.

_gapferry_relay_options() {
    case $1 in
    init) echo --name --json --root --help ;;
    card) echo --fingerprint --json --root --help ;;
    approve) echo --card --withdraw --json --root --help ;;
    decline) echo --json --root --help ;;
    sync) echo --wait --name-on-card --json --root --help ;;
    run) echo --root --help ;;
    status) echo --json --root --help ;;
    records) echo --state --channel --json --root --help ;;
    reconcile) echo --since --force --json --root --help ;;
    config) echo --root --help ;;
    esac
}

_gapferry_relay() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='init card approve decline sync run status records reconcile config'
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

    case $before in
    --root)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --card)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --state | -s)
        mapfile -t COMPREPLY < <(compgen -W 'received sending later held delivered rejected expired' -- "$word")
        return
        ;;
    --name | --wait | -w | -n | --channel | -c | --since)
        return
        ;;
    esac

    if [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --root --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_gapferry_relay_options "$command")" -- "$word")
    else
        case $command in
        records) mapfile -t COMPREPLY < <(compgen -W 'list release reject' -- "$word") ;;
        config) mapfile -t COMPREPLY < <(compgen -W 'check show' -- "$word") ;;
        sync)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            ;;
        esac
    fi
}

complete -F _gapferry_relay gapferry-relay
