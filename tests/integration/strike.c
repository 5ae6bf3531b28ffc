/* Loaded into the server under test (LD_PRELOAD): kills it just before the n-th change of names or
 * removal that touches certain files (a restore's, unless STRIKE_IN names a part of their paths), when
 * a file says so, and so at each step in turn. Nothing of this is in the product. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int left = 0;

static int concerned(const char *path) {
    const char *part = getenv("STRIKE_IN");
    if (path && part) return strstr(path, part) != NULL;
    return path && (strstr(path, "/restoring/") || strstr(path, "/restored/"));
}

/* The number is taken out of the file with the first step, so that a restart is not struck. */
static void step(void) {
    pthread_mutex_lock(&lock);
    const char *order = getenv("STRIKE");
    if (left == 0 && order) {
        FILE *file = fopen(order, "r");
        if (file) {
            if (fscanf(file, "%d", &left) != 1) left = 0;
            fclose(file);
            unlink(order);
        }
    }
    if (left > 0 && --left == 0) kill(getpid(), SIGKILL);
    pthread_mutex_unlock(&lock);
}

int rename(const char *from, const char *to) {
    static int (*real)(const char *, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "rename");
    if (concerned(from) || concerned(to)) step();
    return real(from, to);
}

int unlink(const char *path) {
    static int (*real)(const char *);
    if (!real) real = dlsym(RTLD_NEXT, "unlink");
    if (concerned(path)) step();
    return real(path);
}

int linkat(int old, const char *from, int new, const char *to, int flags) {
    static int (*real)(int, const char *, int, const char *, int);
    if (!real) real = dlsym(RTLD_NEXT, "linkat");
    if (concerned(to)) step();
    return real(old, from, new, to, flags);
}

int unlinkat(int directory, const char *path, int flags) {
    static int (*real)(int, const char *, int);
    if (!real) real = dlsym(RTLD_NEXT, "unlinkat");
    /* Removing a directory with what is in it goes by its descriptor. */
    char link[64], place[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    ssize_t length = readlink(link, place, sizeof place - 2);
    if (length > 0) {
        place[length] = '/';
        place[length + 1] = 0;
        if (concerned(place)) step();
    }
    return real(directory, path, flags);
}
