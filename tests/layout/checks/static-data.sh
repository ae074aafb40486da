# shellcheck shell=bash
# static-data: the library keeps no state: none of its objects has data that can be written, neither
# of the process nor of a thread (design section 10).

check() {
    local source object
    library_objects | while read -r source object; do
        # Constant tables of pointers are relocated, then read-only: .data.rel.ro. COM are tentative
        # definitions. Symbols of sections have no size.
        objdump -t "$object" | awk -v source="$source" '
            { sub(/ \.hidden /, " ") }
            NF > 3 && $(NF - 1) ~ /^[0-9a-f]*[1-9a-f][0-9a-f]*$/ {
                # Value, seven columns of flags, section, size, name: blanks in the flags vary.
                section = $(NF - 2)
                if ((section ~ /^\.(data|bss|tdata|tbss)/ && section !~ /^\.data\.rel\.ro/) || section == "*COM*")
                    print source ": can write its static data: " $NF
            }'
    done
}

good() {
    write bundle-format/base/err.c 'static const char *const names[] = { "a", "b" };' \
        'const char *gf_err_name(int i) { return names[i]; }' 'const int gf_err_table[3] = { 1, 2, 3 };'
    write bundle-format/tool/main.c 'int count = 1;'
    compile bundle-format/*/*.c
}
one_line() { good; write bundle-format/base/buf.c "$@"; compile bundle-format/base/buf.c; }
bad_zero() { one_line 'static int n;' 'int *gf_buf(void) { return &n; }'; expect 'buf.c: can write its static data: n'; }
bad_value() { one_line 'int gf_buf_count = 3;'; expect 'gf_buf_count'; }
bad_pointer() { one_line 'static const char *names[] = { "a" };' 'const char **gf_buf(void) { return names; }'
    expect 'static data: names'; }
bad_thread() { one_line '_Thread_local int gf_buf_last;'; expect 'gf_buf_last'; }
bad_in_function() { one_line 'int gf_buf(void) { static int calls; return ++calls; }'; expect 'static data: calls'; }
bad_common() { good; write bundle-format/base/buf.c 'int gf_buf_shared;'
    cc -fcommon -c bundle-format/base/buf.c -o build/bundle-format/base/CMakeFiles/x.dir/buf.c.o 2>/dev/null ||
        { compile bundle-format/base/buf.c; cc -fcommon -c bundle-format/base/buf.c -o build/bundle-format/base/CMakeFiles/x.dir/buf.c.o; }
    expect 'gf_buf_shared'; }
