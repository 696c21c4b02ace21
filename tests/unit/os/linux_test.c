/* SPDX-License-Identifier: Apache-2.0 */
/* What only Linux can be asked: full disks, closed pipes, signals, permissions, links, killed owners, files
 * that shrink under a mapping, CPU quotas. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/os/temporary_folder.h"

#include "os/aio.h"
#include "os/linux/cgroup_linux.h"
#include "os/linux/system_linux.h"
#include "os/memory.h"
#include "os/process.h"
#include "os/thread.h"

CM_TEST(linux_file, full_device_is_no_space)
{
    struct cm_error error = {0};
    struct cm_file *file;

    cm_check_eq(cm_file_open_device("/dev/full", &file, &error), CAPMILL_OK);
    cm_check_eq(cm_file_write(file, "x", 1, &error), CAPMILL_E_NO_SPACE);
    cm_check_str(
        error.text,
        "cannot write \"/dev/full\": no space left on the device; free some or choose another place");
    cm_check_eq(error.system_code, ENOSPC);
    cm_file_close(file);
}

CM_TEST(linux_file, null_device_takes_everything)
{
    struct cm_file_facts facts;
    struct cm_file *file;

    cm_check_eq(cm_file_open_device("/dev/null", &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_write(file, "x", 1, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_flush(file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_facts(file, &facts, NULL), CAPMILL_OK);
    cm_check_eq(facts.type, CM_FILE_DEVICE);
    cm_check_eq(cm_file_cached_percent(file), -1);
    cm_file_close(file);
}

CM_TEST(linux_output, devices_are_not_replaced)
{
    struct cm_output *output;
    struct stat facts;

    cm_check_eq(cm_output_create("/dev/null", true, &output, NULL), CAPMILL_E_USAGE);
    cm_check_eq(stat("/dev/null", &facts), 0);
    cm_check(S_ISCHR(facts.st_mode));
}

CM_TEST(linux_output, size_limit_is_a_status_and_leaves_nothing)
{
    struct rlimit before, limit;
    struct temporary_folder folder;
    struct cm_output *output;
    struct cm_error error = {0};
    _Atomic int stop = 0;
    char *bytes = calloc(1, 100000);

    temporary_open(&folder);
    cm_process_catch_stop(&stop); /* the signal that would end the process is ignored from here on */
    cm_check_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 65536;
    cm_check_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cm_check_eq(cm_output_create(temporary_path(&folder, "a"), false, &output, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_write(cm_output_file(output), bytes, 60000, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_write_at(cm_output_file(output), 60000, bytes, 40000, &error), CAPMILL_E_NO_SPACE);
    cm_check_eq(error.system_code, EFBIG);
    cm_check_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    cm_check_that(strstr(error.text, "ulimit -f") != NULL, "%s", error.text);
    cm_output_destroy(output);
    cm_check_eq(temporary_count(&folder), 0);
    temporary_close(&folder);
    free(bytes);
}

CM_TEST(linux_file, closed_pipe_is_a_status_and_no_signal)
{
    struct cm_error error = {0};
    struct cm_file *file;
    char path[64];
    sigset_t blocked;
    int ends[2];

    signal(SIGPIPE, SIG_DFL); /* a caller who never thought of it */
    cm_check_eq(pipe(ends), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
    cm_check_eq(cm_file_open_device(path, &file, NULL), CAPMILL_OK);
    close(ends[0]);
    cm_check_eq(cm_file_write(file, "x", 1, &error), CAPMILL_E_CLOSED);
    sigpending(&blocked);
    cm_check(!sigismember(&blocked, SIGPIPE));
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    cm_check(!sigismember(&blocked, SIGPIPE));
    cm_file_close(file);
    close(ends[1]);
}

struct pipe_writer {
    int fd;
    size_t n_bytes;
};

static void write_slowly(void *context)
{
    struct pipe_writer *writer = context;
    char bytes[1000];

    memset(bytes, 'w', sizeof(bytes));
    for (size_t done = 0; done < writer->n_bytes; done += sizeof(bytes))
        if (write(writer->fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
            break;
    close(writer->fd);
}

CM_TEST(linux_file, pipe_is_read_to_its_end_also_when_non_blocking)
{
    struct pipe_writer writer = {.n_bytes = 500000};
    struct cm_file_facts facts;
    struct cm_thread *thread;
    struct cm_file_map *map;
    const uint8_t *mapped;
    struct cm_file *file;
    size_t n, total = 0;
    char buffer[4096];
    int ends[2], before = dup(0);

    cm_check_eq(pipe(ends), 0);
    cm_check_eq(dup2(ends[0], 0), 0);
    close(ends[0]);
    fcntl(0, F_SETFL, O_NONBLOCK);
    cm_check_eq(cm_file_open_stdin(&file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_facts(file, &facts, NULL), CAPMILL_OK);
    cm_check_eq(facts.type, CM_FILE_PIPE);
    cm_check_eq(cm_file_map_open(file, &mapped, &n, &map, NULL), CAPMILL_E_UNSUPPORTED);
    cm_check(!cm_file_wait_readable(file, 20000000)); /* nothing yet */
    writer.fd = ends[1];
    cm_check_eq(cm_thread_start("writer", write_slowly, &writer, &thread, NULL), CAPMILL_OK);
    while (cm_file_read_some(file, buffer, sizeof(buffer), &n, NULL) == CAPMILL_OK) {
        cm_check(n > 0);
        total += n;
    }
    cm_check_eq(total, writer.n_bytes);
    cm_check(cm_file_wait_readable(file, UINT64_MAX)); /* the end is something to read */
    cm_thread_join(thread);
    cm_file_close(file);
    cm_check(fcntl(0, F_GETFD) >= 0); /* borrowed: still open */
    dup2(before, 0);
    close(before);
}

CM_TEST(linux_file, closed_standard_stream_is_named)
{
    struct cm_error error = {0};
    struct cm_file *file;
    int before = dup(0);

    close(0);
    cm_check_eq(cm_file_open_stdin(&file, &error), CAPMILL_E_IO);
    cm_check(strstr(error.text, "standard input is not open") != NULL);
    dup2(before, 0);
    close(before);
}

CM_TEST(linux_file, permission_denied_says_so)
{
    struct temporary_folder folder;
    struct cm_output *output;
    struct cm_error error = {0};
    struct cm_file *file;

    if (geteuid() == 0) {
        /* As nobody, who owns nothing here. The process is this test's own. */
        cm_check_eq(cm_file_open_read("/etc/shadow", 0, &file, NULL), CAPMILL_OK);
        cm_file_close(file);
        if (seteuid(65534) != 0)
            cm_skip("cannot give up the rights of root");
        cm_check_eq(cm_file_open_read("/etc/shadow", 0, &file, &error), CAPMILL_E_PERMISSION);
        cm_check_that(strstr(error.text, "permission denied") != NULL, "%s", error.text);
        memset(&error, 0, sizeof(error));
        cm_check_eq(cm_output_create("/etc/capmill-test", false, &output, &error), CAPMILL_E_PERMISSION);
        cm_check_eq(seteuid(0), 0);
        return;
    }
    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), "x", 1);
    chmod(temporary_path(&folder, "a"), 0);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), 0, &file, &error), CAPMILL_E_PERMISSION);
    temporary_close(&folder);
}

static mode_t mode_of(const char *path)
{
    struct stat facts;

    cm_check_eq(stat(path, &facts), 0);
    return facts.st_mode & 07777;
}

CM_TEST(linux_output, permissions_are_those_of_a_new_or_of_the_replaced_file)
{
    struct temporary_folder folder;
    struct cm_output *output;
    const char *path;
    mode_t before;

    temporary_open(&folder);
    path = temporary_path(&folder, "a");
    before = umask(027);
    temporary_write(path, "x", 1);
    cm_check_eq(mode_of(path), 0640);
    chmod(path, 0604);
    temporary_write(path, "y", 1);
    cm_check_eq(mode_of(path), 0604);
    /* A read-only one also after a rest. */
    chmod(path, 0444);
    cm_check_eq(cm_output_create(path, true, &output, NULL), CAPMILL_OK);
    cm_check_eq(cm_output_rest(output, NULL), CAPMILL_OK);
    cm_check_eq(cm_output_commit(output, true, NULL), CAPMILL_OK);
    cm_output_destroy(output);
    cm_check_eq(mode_of(path), 0444);
    umask(before);
    temporary_close(&folder);
}

CM_TEST(linux_output, target_of_a_link_is_replaced_and_the_link_stays)
{
    struct temporary_folder folder;
    struct stat facts;
    const char *path;

    temporary_open(&folder);
    cm_check_eq(cm_folder_create(temporary_path(&folder, "sub"), NULL), CAPMILL_OK);
    temporary_write(temporary_path(&folder, "sub/real"), "old", 3);
    cm_check_eq(symlink("sub/real", temporary_path(&folder, "one")), 0);
    cm_check_eq(symlink(temporary_path(&folder, "one"), temporary_path(&folder, "two")), 0);
    path = temporary_path(&folder, "two");
    temporary_write(path, "new", 3);
    cm_check_eq(lstat(path, &facts), 0);
    cm_check(S_ISLNK(facts.st_mode));
    cm_check(temporary_holds(temporary_path(&folder, "sub/real"), "new"));
    /* A dangling link: what it names is created. */
    cm_check_eq(symlink("sub/fresh", temporary_path(&folder, "three")), 0);
    temporary_write(temporary_path(&folder, "three"), "made", 4);
    cm_check(temporary_holds(temporary_path(&folder, "sub/fresh"), "made"));
    /* A circle ends. */
    struct cm_output *output;
    cm_check_eq(symlink("circle", temporary_path(&folder, "circle")), 0);
    cm_check_eq(cm_output_create(temporary_path(&folder, "circle"), true, &output, NULL), CAPMILL_E_USAGE);

    unlink(temporary_path(&folder, "sub/real"));
    unlink(temporary_path(&folder, "sub/fresh"));
    rmdir(temporary_path(&folder, "sub"));
    temporary_close(&folder);
}

/* A process that makes an output, says so and then dies or waits. */
static pid_t start_owner(const char *path, int *alive_ret, bool dies)
{
    int ready[2], hold[2];
    char byte = 0;
    pid_t child;

    cm_check_eq(pipe(ready), 0);
    cm_check_eq(pipe(hold), 0);
    child = fork();
    if (child == 0) {
        struct cm_output *output;

        close(hold[1]);
        if (cm_output_create(path, true, &output, NULL) != CAPMILL_OK)
            _exit(1);
        byte = (char)(write(ready[1], "r", 1) == 1);
        if (!dies)
            byte = (char)read(hold[0], &byte, 1);
        _exit(0); /* without destroying it, as if killed */
    }
    close(ready[1]);
    close(hold[0]);
    cm_check_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *alive_ret = hold[1];
    return child;
}

CM_TEST(linux_output, debris_of_the_dead_is_removed_and_of_the_living_kept)
{
    struct temporary_folder folder;
    int hold_dead, hold_alive, code;
    struct cm_output *output;
    pid_t dead, alive;
    const char *path;

    temporary_open(&folder);
    path = temporary_path(&folder, "out.pcap");
    dead = start_owner(path, &hold_dead, true);
    /* Not yet waited for: it is a zombie, which must count as dead. Its end may take a moment. */
    siginfo_t info;
    cm_check_eq(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT), 0);
    cm_check_eq(temporary_count(&folder), 1);
    alive = start_owner(path, &hold_alive, false); /* sweeps the dead one's */
    cm_check_eq(temporary_count(&folder), 1);
    cm_check_eq(cm_output_create(path, true, &output, NULL), CAPMILL_OK);
    cm_check_eq(temporary_count(&folder), 2); /* the living one's and ours */
    cm_output_destroy(output);
    cm_check_eq(temporary_count(&folder), 1);
    close(hold_alive);
    waitpid(dead, &code, 0);
    waitpid(alive, &code, 0);
    cm_check_eq(cm_output_create(path, true, &output, NULL), CAPMILL_OK);
    cm_output_destroy(output);
    cm_check_eq(temporary_count(&folder), 0);
    close(hold_dead);
    temporary_close(&folder);
}

CM_TEST(linux_output, lock_keeps_debris_of_an_owner_we_cannot_see)
{
    /* A number that no process of this machine has, as of a container or of a file server's other client. */
    static const char name[] = ".a.capmill-7ffffff0-1-2.tmp";
    struct temporary_folder folder;
    struct cm_output *output;
    int fd;

    temporary_open(&folder);
    fd = open(temporary_path(&folder, name), O_RDWR | O_CREAT, 0600);
    cm_check_eq(flock(fd, LOCK_EX), 0);
    cm_check_eq(cm_output_create(temporary_path(&folder, "a"), true, &output, NULL), CAPMILL_OK);
    cm_output_destroy(output);
    cm_check_eq(temporary_count(&folder), 1);
    close(fd);
    cm_check_eq(cm_output_create(temporary_path(&folder, "a"), true, &output, NULL), CAPMILL_OK);
    cm_output_destroy(output);
    cm_check_eq(temporary_count(&folder), 0);
    temporary_close(&folder);
}

struct map_reader {
    const uint8_t *bytes;
    size_t n;
    uint64_t sum;
};

static void sum_map(void *context)
{
    struct map_reader *reader = context;

    for (size_t i = 0; i < reader->n; i += 64)
        reader->sum += reader->bytes[i];
}

CM_TEST(linux_map, shrinking_file_reads_as_zeros_and_is_noticed)
{
    enum { n_bytes = 1 << 20, kept_bytes = 100000 };
    struct temporary_folder folder;
    unsigned char *bytes = malloc(n_bytes);
    struct map_reader reader = {0};
    struct cm_thread *thread;
    struct cm_file_map *map, *sound;
    const uint8_t *mapped, *sound_bytes;
    struct cm_file *file;
    size_t n;

    memset(bytes, 1, n_bytes);
    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, n_bytes);
    temporary_write(temporary_path(&folder, "b"), bytes, n_bytes);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "b"), 0, &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_map_open(file, &sound_bytes, &n, &sound, NULL), CAPMILL_OK);
    cm_file_close(file);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), 0, &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_map_open(file, &mapped, &n, &map, NULL), CAPMILL_OK);
    cm_file_close(file);
    cm_check(!cm_file_map_broken(map));
    cm_check_eq(truncate(temporary_path(&folder, "a"), kept_bytes), 0);
    /* Also on a thread of ours, which has other signals blocked. */
    reader.bytes = mapped;
    reader.n = n;
    cm_check_eq(cm_thread_start("reader", sum_map, &reader, &thread, NULL), CAPMILL_OK);
    cm_thread_join(thread);
    cm_check_eq(reader.sum, (kept_bytes + 63) / 64);
    cm_check_eq(mapped[0], 1);
    cm_check_eq(mapped[kept_bytes - 1], 1);
    cm_check_eq(mapped[n_bytes - 1], 0);
    cm_check(cm_file_map_broken(map));
    cm_check(!cm_file_map_broken(sound));
    cm_check_eq(sound_bytes[n_bytes - 1], 1);
    cm_file_map_close(map);
    cm_file_map_close(sound);
    temporary_close(&folder);
    free(bytes);
}

CM_TEST(linux_map, loss_within_the_last_page_is_noticed)
{
    struct temporary_folder folder;
    struct cm_file_map *map;
    const uint8_t *mapped;
    struct cm_file *file;
    size_t n;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), "abcdefgh", 8);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), 0, &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_map_open(file, &mapped, &n, &map, NULL), CAPMILL_OK);
    cm_check_eq(truncate(temporary_path(&folder, "a"), 3), 0);
    cm_check_eq(mapped[4], 0);
    cm_check(cm_file_map_broken(map));
    cm_file_map_close(map);
    cm_file_close(file);
    temporary_close(&folder);
}

CM_TEST(linux_map, more_mappings_than_a_block_of_slots)
{
    enum { n_maps = 200 };
    struct cm_file_map *maps[n_maps];
    struct temporary_folder folder;
    const uint8_t *mapped[n_maps];
    struct cm_file *file;
    char *bytes = calloc(1, 3 * 4096);
    size_t n;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, 3 * 4096);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), 0, &file, NULL), CAPMILL_OK);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < n_maps; i++)
            cm_check_eq(cm_file_map_open(file, &mapped[i], &n, &maps[i], NULL), CAPMILL_OK);
        if (round == 1) {
            cm_check_eq(truncate(temporary_path(&folder, "a"), 1), 0);
            for (int i = 0; i < n_maps; i++)
                cm_check_eq(mapped[i][2 * 4096], 0);
        }
        for (int i = 0; i < n_maps; i++) {
            cm_check_eq(cm_file_map_broken(maps[i]), round == 1);
            cm_file_map_close(maps[i]);
        }
    }
    cm_file_close(file);
    temporary_close(&folder);
    free(bytes);
}

/* A bus error that is not ours still ends the process, or reaches who was there before. */
CM_TEST(linux_map, foreign_bus_error_is_not_swallowed)
{
    struct temporary_folder folder;
    int status;
    pid_t child;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), "x", 1);
    child = fork();
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        struct cm_file_map *map;
        const uint8_t *mapped;
        struct cm_file *file;
        size_t n;

        signal(SIGBUS, SIG_DFL);
        setrlimit(RLIMIT_CORE, &no_core);
        if (cm_file_open_read(temporary_path(&folder, "a"), 0, &file, NULL) != CAPMILL_OK ||
            cm_file_map_open(file, &mapped, &n, &map, NULL) != CAPMILL_OK)
            _exit(1);
        raise(SIGBUS);
        raise(SIGBUS);
        _exit(2);
    }
    cm_check_eq(waitpid(child, &status, 0), child);
    cm_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    temporary_close(&folder);
}

CM_TEST(linux_file, cached_share_is_told_without_reading)
{
    enum { n_bytes = 8 << 20 };
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(n_bytes);
    struct cm_file *file;
    size_t n;
    int fd;

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, n_bytes);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), 0, &file, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_cached_percent(file), 100);
    fd = open(temporary_path(&folder, "a"), O_RDONLY);
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    int cold = cm_file_cached_percent(file);
    if (cold == 100) {
        cm_file_close(file);
        temporary_close(&folder);
        free(bytes);
        cm_skip("this file system keeps everything in memory");
    }
    cm_check_that(cold >= 0 && cold < 10, "%d", cold);
    cm_check_eq(cm_file_cached_percent(file), cold); /* asking brought nothing in */
    cm_check_eq(cm_file_read_at(file, 0, bytes, n_bytes, &n, NULL), CAPMILL_OK);
    cm_check_eq(cm_file_cached_percent(file), 100);
    cm_file_close(file);
    temporary_close(&folder);
    free(bytes);
}

static void raise_twice(int first, int second)
{
    struct rlimit no_core = {0, 0};
    _Atomic int stop = 0;

    setrlimit(RLIMIT_CORE, &no_core);
    cm_process_catch_stop(&stop);
    raise(first);
    if (stop != first)
        _exit(1);
    if (second == 0)
        _exit(42);
    raise(second);
    _exit(2);
}

CM_TEST(linux_process, first_signal_sets_the_flag_second_ends)
{
    static const int rows[][3] = {{SIGINT, 0, 0},
                                  {SIGTERM, 0, 0},
                                  {SIGINT, SIGINT, SIGINT},
                                  {SIGINT, SIGTERM, SIGTERM},
                                  {SIGTERM, SIGINT, SIGINT}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status;
        pid_t child = fork();

        if (child == 0)
            raise_twice(rows[i][0], rows[i][1]);
        cm_check_eq(waitpid(child, &status, 0), child);
        if (rows[i][1] == 0)
            cm_check(WIFEXITED(status) && WEXITSTATUS(status) == 42);
        else
            cm_check(WIFSIGNALED(status) && WTERMSIG(status) == rows[i][2]);
    }
}

struct mask_seen {
    sigset_t mask;
};

static void look_at_mask(void *context)
{
    pthread_sigmask(SIG_SETMASK, NULL, &((struct mask_seen *)context)->mask);
}

CM_TEST(linux_thread, signals_stay_with_the_main_thread_but_faults_do_not)
{
    struct mask_seen seen;
    struct cm_thread *thread;
    sigset_t own;

    cm_check_eq(cm_thread_start("mask", look_at_mask, &seen, &thread, NULL), CAPMILL_OK);
    cm_thread_join(thread);
    cm_check(sigismember(&seen.mask, SIGINT) && sigismember(&seen.mask, SIGTERM) &&
             sigismember(&seen.mask, SIGALRM));
    cm_check(!sigismember(&seen.mask, SIGBUS) && !sigismember(&seen.mask, SIGSEGV));
    pthread_sigmask(SIG_SETMASK, NULL, &own);
    cm_check(!sigismember(&own, SIGINT));
}

CM_TEST(linux_thread, affinity_limits_the_cpus)
{
    cpu_set_t all, one;

    cm_check_eq(sched_getaffinity(0, sizeof(all), &all), 0);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, &one);
            break;
        }
    }
    cm_check_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    cm_check_eq(cm_cpu_count(), 1);
    cm_check_eq(sched_setaffinity(0, sizeof(all), &all), 0);
    cm_check((int)cm_cpu_count() <= CPU_COUNT(&all));
}

/* Without the right to lock memory the buffers cannot be registered; reads must work all the same. */
CM_TEST(linux_aio, reads_without_the_right_to_lock_memory)
{
    enum { n_bytes = 4 << 20 };
    struct temporary_folder folder;
    unsigned char *bytes = temporary_pattern(n_bytes), *buffers = cm_memory_map(n_bytes);
    struct rlimit before, limit;
    struct cm_aio_done done;
    struct cm_file *file;
    struct cm_aio *aio = NULL;
    enum capmill_status status;

    if (!cm_aio_available(CM_AIO_URING))
        cm_skip("no io_uring here");
    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), bytes, n_bytes);
    cm_check_eq(cm_file_open_read(temporary_path(&folder, "a"), 0, &file, NULL), CAPMILL_OK);
    cm_check_eq(getrlimit(RLIMIT_MEMLOCK, &before), 0);
    limit = before;
    limit.rlim_cur = 65536;
    cm_check_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (geteuid() == 0)
        cm_check_eq(seteuid(65534), 0);
    status = cm_aio_open(CM_AIO_URING, 4, buffers, n_bytes, &aio, NULL);
    if (getuid() == 0)
        cm_check_eq(seteuid(0), 0);
    setrlimit(RLIMIT_MEMLOCK, &before);
    if (status < 0) { /* before Linux 5.12 the rings themselves count */
        cm_file_close(file);
        temporary_close(&folder);
        cm_skip("this kernel counts the rings as locked memory");
    }
    for (size_t at = 0; at < n_bytes; at += n_bytes / 4)
        cm_check_eq(cm_aio_read(aio, file, at, buffers + at, n_bytes / 4, at, NULL), CAPMILL_OK);
    for (int i = 0; i < 4; i++) {
        cm_check_eq(cm_aio_wait(aio, &done, 1), 1);
        cm_check(done.system_code == 0 && done.n_bytes == n_bytes / 4);
    }
    cm_check_mem(buffers, bytes, n_bytes);
    cm_aio_close(aio);
    cm_file_close(file);
    cm_memory_unmap(buffers, n_bytes);
    free(bytes);
    temporary_close(&folder);
}

static void write_later(void *context)
{
    const int *fd = context;

    usleep(50000);
    cm_check_eq(write(*fd, "late", 4), 4);
}

/* The call that waits for results fails from now on: what is on its way is still written, so no buffer may be
 * handed back before. */
CM_TEST(linux_aio, buffers_stay_taken_until_nothing_writes_to_them)
{
    struct cm_aio_done done;
    struct cm_file *file;
    struct cm_aio *aio;
    struct cm_thread *writer;
    char buffer[4] = "....";
    char name[64], what[64] = "";
    int ends[2], ring, kept, null;

    if (!cm_aio_available(CM_AIO_URING))
        cm_skip("no io_uring here");
    cm_check_eq(pipe(ends), 0);
    cm_check_eq(cm_file_wrap(dup(ends[0]), "a pipe", &file, NULL), CAPMILL_OK);
    null = open("/dev/null", O_RDWR);
    ring = dup(null); /* the number that the ring will get */
    close(ring);
    cm_check_eq(cm_aio_open(CM_AIO_URING, 4, NULL, 0, &aio, NULL), CAPMILL_OK);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", ring);
    cm_check(readlink(name, what, sizeof(what) - 1) > 0);
    cm_check_str(what, "anon_inode:[io_uring]");
    cm_check_eq(cm_aio_read(aio, file, 0, buffer, sizeof(buffer), 7, NULL), CAPMILL_OK);
    kept = dup(ring); /* so that the ring itself lives on */
    cm_check_eq(dup2(null, ring), ring);
    cm_check_eq(cm_thread_start("late", write_later, &ends[1], &writer, NULL), CAPMILL_OK);
    cm_check_eq(cm_aio_wait(aio, &done, 1), 1);
    cm_check_mem(buffer, "late", 4);
    cm_check_eq(done.tag, 7);
    cm_check(done.system_code != 0);
    cm_check_eq(cm_aio_wait(aio, &done, 1), 0);
    cm_check(cm_aio_read(aio, file, 0, buffer, sizeof(buffer), 8, NULL) < 0);
    cm_thread_join(writer);
    cm_aio_close(aio);
    close(kept);
    close(null);
    close(ends[0]);
    close(ends[1]);
    cm_file_close(file);
}

CM_TEST(linux_aio, failed_reads_report_their_code)
{
    static const enum cm_aio_engine engines[] = {CM_AIO_URING, CM_AIO_THREADS};
    struct temporary_folder folder;
    char buffer[64];

    temporary_open(&folder);
    temporary_write(temporary_path(&folder, "a"), "x", 1);
    for (size_t i = 0; i < 2; i++) {
        struct cm_aio_done done;
        struct cm_file *file;
        struct cm_aio *aio;

        if (!cm_aio_available(engines[i]))
            continue;
        cm_check_eq(cm_aio_open(engines[i], 2, NULL, 0, &aio, NULL), CAPMILL_OK);
        /* Open for writing only: every read of it fails. */
        cm_check_eq(cm_file_open_device(temporary_path(&folder, "a"), &file, NULL), CAPMILL_OK);
        cm_check_eq(cm_aio_read(aio, file, 0, buffer, sizeof(buffer), 9, NULL), CAPMILL_OK);
        cm_check_eq(cm_aio_wait(aio, &done, 1), 1);
        cm_check(done.tag == 9 && done.n_bytes == 0);
        cm_check_eq(done.system_code, EBADF);
        cm_file_close(file);
        cm_aio_close(aio);
    }
    temporary_close(&folder);
}

/* A made-up /proc/self and groups, in files of one folder. */
static void put(struct temporary_folder *folder, const char *name, const char *text)
{
    FILE *file = fopen(temporary_path(folder, name), "w");

    cm_check(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void put_mounts(struct temporary_folder *folder, const char *text_of_own, const char *root,
                       const char *kind)
{
    char line[2048], escaped[1024];
    size_t n = 0;

    for (const char *at = folder->path; *at != 0; at++) {
        if (*at == ' ')
            n += (size_t)snprintf(escaped + n, sizeof(escaped) - n, "\\040");
        else
            escaped[n++] = *at;
    }
    escaped[n] = 0;
    snprintf(line, sizeof(line),
             "31 23 0:28 / /elsewhere rw - tmpfs tmpfs rw\n32 31 0:29 %s %s/m rw,nosuid shared:4 - %s\n",
             root, escaped, kind);
    put(folder, "mountinfo", line);
    put(folder, "cgroup", text_of_own);
}

static void make_groups(struct temporary_folder *folder)
{
    static const char *const folders[] = {"m", "m/a", "m/a/b"};

    for (size_t i = 0; i < 3; i++)
        cm_check_eq(cm_folder_create(temporary_path(folder, folders[i]), NULL), CAPMILL_OK);
}

static void remove_groups(struct temporary_folder *folder)
{
    static const char *const entries[] = {"m/a/b/cpu.max",
                                          "m/a/cpu.max",
                                          "m/a/b/memory.max",
                                          "m/a/b/memory.current",
                                          "m/a/b/memory.stat",
                                          "m/a/memory.max",
                                          "m/a/memory.current",
                                          "m/cpu.cfs_quota_us",
                                          "m/cpu.cfs_period_us",
                                          "m/memory.limit_in_bytes",
                                          "m/memory.usage_in_bytes",
                                          "m/memory.stat",
                                          "m/a/b",
                                          "m/a",
                                          "m"};

    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        remove(temporary_path(folder, entries[i]));
    temporary_close(folder);
}

CM_TEST(linux_cgroup, version_2_walks_up_to_the_strictest_parent)
{
    struct temporary_folder folder;

    temporary_open(&folder);
    make_groups(&folder);
    put_mounts(&folder, "0::/a/b\n", "/", "cgroup2 cgroup2 rw");
    cm_check_eq(cm_cgroup_cpu_limit(folder.path), UINT_MAX);
    cm_check(cm_cgroup_memory_available(folder.path) == UINT64_MAX);
    put(&folder, "m/a/b/cpu.max", "max 100000\n");
    put(&folder, "m/a/cpu.max", "250000 100000\n");
    cm_check_eq(cm_cgroup_cpu_limit(folder.path), 3);
    put(&folder, "m/a/b/cpu.max", "1000 100000\n");
    cm_check_eq(cm_cgroup_cpu_limit(folder.path), 1);
    put(&folder, "m/a/b/memory.max", "max\n");
    put(&folder, "m/a/memory.max", "1000000\n");
    put(&folder, "m/a/memory.current", "600000\n");
    cm_check_eq(cm_cgroup_memory_available(folder.path), 400000);
    put(&folder, "m/a/b/memory.max", "500000\n");
    put(&folder, "m/a/b/memory.current", "450000\n");
    put(&folder, "m/a/b/memory.stat", "anon 5\ninactive_file 200000\nactive_file 7\n");
    cm_check_eq(cm_cgroup_memory_available(folder.path), 250000);
    put(&folder, "m/a/b/memory.current", "900000\n");
    cm_check_eq(cm_cgroup_memory_available(folder.path), 0);
    remove_groups(&folder);
}

CM_TEST(linux_cgroup, version_1_and_a_container_that_sees_its_own_part)
{
    struct temporary_folder folder;

    temporary_open(&folder);
    make_groups(&folder);
    put_mounts(&folder, "5:cpuset:/\n4:cpu,cpuacct:/docker/x\n", "/docker/x", "cgroup cgroup rw,cpu,cpuacct");
    put(&folder, "m/cpu.cfs_quota_us", "-1\n");
    put(&folder, "m/cpu.cfs_period_us", "100000\n");
    cm_check_eq(cm_cgroup_cpu_limit(folder.path), UINT_MAX);
    put(&folder, "m/cpu.cfs_quota_us", "200000\n");
    cm_check_eq(cm_cgroup_cpu_limit(folder.path), 2);
    cm_check(cm_cgroup_memory_available(folder.path) == UINT64_MAX); /* cpu,cpuacct is not memory */
    put_mounts(&folder, "7:memory:/gone/and/away\n", "/", "cgroup cgroup rw,memory");
    put(&folder, "m/memory.limit_in_bytes", "9223372036854771712\n");
    put(&folder, "m/memory.usage_in_bytes", "5\n");
    cm_check(cm_cgroup_memory_available(folder.path) == UINT64_MAX);
    put(&folder, "m/memory.limit_in_bytes", "1000\n");
    put(&folder, "m/memory.stat", "total_inactive_file 2\n");
    cm_check_eq(cm_cgroup_memory_available(folder.path), 997);
    cm_check_eq(cm_cgroup_cpu_limit("/no such folder"), UINT_MAX);
    remove_groups(&folder);
}
