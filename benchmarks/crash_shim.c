/* Kills the process before a chosen file operation below a folder, or after half of a write; moves the clock.

   cc -shared -fPIC -O1 -o shim.so crash_shim.c -ldl, loaded with LD_PRELOAD. It sleeps until crash_arm is called. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static char root[PATH_MAX];
static atomic_long done, at = -1;
static int torn;
static long clock_offset;

void crash_arm(const char *folder, long kill_at, int half) {
    strncpy(root, folder, sizeof root - 1);
    torn = half;
    done = 0;
    at = kill_at;
}
long crash_count(void) { return done; }
void crash_clock(long seconds) { clock_offset = seconds; }

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }
static int ours(const char *path) { return at >= 0 && path && strncmp(path, root, strlen(root)) == 0; }
static int ours_fd(int fd) {
    char link[64], path[PATH_MAX];
    if (at < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return ours(path);
}
static int now(void) { return atomic_fetch_add(&done, 1) + 1 == at; }

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define BEFORE(is_ours) if ((is_ours) && now()) die()

#define OPENING(name)                                            \
    int name(const char *path, int flags, ...) {                 \
        REAL(name);                                              \
        va_list more; va_start(more, flags);                     \
        mode_t mode = va_arg(more, int); va_end(more);           \
        BEFORE((flags & O_CREAT) && ours(path));                 \
        return real(path, flags, mode);                          \
    }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name)                                         \
    int name(int folder, const char *path, int flags, ...) {     \
        REAL(name);                                              \
        va_list more; va_start(more, flags);                     \
        mode_t mode = va_arg(more, int); va_end(more);           \
        BEFORE((flags & O_CREAT) && ours(path));                 \
        return real(folder, path, flags, mode);                  \
    }
OPENING_AT(openat)
OPENING_AT(openat64)

ssize_t write(int fd, const void *bytes, size_t n) {
    REAL(write);
    if (ours_fd(fd) && now()) { if (torn) real(fd, bytes, n / 2); die(); }
    return real(fd, bytes, n);
}
int rename(const char *a, const char *b) { REAL(rename); BEFORE(ours(b)); return real(a, b); }
int renameat(int x, const char *a, int y, const char *b) { REAL(renameat); BEFORE(ours(b)); return real(x, a, y, b); }
int link(const char *a, const char *b) { REAL(link); BEFORE(ours(b)); return real(a, b); }
int linkat(int x, const char *a, int y, const char *b, int f) { REAL(linkat); BEFORE(ours(b)); return real(x, a, y, b, f); }
int unlink(const char *path) { REAL(unlink); BEFORE(ours(path)); return real(path); }
int unlinkat(int x, const char *path, int f) { REAL(unlinkat); BEFORE(ours(path)); return real(x, path, f); }
int rmdir(const char *path) { REAL(rmdir); BEFORE(ours(path)); return real(path); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); BEFORE(ours(path)); return real(path, mode); }
int fsync(int fd) { REAL(fsync); BEFORE(ours_fd(fd)); return real(fd); }

int clock_gettime(clockid_t clock, struct timespec *t) {
    static __typeof__(clock_gettime) *real;
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, t);
    if (clock == CLOCK_REALTIME) t->tv_sec += clock_offset;
    return result;
}
