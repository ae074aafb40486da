# Completion of gapferry-relay for bash.

_gapferry_relay_options() {
    case $1 in
    init) echo --name --json --root --help ;;
    card) echo --fingerprint --out --install --json --root --help ;;
    agents) echo --all --json --root --help ;;
    token) echo --name --expires --uses --json --root --help ;;
    rotate) echo --force --json --root --help ;;
    revoke) echo --reason --json --root --help ;;
    approve) echo --card --withdraw --json --root --help ;;
    decline) echo --json --root --help ;;
    sync) echo --wait --name-on-card --json --root --help ;;
    import | respond | quarantine) echo --json --root --help ;;
    forward) echo --wait --json --root --help ;;
    run) echo --root --help ;;
    status | notice) echo --json --root --help ;;
    records) echo --state --channel --agent --endpoint --since --limit --after --reason --line --json --root --help ;;
    endpoints) echo --connect --json --root --help ;;
    audit) echo --since --json --root --help ;;
    couriers) echo --json --root --help ;;
    reconcile) echo --since --force --json --root --help ;;
    config) echo --json --root --help ;;
    esac
}

_gapferry_relay() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='init card approve agents token rotate revoke notice sync import forward respond decline run status records quarantine endpoints couriers reconcile audit config'
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
    --card | --out | -o | --install)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --state | -s)
        mapfile -t COMPREPLY < <(compgen -W 'received sending later held onward delivered rejected expired open dead' -- "$word")
        return
        ;;
    --name | --wait | -w | -n | --channel | -c | --agent | -a | --endpoint | -e | --limit | --after | --since | --expires | --uses | --reason | -r)
        return
        ;;
    esac

    if [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --root --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_gapferry_relay_options "$command")" -- "$word")
    else
        case $command in
        records) mapfile -t COMPREPLY < <(compgen -W 'list show release retry reject drop' -- "$word") ;;
        quarantine) mapfile -t COMPREPLY < <(compgen -W 'list show release drop' -- "$word") ;;
        endpoints) mapfile -t COMPREPLY < <(compgen -W 'list check firewall' -- "$word") ;;
        audit) mapfile -t COMPREPLY < <(compgen -W 'verify export' -- "$word") ;;
        agents) mapfile -t COMPREPLY < <(compgen -W 'list show' -- "$word") ;;
        token) mapfile -t COMPREPLY < <(compgen -W 'list withdraw' -- "$word") ;;
        couriers) mapfile -t COMPREPLY < <(compgen -W 'list add remove' -- "$word") ;;
        config) mapfile -t COMPREPLY < <(compgen -W 'check show' -- "$word") ;;
        import)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            ;;
        sync | respond)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            ;;
        esac
    fi
}

complete -F _gapferry_relay gapferry-relay
