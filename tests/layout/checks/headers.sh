# shellcheck shell=bash
# headers: each header compiles alone, so that including it needs no knowledge of what it needs. The
# public ones with the public folder only, and with gcc and clang.

compile_alone() { # COMPILER HEADER INCLUDE-FLAG...
    local out
    if ! out=$(printf '#include "%s"\nint not_empty;\n' "$2" | "$1" -x c -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror \
        -fsyntax-only "${@:3}" - 2>&1); then
        finding "$2" "does not compile alone with $1: $(grep -m1 -E 'error|fatal' <<<"$out")"
    fi
}

check() {
    local header compiler
    for compiler in gcc clang; do
        sources 'bundle-format/include/gapferry/*.h' | while read -r header; do
            compile_alone "$compiler" "${header#bundle-format/include/}" -Ibundle-format/include
        done
    done
    sources 'bundle-format/*.h' 'common/*.h' 'agent/*.h' 'relay/*.h' | grep -v /include/ | while read -r header; do
        compile_alone gcc "$header" -I. -Ibundle-format -Ibundle-format/include
    done
}

good() {
    write bundle-format/include/gapferry/err.h '#include <stddef.h>' 'size_t gf_err_size(void);'
    write bundle-format/base/pool.h '#include "gapferry/err.h"' 'size_t gf_pool_size(void);'
    write common/options.h 'int options_read(int argc, char **argv);'
}
bad_public() { good; write bundle-format/include/gapferry/buf.h 'size_t gf_buf_size(void);'; expect 'buf.h: does not'; }
bad_public_needs_private() { good; write bundle-format/include/gapferry/buf.h '#include "base/pool.h"'
    expect 'buf.h: does not compile alone with clang'; }
bad_internal() { good; write bundle-format/base/utf8.h 'int gf_utf8(uint8_t b);'; expect 'utf8.h: does not'; }
bad_common() { good; write common/options.h 'void options_help(FILE *f);'; expect 'options.h: does not'; }
