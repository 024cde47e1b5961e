/* Makes the files below one folder slow, as those of a network file system are: loaded before the C library
 * (LD_PRELOAD), it sleeps one round trip in each call that would go to the server, and counts the calls.
 *
 *   SLOW_FOLDER   absolute path of the folder
 *   SLOW_MICROS   length of a round trip in microseconds
 *   SLOW_COUNT    file to which each process adds one line: "opens reads writes others round_trips"
 *
 * Reads and writes cost a round trip per megabyte begun (NFS: rsize and wsize of 1 MiB). No cache is simulated:
 * what is opened or asked for twice is paid for twice.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (1 << 20)
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_long opens, reads, writes, others, round_trips;

static int below(const char *path) {
    const char *slow = getenv("SLOW_FOLDER");
    return slow && path && strncmp(path, slow, strlen(slow)) == 0;
}

static int is_slow(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static void pay(atomic_long *kind, long trips) {
    atomic_fetch_add(kind, 1);
    atomic_fetch_add(&round_trips, trips);
    const char *micros = getenv("SLOW_MICROS");
    if (micros) usleep(atol(micros) * trips);
}

static long pieces(ssize_t bytes) { return bytes <= PIECE ? 1 : (bytes + PIECE - 1) / PIECE; }

#define OPENER(name)                                              \
    int name(const char *path, int flags, ...) {                  \
        va_list rest;                                             \
        va_start(rest, flags);                                    \
        int mode = va_arg(rest, int);                             \
        va_end(rest);                                             \
        if (below(path)) pay(&opens, 1);                          \
        return REAL(name)(path, flags, mode);                     \
    }
OPENER(open)
OPENER(open64)

#define STREAM_OPENER(name)                                       \
    FILE *name(const char *path, const char *mode) {              \
        if (below(path)) pay(&opens, 1);                          \
        return REAL(name)(path, mode);                            \
    }
STREAM_OPENER(fopen)
STREAM_OPENER(fopen64)

#define CALL(type, name, kind, parameters, arguments, slow, trips) \
    type name parameters {                                        \
        type result = REAL(name) arguments;                       \
        if (slow) pay(&kind, trips);                              \
        return result;                                            \
    }
CALL(ssize_t, read, reads, (int file, void *to, size_t size), (file, to, size), is_slow(file), pieces(result))
CALL(ssize_t, pread, reads, (int file, void *to, size_t size, off_t at), (file, to, size, at), is_slow(file), pieces(result))
CALL(ssize_t, pread64, reads, (int file, void *to, size_t size, off64_t at), (file, to, size, at), is_slow(file), pieces(result))
CALL(ssize_t, write, writes, (int file, const void *from, size_t size), (file, from, size), is_slow(file), pieces(result))
CALL(int, fsync, others, (int file), (file), is_slow(file), 1)
CALL(int, stat, others, (const char *path, struct stat *to), (path, to), below(path), 1)
CALL(int, stat64, others, (const char *path, struct stat64 *to), (path, to), below(path), 1)
CALL(int, lstat, others, (const char *path, struct stat *to), (path, to), below(path), 1)
CALL(int, lstat64, others, (const char *path, struct stat64 *to), (path, to), below(path), 1)
CALL(int, fstatat, others, (int at, const char *path, struct stat *to, int flags), (at, path, to, flags), below(path), 1)
CALL(int, access, others, (const char *path, int mode), (path, mode), below(path), 1)
CALL(int, rename, others, (const char *from, const char *to), (from, to), below(to), 1)
CALL(int, unlink, others, (const char *path), (path), below(path), 1)
CALL(int, mkdir, others, (const char *path, mode_t mode), (path, mode), below(path), 1)

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("SLOW_COUNT");
    FILE *file = path ? REAL(fopen)(path, "a") : NULL;
    if (!file) return;
    fprintf(file, "%ld %ld %ld %ld %ld\n", opens, reads, writes, others, round_trips);
    fclose(file);
}
