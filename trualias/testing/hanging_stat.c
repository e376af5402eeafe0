/* For LD_PRELOAD: stat(2) of $HANGING_PATH does not return while the file $HANGING_SWITCH exists. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void hang(const char *path)
{
    const char *hanging = getenv("HANGING_PATH"), *when = getenv("HANGING_SWITCH");
    while (hanging && when && path && !strcmp(path, hanging) && !access(when, F_OK))
        usleep(10000);
}

int stat(const char *path, struct stat *status)
{
    hang(path);
    return fstatat(AT_FDCWD, path, status, 0);
}

int stat64(const char *path, struct stat64 *status)
{
    hang(path);
    return fstatat64(AT_FDCWD, path, status, 0);
}
