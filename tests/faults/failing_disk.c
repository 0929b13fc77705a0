/* A disk that fails on demand: the file LAWGATE_DISK says how, for every file below /evidence/ and /keys/.
 *
 *   full      nothing can be written any more (ENOSPC)
 *   readonly  the same, and nothing can be opened for writing (EROFS)
 *   io        what is written cannot be synced (EIO); it may be on the disk all the same
 *   anything else, or no such file: the disk works
 *
 * Linux only: a descriptor's path is read from /proc/self/fd.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) \
    static __typeof__(name) *next; \
    if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static const char *control;

__attribute__((constructor)) static void start(void) { control = getenv("LAWGATE_DISK"); }

/* 'f', 'r' or 'i'; 0 when the disk works. */
static char fault(void)
{
    char said = 0;
    int fd = control ? (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC, 0) : -1;
    if (fd < 0) return 0;
    if (syscall(SYS_read, fd, &said, 1) != 1) said = 0;
    syscall(SYS_close, fd);
    return said == 'f' || said == 'r' || said == 'i' ? said : 0;
}

static int inside(const char *path)
{
    return (strstr(path, "/evidence/") != NULL || strstr(path, "/keys/") != NULL) && strstr(path, "-shm") == NULL;
}

static int ours(int fd)
{
    struct stat found;
    char name[64], path[PATH_MAX];
    if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(name, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return inside(path);
}

/* The error of a write, or 0. */
static int refused(int fd)
{
    char how = control && ours(fd) ? fault() : 0;
    return how == 'f' ? ENOSPC : how == 'r' ? EROFS : 0;
}

#define WRITING(fd, call) \
    int error = refused(fd); \
    if (error) { errno = error; return -1; } \
    return call

ssize_t write(int fd, const void *data, size_t size) { NEXT(write); WRITING(fd, next(fd, data, size)); }
ssize_t writev(int fd, const struct iovec *v, int n) { NEXT(writev); WRITING(fd, next(fd, v, n)); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { NEXT(pwrite); WRITING(fd, next(fd, data, size, at)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { NEXT(pwrite64); WRITING(fd, next(fd, data, size, at)); }
int ftruncate64(int fd, off64_t size) { WRITING(fd, (int)syscall(SYS_ftruncate, fd, size)); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int syncing(int fd, int (*next)(int))
{
    if (control && ours(fd) && fault() == 'i') { errno = EIO; return -1; }
    return next(fd);
}

int fsync(int fd) { NEXT(fsync); return syncing(fd, next); }
int fdatasync(int fd) { NEXT(fdatasync); return syncing(fd, next); }

static int opened(int at, const char *path, int flags, mode_t mode)
{
    if (control && (flags & O_ACCMODE) != O_RDONLY && inside(path) && fault() == 'r') { errno = EROFS; return -1; }
    return (int)syscall(SYS_openat, at, path, flags, mode);
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
