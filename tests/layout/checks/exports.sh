# shellcheck shell=bash
# exports: foo.c, and foo_bar.c as well, exports names beginning with foo (gf_foo in the library), so
# that a name says where it is defined (design section 10, rule 4).

# Files (a pattern) whose header has another name than they; each line must be needed.
exceptions='
bundle-format/base/base64.c    gf_text_
bundle-format/base/out.c       gf_file_
bundle-format/format/receipt.c gf_record_
bundle-format/reader/*         gf_bundle_
agent/*                        agent_
relay/*                        relay_
'

check() {
    local source object stem prefix symbol pattern other allowed
    local -A used=()
    while read -r source object; do
        stem=$(basename "$source" .c)
        prefix=${stem%%_*}
        case $source in
        bundle-format/tool/*) ;;
        bundle-format/*) prefix=gf_$prefix ;;
        esac
        while read -r symbol _; do
            case $symbol in
            "$prefix" | "$prefix"_*) continue ;;
            esac
            allowed=
            while read -r pattern other; do
                [ -n "$pattern" ] || continue
                # shellcheck disable=SC2254 # both are meant as patterns
                case $source in
                $pattern) case $symbol in "$other"*) allowed=1 && used["$pattern $other"]=1 ;; esac ;;
                esac
            done <<<"$exceptions"
            if [ -z "$allowed" ]; then
                finding "$source" "exports $symbol, which does not begin with ${prefix}_"
            fi
        done < <(nm -P -g --defined-only "$object")
    done < <(objects)
    while read -r pattern other; do
        if [ -n "$pattern" ] && [ -z "${used["$pattern $other"]:-}" ]; then
            finding tests/layout/checks/exports.sh "the exception '$pattern $other' is not needed any more"
        fi
    done <<<"$exceptions"
}

good() {
    write bundle-format/base/err.c 'int gf_err_set(void) { return 1; }' 'static int f(void) { return 2; }' \
        'int (*gf_err_f)(void) = f;'
    write bundle-format/base/json_check.c 'int gf_json_strict(void) { return 1; }'
    write bundle-format/base/base64.c 'int gf_text_base64(void) { return 1; }'
    write bundle-format/base/out.c 'int gf_out_open(void) { return 1; }' 'int gf_file_save_new(void) { return 1; }'
    write bundle-format/reader/head.c 'int gf_bundle_head(void) { return 1; }'
    write bundle-format/format/receipt.c 'int gf_record_states(void) { return 1; }'
    write bundle-format/tool/tool_out.c 'int tool_out(void) { return 1; }'
    write bundle-format/tool/cmd_pack.c 'int cmd_pack(void) { return 1; }'
    write bundle-format/tool/main.c 'int main(void) { return 0; }'
    write common/options.c 'int options_read(void) { return 1; }'
    write agent/export.c 'int agent_export(void) { return 1; }'
    write relay/intake.c 'int relay_intake(void) { return 1; }'
    compile bundle-format/*/*.c common/*.c agent/*.c relay/*.c
}
bad_function() { good; write bundle-format/base/err.c 'int helper(void) { return 1; }'; compile bundle-format/base/err.c
    expect 'err.c: exports helper,'; }
bad_stem() { good; write bundle-format/base/buf.c 'int gf_buffer_new(void) { return 1; }'; compile bundle-format/base/buf.c
    expect 'exports gf_buffer_new'; }
bad_data() { good; write common/options.c 'const int table[2] = { 1, 2 };'; compile common/options.c
    expect 'exports table'; }
bad_tool() { good; write bundle-format/tool/tool.c 'int gf_err_more(void) { return 1; }'; compile bundle-format/tool/tool.c
    expect 'tool.c: exports gf_err_more'; }
bad_exception() { good; write bundle-format/base/out.c 'int gf_out_open(void) { return 1; }'; compile bundle-format/base/out.c
    expect 'gf_file_'"' is not needed any more"; }
