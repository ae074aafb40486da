# shellcheck shell=bash
# sockets: a program that may open none imports no socket function, nor does any library that it
# loads; the C library itself is left out (promise P6). What is reached by syscall(2) is not seen
# here: that is for the seccomp filter.

# Program: none, or may.
programs='
gapferry-bundle   none
gapferry-agent    none
gapferry-collect  may
gapferry-link     may
gapferry-relay    may
hello             none
vendor            may
'
functions='(socket|socketpair|connect|bind|listen|accept|accept4|shutdown|send|sendto|sendmsg|sendmmsg|recv|recvfrom|recvmsg|recvmmsg|setsockopt|getsockopt|getsockname|getpeername|getaddrinfo|getnameinfo|gethostby[a-z0-9_]*|inet_[a-z0-9_]+|res_[a-z0-9_]+|__res_[a-z0-9_]+|dlopen|dlmopen)'

imports() { # FILE
    nm -D --undefined-only "$1" | awk '{ print $NF }' | sed -E 's/@.*//; s/^__(.*)_chk$/\1/' | grep -xE "$functions" || true
}

check() {
    local program name rule file symbol found=0
    for program in "$BUILD"/bin/*; do
        [ -f "$program" ] || continue
        name=$(basename "$program")
        rule=$(awk -v name="$name" '$1 == name { print $2 }' <<<"$programs")
        if [ -z "$rule" ]; then
            finding "$name" 'stands in no row of tests/layout/checks/sockets.sh'
        fi
        [ "$rule" = none ] || continue
        found=1
        { echo "$program"; ldd "$program" | awk '$2 == "=>" { print $3 }'; } |
            { grep -vE '/(libc|libm|libpthread)\.so\.[0-9]+$' || true; } | while read -r file; do
            for symbol in $(imports "$file"); do
                finding "$name" "$(basename "$file") imports $symbol"
            done
        done
    done
    if [ "$found" = 0 ]; then
        finding "$BUILD/bin" 'has no program to look at'
    fi
}

program() { # NAME BODY [CC-OPTION...]
    mkdir -p build/bin
    write source.c '#include <stddef.h>' '#include <sys/socket.h>' '#include <netdb.h>' 'int other(void);' "int main(void) { return $2; }"
    cc -fPIE -pie source.c -o "build/bin/$1" "${@:3}"
}
good() {
    program gapferry-bundle 0
    program gapferry-relay 'socket(AF_INET, SOCK_STREAM, 0)'
}
bad_socket() { good; program gapferry-agent 'socket(AF_UNIX, SOCK_STREAM, 0)'; expect 'gapferry-agent imports socket'; }
bad_resolver() { good; program gapferry-bundle 'getaddrinfo("a", "b", NULL, NULL)'; expect 'imports getaddrinfo'; }
bad_library() { good
    write lib.c '#include <sys/socket.h>' 'int other(void) { return connect(3, 0, 0); }'
    cc -fPIC -shared lib.c -o libother.so
    program gapferry-bundle 'other()' -L. -lother -Wl,-rpath,"$PWD"
    expect 'gapferry-bundle: libother.so imports connect'; }
bad_stranger() { good; program gapferry-new 0; expect 'gapferry-new: stands in no row'; }
bad_nothing() { mkdir -p build/bin; expect 'no program'; }
