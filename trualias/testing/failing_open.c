/* For LD_PRELOAD: open(2) of $FAILING_PATH fails while the file $FAILING_SWITCH exists; it has the error's number. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_or_fail(const char *path, int flags, mode_t mode)
{
    const char *failing = getenv("FAILING_PATH"), *when = getenv("FAILING_SWITCH");
    if (failing && when && path && !strcmp(path, failing)) {
        char number[16] = "";
        int file = syscall(SYS_openat, AT_FDCWD, when, O_RDONLY | O_CLOEXEC, 0);
        if (file >= 0) {
            ssize_t length = read(file, number, sizeof number - 1);
            close(file);
            if (length > 0) {
                errno = atoi(number);
                return -1;
            }
        }
    }
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return open_or_fail(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return open_or_fail(path, flags | O_LARGEFILE, mode);
}
