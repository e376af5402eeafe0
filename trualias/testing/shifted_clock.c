/* A library for LD_PRELOAD: the time of day is shifted by the seconds in the file that CLOCK_SHIFT names. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    long shift = 0;
    int result;

    if (real == NULL)
        real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    result = real(id, now);
    if (id == CLOCK_REALTIME && result == 0) {
        const char *path = getenv("CLOCK_SHIFT");
        FILE *file = path == NULL ? NULL : fopen(path, "r");

        if (file != NULL) {
            if (fscanf(file, "%ld", &shift) != 1)
                shift = 0;
            fclose(file);
        }
        now->tv_sec += shift;
    }
    return result;
}
