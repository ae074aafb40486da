# shellcheck shell=bash
# size: no source file beyond 500 lines, no function beyond 80 (design section 10, rule 4).
#
# Relies on the form that scripts/format gives: a function begins in the first column, the line that
# opens its body ends in ") {", and its last line is "}" in the first column.

check() {
    sources '*.[ch]' | xargs -r awk '
        function file_ends() { if (lines > 500) print last ": has " lines " lines, more than 500" }
        FNR == 1 { if (last != "") file_ends(); inside = 0 }
        { last = FILENAME; lines = FNR }
        !inside && /^[A-Za-z_]/ { begin = FNR; name = $0 }
        !inside && /\) \{$/ && !/^[ \t]*#/ { inside = 1 }
        inside && /^\}/ {
            inside = 0
            if (FNR - begin + 1 > 80) {
                sub(/\(.*/, "", name)
                sub(/.*[ *]/, "", name)
                print FILENAME ":" begin ": " name "() has " FNR - begin + 1 " lines, more than 80"
            }
        }
        END { file_ends() }'
}

lines() { # N
    seq -f '    run(%g);' "$1"
}
good() {
    { echo 'int a(void) {'; lines 78; echo '}'; } >a.c
    { lines 500; } >b.h
}
bad_long_file() { good; lines 501 >c.c; expect 'c.c: has 501 lines'; }
bad_long_function() { good; { echo; echo 'static int too_long(int a,'; echo '                    int b) {'; lines 78; echo '}'; } >d.c
    expect 'd.c:2: too_long() has 81 lines'; }
bad_later_file() { good; { echo 'int f(void) {'; lines 90; echo '}'; } >z.c; expect 'z.c:1: f() has 92'; }
