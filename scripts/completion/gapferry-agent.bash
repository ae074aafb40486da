# Completion of gapferry-agent for bash. tests/scenarios/agent.bats compares it with --help.

_gapferry_agent_options() {
    case $1 in
    init) echo --name --consent --allow --token-file --json --help ;;
    trust) echo --fingerprint --yes --duty --name --end --list --keygen --json --help ;;
    card) echo --fingerprint --out --install --token-file --json --help ;;
    preview) echo --now --json --help ;;
    id) echo --reset --json --help ;;
    consent | source | status) echo --json --help ;;
    record) echo --at --product --type --answer --jsonl --from --expires --json --help ;;
    import | export | doctor) echo --json --help ;;
    run) echo --once --help ;;
    resend) echo --bundle --to --json --help ;;
    restore | rotate) echo --json --help ;;
    history) echo --since --json --help ;;
    license)
        echo --product --key --version --contact --count --license --proof --vendor-key --fingerprint \
            --again --force --yes --strict --json --help
        ;;
    updates)
        echo --product --version --platform --channel --feature --serial --all --expired --manifest \
            --note --json --help
        ;;
    sync) echo --name-on-card --json --help ;;
    config) echo --json --help ;;
    esac
}

_gapferry_agent() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='init trust card consent record preview source id license updates sync import export run doctor resend rotate restore history status config'
    local command='' i

    COMPREPLY=()
    # The command may stand behind --root DIR.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --root) ((i++)) ;;
        -*) ;;
        *) command=${COMP_WORDS[i]} && break ;;
        esac
    done

    # The value of the option before, where we know more of it than that it may be a file.
    case $before in
    --root)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --duty | -d)
        mapfile -t COMPREPLY < <(compgen -W 'license update card' -- "$word")
        return
        ;;
    --name | --bundle | --to | --consent | --allow | --fingerprint | --at | --since | --product | --type | --expires | --key | \
        --version | --contact | --count | --license | --vendor-key | --keygen | \
        --platform | --channel | --feature | --serial | --note)
        [[ $command == card ]] || return
        ;;
    esac

    if [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --root --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_gapferry_agent_options "$command") --root" -- "$word")
    elif [[ $before == license ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'request install status check list renew repair deactivate' -- "$word")
    elif [[ $before == updates ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'check list fetch verify import report' -- "$word")
    elif [[ $before == history ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'verify show' -- "$word")
    elif [[ $before == source ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'list run' -- "$word")
    elif [[ $before == config ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'check show' -- "$word")
    elif [[ $before == consent || $before == preview || $before == record ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'metrics' -- "$word")
    elif [[ $command == consent ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'grant deny' -- "$word")
    elif [[ $command == sync ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _gapferry_agent gapferry-agent
