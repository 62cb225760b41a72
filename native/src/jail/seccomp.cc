#include "jail/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/error.h"

namespace {

#if defined(__x86_64__)
constexpr uint32_t kArch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArch = AUDIT_ARCH_AARCH64;
#else
#error "no system call filter for this architecture"
#endif

// What any program may call: Docker's default list without what only serves tracing, kernel keys, handles,
// clocks, and 16-bit programs. A call that is not here, nor has a rule of its own below, fails with EPERM.
constexpr auto kAllowed = std::to_array<uint32_t>({
  __NR_accept, __NR_accept4, __NR_bind, __NR_brk, __NR_capget, __NR_capset, __NR_chdir, __NR_clock_getres,
      __NR_clock_gettime, __NR_clock_nanosleep, __NR_close, __NR_close_range, __NR_connect,
      __NR_copy_file_range, __NR_dup, __NR_dup3, __NR_epoll_create1, __NR_epoll_ctl, __NR_epoll_pwait,
      __NR_epoll_pwait2, __NR_eventfd2, __NR_execve, __NR_execveat, __NR_exit, __NR_exit_group,
      __NR_faccessat, __NR_faccessat2, __NR_fadvise64, __NR_fallocate, __NR_fchdir, __NR_fchmod,
      __NR_fchmodat, __NR_fchown, __NR_fchownat, __NR_fcntl, __NR_fdatasync, __NR_fgetxattr, __NR_flistxattr,
      __NR_flock, __NR_fremovexattr, __NR_fsetxattr, __NR_fstat, __NR_fstatfs, __NR_fsync, __NR_ftruncate,
      __NR_futex, __NR_futex_waitv, __NR_get_robust_list, __NR_getcpu, __NR_getcwd, __NR_getdents64,
      __NR_getegid, __NR_geteuid, __NR_getgid, __NR_getgroups, __NR_getitimer, __NR_getpeername, __NR_getpgid,
      __NR_getpid, __NR_getppid, __NR_getpriority, __NR_getrandom, __NR_getresgid, __NR_getresuid,
      __NR_getrlimit, __NR_getrusage, __NR_getsid, __NR_getsockname, __NR_getsockopt, __NR_gettid,
      __NR_gettimeofday, __NR_getuid, __NR_getxattr, __NR_inotify_add_watch, __NR_inotify_init1,
      __NR_inotify_rm_watch, __NR_io_cancel, __NR_io_destroy, __NR_io_getevents, __NR_io_pgetevents,
      __NR_io_setup, __NR_io_submit, __NR_ioprio_get, __NR_ioprio_set, __NR_kill, __NR_landlock_add_rule,
      __NR_landlock_create_ruleset, __NR_landlock_restrict_self, __NR_lgetxattr, __NR_linkat, __NR_listen,
      __NR_listxattr, __NR_llistxattr, __NR_lremovexattr, __NR_lseek, __NR_lsetxattr, __NR_madvise,
      __NR_membarrier, __NR_memfd_create, __NR_memfd_secret, __NR_mincore, __NR_mkdirat, __NR_mknodat,
      __NR_mlock, __NR_mlock2, __NR_mlockall, __NR_mmap, __NR_mprotect, __NR_mq_getsetattr, __NR_mq_notify,
      __NR_mq_open, __NR_mq_timedreceive, __NR_mq_timedsend, __NR_mq_unlink, __NR_mremap, __NR_msgctl,
      __NR_msgget, __NR_msgrcv, __NR_msgsnd, __NR_msync, __NR_munlock, __NR_munlockall, __NR_munmap,
      __NR_nanosleep, __NR_newfstatat, __NR_openat, __NR_openat2, __NR_pidfd_open, __NR_pidfd_send_signal,
      __NR_pipe2, __NR_pkey_alloc, __NR_pkey_free, __NR_pkey_mprotect, __NR_ppoll, __NR_prctl, __NR_pread64,
      __NR_preadv, __NR_preadv2, __NR_prlimit64, __NR_process_madvise, __NR_process_mrelease, __NR_pselect6,
      __NR_pwrite64, __NR_pwritev, __NR_pwritev2, __NR_read, __NR_readahead, __NR_readlinkat, __NR_readv,
      __NR_recvfrom, __NR_recvmmsg, __NR_recvmsg, __NR_remap_file_pages, __NR_removexattr, __NR_renameat,
      __NR_renameat2, __NR_restart_syscall, __NR_rseq, __NR_rt_sigaction, __NR_rt_sigpending,
      __NR_rt_sigprocmask, __NR_rt_sigqueueinfo, __NR_rt_sigreturn, __NR_rt_sigsuspend, __NR_rt_sigtimedwait,
      __NR_rt_tgsigqueueinfo, __NR_sched_get_priority_max, __NR_sched_get_priority_min,
      __NR_sched_getaffinity, __NR_sched_getattr, __NR_sched_getparam, __NR_sched_getscheduler,
      __NR_sched_rr_get_interval, __NR_sched_setaffinity, __NR_sched_setattr, __NR_sched_setparam,
      __NR_sched_setscheduler, __NR_sched_yield, __NR_seccomp, __NR_semctl, __NR_semget, __NR_semop,
      __NR_semtimedop, __NR_sendfile, __NR_sendmmsg, __NR_sendmsg, __NR_sendto, __NR_set_robust_list,
      __NR_set_tid_address, __NR_setfsgid, __NR_setfsuid, __NR_setgid, __NR_setgroups, __NR_setitimer,
      __NR_setpgid, __NR_setpriority, __NR_setregid, __NR_setresgid, __NR_setresuid, __NR_setreuid,
      __NR_setrlimit, __NR_setsid, __NR_setsockopt, __NR_setuid, __NR_setxattr, __NR_shmat, __NR_shmctl,
      __NR_shmdt, __NR_shmget, __NR_shutdown, __NR_sigaltstack, __NR_signalfd4, __NR_socketpair, __NR_splice,
      __NR_statfs, __NR_statx, __NR_symlinkat, __NR_sync, __NR_sync_file_range, __NR_syncfs, __NR_sysinfo,
      __NR_tee, __NR_tgkill, __NR_timer_create, __NR_timer_delete, __NR_timer_getoverrun, __NR_timer_gettime,
      __NR_timer_settime, __NR_timerfd_create, __NR_timerfd_gettime, __NR_timerfd_settime, __NR_times,
      __NR_tkill, __NR_truncate, __NR_umask, __NR_uname, __NR_unlinkat, __NR_utimensat, __NR_vmsplice,
      __NR_wait4, __NR_waitid, __NR_write, __NR_writev,
#if defined(__x86_64__)
      __NR_access, __NR_alarm, __NR_arch_prctl, __NR_chmod, __NR_chown, __NR_creat, __NR_dup2,
      __NR_epoll_create, __NR_epoll_wait, __NR_eventfd, __NR_fork, __NR_futimesat, __NR_getdents,
      __NR_getpgrp, __NR_inotify_init, __NR_lchown, __NR_link, __NR_lstat, __NR_mkdir, __NR_mknod, __NR_open,
      __NR_pause, __NR_pipe, __NR_poll, __NR_readlink, __NR_rename, __NR_rmdir, __NR_select, __NR_signalfd,
      __NR_stat, __NR_symlink, __NR_time, __NR_unlink, __NR_utime, __NR_utimes, __NR_vfork,
#endif
      // Younger than the oldest kernel headers that we build with; these numbers are the same everywhere.
      451 /* cachestat */, 452 /* fchmodat2 */, 453 /* map_shadow_stack */, 454 /* futex_wake */,
      455 /* futex_wait */, 456 /* futex_requeue */, 462 /* mseal */, 463 /* setxattrat */,
      464 /* getxattrat */, 465 /* listxattrat */, 466 /* removexattrat */
});

// Calls that are younger than this filter do not exist for a program: it then falls back to an older one.
constexpr uint32_t kNewestKnown = 466;

constexpr uint32_t kNewNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr auto kSocketFamilies = std::to_array<uint32_t>({AF_UNIX, AF_INET, AF_INET6, AF_NETLINK});
// Linux itself, with or without a fixed address layout, 32-bit utsname; and asking for the current one.
constexpr auto kPersonalities = std::to_array<uint32_t>({0, 0x8, 0x20000, 0x40000, 0x20008, 0xffffffff});
// These type into a terminal, or into that of another process.
constexpr auto kForbiddenIoctls = std::to_array<uint32_t>({TIOCSTI, TIOCLINUX});

struct Range {
  uint32_t first, last;
};

class Program {
 public:
  constexpr Program() {
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ, kArch, 1, 0);
    result(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
    constexpr uint32_t kX32 = 0x40000000;
    add(BPF_JMP | BPF_JGE, kX32, 0, 1);
    result(SECCOMP_RET_KILL_PROCESS);
#endif
    // Its flags are behind a pointer, which a filter cannot read: the C library falls back to clone.
    add(BPF_JMP | BPF_JEQ, __NR_clone3, 0, 1);
    result(kNoSuchCall);
    add(BPF_JMP | BPF_JGT, kNewestKnown, 0, 1);
    result(kNoSuchCall);

    add(BPF_JMP | BPF_JEQ, __NR_clone, 0, 4);
    load(argument(0));
    add(BPF_JMP | BPF_JSET, kNewNamespaces, 0, 1);
    result(kRefused);
    result(SECCOMP_RET_ALLOW);
    one_of(__NR_socket, 0, kSocketFamilies, SECCOMP_RET_ALLOW, kRefused);
    one_of(__NR_personality, 0, kPersonalities, SECCOMP_RET_ALLOW, kRefused);
    one_of(__NR_ioctl, 1, kForbiddenIoctls, kRefused, SECCOMP_RET_ALLOW);
    search_allowed();
  }

  constexpr const sock_filter* data() const { return code_.data(); }
  constexpr uint16_t size() const { return size_; }

 private:
  static constexpr uint32_t kRefused = SECCOMP_RET_ERRNO | EPERM;
  static constexpr uint32_t kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;

  // The low half of a 64-bit argument; both architectures are little-endian.
  static constexpr uint32_t argument(int index) {
    return static_cast<uint32_t>(offsetof(seccomp_data, args) + index * sizeof(uint64_t));
  }

  constexpr void add(uint16_t code, uint32_t value, uint8_t if_true = 0, uint8_t if_false = 0) {
    code_[size_++] = {static_cast<uint16_t>(code | BPF_K), if_true, if_false, value};
  }
  constexpr void load(uint32_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset); }
  constexpr void result(uint32_t value) { add(BPF_RET, value); }

  // For one call: `match` when its argument is one of `values`, else `otherwise`.
  template <size_t N>
  constexpr void one_of(uint32_t call, int index, const std::array<uint32_t, N>& values, uint32_t match,
                        uint32_t otherwise) {
    add(BPF_JMP | BPF_JEQ, call, 0, N + 3);
    load(argument(index));
    for (size_t i = 0; i < N; i++) add(BPF_JMP | BPF_JEQ, values[i], static_cast<uint8_t>(N - i), 0);
    result(otherwise);
    result(match);
  }

  constexpr void search_allowed() {
    auto calls = kAllowed;
    std::sort(calls.begin(), calls.end());
    std::array<Range, kAllowed.size()> ranges{};
    size_t count = 0;
    for (const uint32_t call : calls) {
      if (count > 0 && ranges[count - 1].last + 1 == call) {
        ranges[count - 1].last = call;
      } else {
        ranges[count++] = {call, call};
      }
    }
    search(ranges.data(), count);
  }

  // A binary search over ranges of call numbers.
  constexpr void search(const Range* ranges, size_t count) {
    if (count == 1) {
      add(BPF_JMP | BPF_JGE, ranges[0].first, 0, 2);
      add(BPF_JMP | BPF_JGT, ranges[0].last, 1, 0);
      result(SECCOMP_RET_ALLOW);
      result(kRefused);
      return;
    }
    const size_t half = count / 2;
    const uint16_t branch = size_;
    add(BPF_JMP | BPF_JGE, ranges[half].first);
    search(ranges, half);
    const int skip = size_ - branch - 1;
    if (skip > UINT8_MAX) throw "a jump reaches 255 instructions at most";
    code_[branch].jt = static_cast<uint8_t>(skip);
    search(ranges + half, count - half);
  }

  std::array<sock_filter, 600> code_{};
  uint16_t size_ = 0;
};

constexpr Program kProgram;

}  // namespace

void forbid_system_calls() {
  const sock_fprog filter{.len = kProgram.size(), .filter = const_cast<sock_filter*>(kProgram.data())};
  check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "load the system call filter");
}
