/* Kills its own process (SIGKILL) at one exact call: just before it, or just after it returned.
 *
 * LAWGATE_KILL = "ARM:N,OPERATION:SIDE:M": after the N-th ARM the M-th OPERATION is the end. "ARM:N," may
 * be left out. SIDE is before or after. Operations:
 *   journal-write, journal-sync   a write to, or a sync of, the WAL of a node's journal
 *   store-write, store-sync       the same for any file below /evidence/ or /keys/, also renames
 *   upstream-send, upstream-recv  bytes to, or from, the port LAWGATE_UPSTREAM_PORT
 *   client-send, client-recv      bytes to, or from, any other TCP peer
 *
 * Linux only: a descriptor's path is read from /proc/self/fd.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) \
    static __typeof__(name) *next; \
    if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

enum kind { WRITE, SYNC, SEND, RECV };

static char arm[32], operation[32];
static int after;
static atomic_int arm_left, left;
static int upstream_port;

__attribute__((constructor)) static void start(void)
{
    char text[128], side[16] = "";
    const char *spec = getenv("LAWGATE_KILL"), *port = getenv("LAWGATE_UPSTREAM_PORT");
    int n = 0, m = 0;
    if (spec == NULL || strlen(spec) >= sizeof text) return;
    strcpy(text, spec);
    upstream_port = port ? atoi(port) : 0;
    char *comma = strchr(text, ',');
    char *point = text;
    if (comma != NULL) {
        *comma = 0;
        point = comma + 1;
        sscanf(text, "%31[^:]:%d", arm, &n);
    }
    if (sscanf(point, "%31[^:]:%15[^:]:%d", operation, side, &m) != 3) return;
    after = strcmp(side, "after") == 0;
    arm_left = n;
    left = m;
}

static int is(const char *wanted, const char *found, const char *also)
{
    return strcmp(wanted, found) == 0 || (also != NULL && strcmp(wanted, also) == 0);
}

/* Counts one call; true when this is the one. */
static int counts(const char *found, const char *also)
{
    if (left <= 0) return 0;
    if (arm_left > 0) {
        if (is(arm, found, also)) atomic_fetch_sub(&arm_left, 1);
        return 0;
    }
    return is(operation, found, also) && atomic_fetch_sub(&left, 1) == 1;
}

static void end(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

static int file_counts(const char *path, enum kind kind)
{
    if (strstr(path, "/evidence/") == NULL && strstr(path, "/keys/") == NULL) return 0;
    if (strstr(path, "-shm") != NULL) return 0;
    const char *store = kind == SYNC ? "store-sync" : "store-write";
    const char *journal = kind == SYNC ? "journal-sync" : "journal-write";
    int in_journal = strstr(path, "/journal/") != NULL && strstr(path, "-wal") != NULL;
    return counts(store, in_journal ? journal : NULL);
}

static int counts_descriptor(int fd, enum kind kind)
{
    if (left <= 0) return 0;
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    if (kind != SYNC && getpeername(fd, (struct sockaddr *)&peer, &size) == 0) {
        if (peer.ss_family != AF_INET) return 0;
        int upstream = ntohs(((struct sockaddr_in *)&peer)->sin_port) == upstream_port;
        if (kind == RECV) return counts(upstream ? "upstream-recv" : "client-recv", NULL);
        return counts(upstream ? "upstream-send" : "client-send", NULL);
    }
    if (kind == RECV) return 0;
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return file_counts(path, kind);
}

#define WRAP(kind, fd, call) \
    int hit = counts_descriptor(fd, kind); \
    if (hit && !after) end(); \
    __typeof__(call) result = call; \
    if (hit) end(); \
    return result

ssize_t write(int fd, const void *data, size_t size) { NEXT(write); WRAP(WRITE, fd, next(fd, data, size)); }
ssize_t writev(int fd, const struct iovec *v, int n) { NEXT(writev); WRAP(WRITE, fd, next(fd, v, n)); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { NEXT(pwrite); WRAP(WRITE, fd, next(fd, data, size, at)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { NEXT(pwrite64); WRAP(WRITE, fd, next(fd, data, size, at)); }
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) { NEXT(sendmsg); WRAP(SEND, fd, next(fd, message, flags)); }
ssize_t send(int fd, const void *data, size_t size, int flags) { NEXT(send); WRAP(SEND, fd, next(fd, data, size, flags)); }
int fsync(int fd) { NEXT(fsync); WRAP(SYNC, fd, next(fd)); }
int fdatasync(int fd) { NEXT(fdatasync); WRAP(SYNC, fd, next(fd)); }

int rename(const char *from, const char *to)
{
    NEXT(rename);
    int hit = left > 0 && file_counts(to, WRITE);
    if (hit && !after) end();
    int result = next(from, to);
    if (hit) end();
    return result;
}

/* Only bytes that came count: "nothing yet" is no event. */
ssize_t read(int fd, void *data, size_t size)
{
    NEXT(read);
    ssize_t got = next(fd, data, size);
    if (got > 0 && counts_descriptor(fd, RECV)) end();
    return got;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    NEXT(recvmsg);
    ssize_t got = next(fd, message, flags);
    if (got > 0 && counts_descriptor(fd, RECV)) end();
    return got;
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    NEXT(recv);
    ssize_t got = next(fd, data, size, flags);
    if (got > 0 && counts_descriptor(fd, RECV)) end();
    return got;
}
