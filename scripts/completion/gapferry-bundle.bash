# Completion of gapferry-bundle for bash. tests/scenarios/tool.bats compares it with --help.

_gapferry_bundle_options() {
    case $1 in
    keygen) echo --role --name --agent --expires --json --help ;;
    card) echo --fingerprint --check --json --help ;;
    pack)
        echo --identity --to --kind --records --wrap --type --answer --receipts --answers \
            --refusals --notices --reader --no-self --expires --level --threads --output --force \
            --json --help
        ;;
    inspect) echo --json --help ;;
    verify) echo --from --to --at --json --help ;;
    unpack) echo --identity --from --directory --at --threads --json --help ;;
    esac
}

_gapferry_bundle() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='keygen card pack inspect verify unpack'

    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
        return
    fi

    # The value of the option before, where we know more of it than that it may be a file.
    case $before in
    --role | -r)
        if [[ ${COMP_WORDS[1]} == keygen ]]; then
            mapfile -t COMPREPLY < <(compgen -W 'agent relay vendor reader' -- "$word")
            return
        fi
        ;;
    --kind | -k)
        mapfile -t COMPREPLY < <(compgen -W 'request response' -- "$word")
        return
        ;;
    --identity | -i | --directory | -C)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --name | --agent | --expires | --at | --check | --wrap | --type | --level | --threads)
        return
        ;;
    esac

    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_gapferry_bundle_options "${COMP_WORDS[1]}")" -- "$word")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _gapferry_bundle gapferry-bundle
