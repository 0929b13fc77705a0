/* A disk that loses at a power cut everything that was not synced.
 *
 * Files below LAWGATE_WATCH/evidence and LAWGATE_WATCH/keys have a shadow in LAWGATE_SHADOW, which holds
 * what a disk would hold:
 *   i<N>       the synced content of file N: bytes written since reach it at fsync or fdatasync only
 *   names<D>   the synced names of directory D, one "N name" a line: they reach it at fsync of the
 *              directory only, so an unsynced creation, rename or removal never happened
 *   dirs       one "D path" a line; a directory itself is there at once
 * After a SIGKILL the test puts the shadow in the place of the files. Everything that is there when a
 * process starts counts as synced. LAWGATE_WRITEBACK is the percentage of writes that reach the shadow
 * at once, as a disk may write early and in any order. An index in shared memory (-shm) is no file here.
 *
 * The process itself sees its own writes, as it would; nothing is really synced, which also is faster.
 * Linux on 64 bits only. One lock: what is copied at a sync is what had been written when it came.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
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
#define FILES_MAX 65536
#define DIRS_MAX 1024

struct range { off_t from, to; };
struct file { dev_t device; ino_t inode; int number, live; off_t smallest; struct range *dirty; int count, room; };
struct dir { char path[512]; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static struct dir dirs[DIRS_MAX];
static int file_count, dir_count, number_next, writeback, running;
static char watch[512], shadow[512];
static unsigned seed;

/* ---- the raw system calls, which no shim sees ---- */

static int raw_open(const char *path, int flags) { return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600); }

static void raw_write(int fd, const char *data, size_t size, off_t at)
{
    while (size > 0) {
        ssize_t went = syscall(SYS_pwrite64, fd, data, size, at);
        if (went <= 0) { perror("unsynced shim: shadow"); abort(); }
        data += went; at += went; size -= (size_t)went;
    }
}

/* ---- files ---- */

static int watched(const char *path)
{
    size_t size = strlen(watch);
    if (size == 0 || strncmp(path, watch, size) != 0) return 0;
    if (strstr(path, "-shm") != NULL) return 0;
    return strncmp(path + size, "/evidence", 9) == 0 || strncmp(path + size, "/keys", 5) == 0;
}

static struct file *find(int fd, struct stat *found)
{
    if (!running || fstat(fd, found) != 0) return NULL;
    if (!S_ISREG(found->st_mode)) return NULL;
    for (int n = file_count - 1; n >= 0; n--)
        if (files[n].live && files[n].inode == found->st_ino && files[n].device == found->st_dev) return &files[n];
    return NULL;
}

static int shadow_of(const struct file *file)
{
    char path[600];
    snprintf(path, sizeof path, "%s/i%d", shadow, file->number);
    return raw_open(path, O_RDWR | O_CREAT);
}

/* A new file: nothing of it is on the disk. */
static struct file *add(const struct stat *found)
{
    struct file *file = NULL;
    for (int n = 0; n < file_count; n++) {
        if (files[n].live && files[n].inode == found->st_ino && files[n].device == found->st_dev) files[n].live = 0;
        if (!files[n].live && file == NULL) file = &files[n];
    }
    if (file == NULL) {
        if (file_count == FILES_MAX) { fputs("unsynced shim: too many files\n", stderr); abort(); }
        file = &files[file_count++];
    }
    free(file->dirty);
    *file = (struct file){ .device = found->st_dev, .inode = found->st_ino, .number = number_next++, .live = 1 };
    int out = shadow_of(file);
    syscall(SYS_close, out);
    return file;
}

static void forget(const char *path)
{
    struct stat found;
    if (lstat(path, &found) != 0 || found.st_nlink > 1) return;
    for (int n = 0; n < file_count; n++)
        if (files[n].live && files[n].inode == found.st_ino && files[n].device == found.st_dev) files[n].live = 0;
}

static void copy(int from, int to, off_t start, off_t end)
{
    char block[65536];
    while (start < end) {
        size_t want = (size_t)(end - start) < sizeof block ? (size_t)(end - start) : sizeof block;
        ssize_t got = syscall(SYS_pread64, from, block, want, start);
        if (got <= 0) return;
        raw_write(to, block, (size_t)got, start);
        start += got;
    }
}

/* A descriptor of the same file that can be read: a writer's own may not. */
static int readable(int fd)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return raw_open(name, O_RDONLY);
}

static void wrote(int fd, off_t from, ssize_t size)
{
    struct stat found;
    struct file *file = size > 0 ? find(fd, &found) : NULL;
    if (file == NULL) return;
    if (writeback && (int)(rand_r(&seed) % 100) < writeback) {
        int in = readable(fd), out = shadow_of(file);
        copy(in, out, from, from + size);
        syscall(SYS_close, in);
        syscall(SYS_close, out);
    }
    if (file->count > 0 && file->dirty[file->count - 1].to == from) {
        file->dirty[file->count - 1].to = from + size;
        return;
    }
    if (file->count == file->room) {
        file->room = file->room ? 2 * file->room : 16;
        file->dirty = realloc(file->dirty, sizeof(struct range) * (size_t)file->room);
    }
    file->dirty[file->count++] = (struct range){ from, from + size };
}

static void cut(int fd, off_t size)
{
    struct stat found;
    struct file *file = find(fd, &found);
    if (file != NULL && size < file->smallest) file->smallest = size;
}

static void synced_file(int fd, struct file *file, const struct stat *found)
{
    int in = readable(fd), out = shadow_of(file);
    struct stat old;
    if (fstat(out, &old) == 0 && file->smallest < old.st_size) (void)!syscall(SYS_ftruncate, out, file->smallest);
    (void)!syscall(SYS_ftruncate, out, found->st_size);
    for (int n = 0; n < file->count; n++) {
        off_t end = file->dirty[n].to < found->st_size ? file->dirty[n].to : found->st_size;
        copy(in, out, file->dirty[n].from, end);
    }
    file->count = 0;
    file->smallest = found->st_size;
    syscall(SYS_close, in);
    syscall(SYS_close, out);
}

/* ---- names ---- */

static int number_of(const char *path)
{
    struct stat found;
    if (lstat(path, &found) != 0 || !S_ISREG(found.st_mode)) return -1;
    for (int n = file_count - 1; n >= 0; n--)
        if (files[n].live && files[n].inode == found.st_ino && files[n].device == found.st_dev) return files[n].number;
    return -1;
}

static int dir_number(const char *path)
{
    for (int n = 0; n < dir_count; n++)
        if (strcmp(dirs[n].path, path) == 0) return n;
    if (dir_count == DIRS_MAX) { fputs("unsynced shim: too many directories\n", stderr); abort(); }
    snprintf(dirs[dir_count].path, sizeof dirs[0].path, "%s", path);
    char name[600], line[600];
    snprintf(name, sizeof name, "%s/dirs", shadow);
    int out = raw_open(name, O_WRONLY | O_CREAT);
    struct stat found;
    fstat(out, &found);
    int size = snprintf(line, sizeof line, "%d %s\n", dir_count, path);
    raw_write(out, line, (size_t)size, found.st_size);
    syscall(SYS_close, out);
    return dir_count++;
}

static void synced_dir(const char *path)
{
    char name[600], aside[600], line[1200], entry_path[1024];
    int number = dir_number(path);
    snprintf(name, sizeof name, "%s/names%d", shadow, number);
    snprintf(aside, sizeof aside, "%s/.names", shadow);
    int out = raw_open(aside, O_WRONLY | O_CREAT | O_TRUNC);
    off_t at = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        snprintf(entry_path, sizeof entry_path, "%s/%s", path, entry->d_name);
        int found = watched(entry_path) ? number_of(entry_path) : -1;
        if (found < 0) continue;
        int size = snprintf(line, sizeof line, "%d %s\n", found, entry->d_name);
        raw_write(out, line, (size_t)size, at);
        at += size;
    }
    if (dir != NULL) closedir(dir);
    syscall(SYS_close, out);
    syscall(SYS_rename, aside, name);
}

/* ---- the start: what is there is on the disk ---- */

static void take(const char *path)
{
    char inner[1024];
    DIR *dir = opendir(path);
    if (dir == NULL) return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat found;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (lstat(inner, &found) != 0) continue;
        if (S_ISDIR(found.st_mode)) take(inner);
        if (!S_ISREG(found.st_mode) || !watched(inner)) continue;
        struct file *file = add(&found);
        int in = raw_open(inner, O_RDONLY), out = shadow_of(file);
        copy(in, out, 0, found.st_size);
        file->smallest = found.st_size;
        syscall(SYS_close, in);
        syscall(SYS_close, out);
    }
    closedir(dir);
    synced_dir(path);
}

__attribute__((constructor)) static void start(void)
{
    const char *root = getenv("LAWGATE_WATCH"), *place = getenv("LAWGATE_SHADOW"), *early = getenv("LAWGATE_WRITEBACK");
    if (root == NULL || place == NULL) return;
    char path[600];
    snprintf(watch, sizeof watch, "%s", root);
    snprintf(shadow, sizeof shadow, "%s", place);
    writeback = early ? atoi(early) : 0;
    seed = (unsigned)getpid();
    snprintf(path, sizeof path, "%s/evidence", watch);
    take(path);
    snprintf(path, sizeof path, "%s/keys", watch);
    take(path);
    running = 1;
}

/* ---- what the process calls ---- */

static int opened(int at, const char *path, int flags, mode_t mode)
{
    char full[PATH_MAX];
    struct stat found;
    if (!running || !(flags & (O_CREAT | O_TRUNC)) || path[0] != '/' || !watched(path))
        return (int)syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&lock);
    snprintf(full, sizeof full, "%s", path);
    int existed = lstat(full, &found) == 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0) {
        if (!existed && fstat(fd, &found) == 0) add(&found);
        else if (flags & O_TRUNC) cut(fd, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }

#define WRITING(fd, from, call) \
    struct stat found; \
    if (!running || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return call; \
    pthread_mutex_lock(&lock); \
    off_t start_at = from; \
    ssize_t went = call; \
    wrote(fd, start_at, went); \
    pthread_mutex_unlock(&lock); \
    return went

static off_t position(int fd, const struct stat *found)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_APPEND) ? found->st_size : lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t size) { NEXT(write); WRITING(fd, position(fd, &found), next(fd, data, size)); }
ssize_t writev(int fd, const struct iovec *v, int n) { NEXT(writev); WRITING(fd, position(fd, &found), next(fd, v, n)); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { NEXT(pwrite); WRITING(fd, at, next(fd, data, size, at)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { NEXT(pwrite64); WRITING(fd, at, next(fd, data, size, at)); }

int ftruncate64(int fd, off64_t size)
{
    pthread_mutex_lock(&lock);
    cut(fd, size);
    int result = (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd)
{
    struct stat found;
    char name[64], path[PATH_MAX];
    pthread_mutex_lock(&lock);
    struct file *file = find(fd, &found);
    if (file != NULL) {
        synced_file(fd, file, &found);
    } else if (running && fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t size = readlink(name, path, sizeof path - 1);
        if (size > 0) {
            path[size] = 0;
            if (watched(path)) synced_dir(path);
        }
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

int rename(const char *from, const char *to)
{
    pthread_mutex_lock(&lock);
    if (running && watched(to)) forget(to);
    int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path)
{
    pthread_mutex_lock(&lock);
    if (running && watched(path)) forget(path);
    int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_unlock(&lock);
    return result;
}
