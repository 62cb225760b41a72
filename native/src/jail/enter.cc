#include "jail/enter.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/message.h"
#include "jail/caps.h"
#include "jail/command.h"
#include "jail/rlimit.h"
#include "jail/seccomp.h"
#include "jail/user.h"

#ifndef DEVPTS_SUPER_MAGIC
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif

namespace {

constexpr int kNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

pid_t start_opener(int cgroup) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(cgroup);
  }
  return static_cast<pid_t>(check(syscall(SYS_clone3, &arguments, sizeof arguments), "start the command"));
}

// In the pid namespace that the opener has chosen, as a child of the opener's parent, which reads `process`.
pid_t start_process(pid_t* process) {
  clone_args arguments{};
  arguments.flags = CLONE_PARENT | CLONE_PARENT_SETTID;
  arguments.parent_tid = reinterpret_cast<uint64_t>(process);
  return static_cast<pid_t>(check(syscall(SYS_clone3, &arguments, sizeof arguments), "start the command"));
}

std::unique_ptr<pid_t, Unmap> share_pid() {
  void* shared = mmap(nullptr, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw StepError{"start the command", errno};
  return std::unique_ptr<pid_t, Unmap>(static_cast<pid_t*>(shared));
}

void use_as_streams(const int (&streams)[3]) {
  for (int fd = 0; fd < 3; fd++) check(dup2(streams[fd], fd), "redirect the command");
}

// The multiplexer of the container's own terminals, whatever the app has made of /dev. pty(7).
Fd open_master() {
  open_how how{};
  how.flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const char* path = "/dev/pts/ptmx";
  Fd master(static_cast<int>(check(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how), "open", path)));
  struct statfs info;
  check(fstatfs(master.get(), &info), "look at", path);
  if (info.f_type != DEVPTS_SUPER_MAGIC) throw StepError{std::string("open ") + path, ENOTTY};
  return master;
}

// Called as the command's user, who is to own the terminal, by the leader of a session.
void make_terminal(const winsize& size, int reports) {
  const Fd master = open_master();
  const int locked = 0;
  check(ioctl(master.get(), TIOCSPTLCK, &locked), "unlock the terminal");
  check(ioctl(master.get(), TIOCSWINSZ, &size), "set the size of the terminal");
  const Fd terminal(
      check(ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), "open the terminal"));
  check(ioctl(terminal.get(), TIOCSCTTY, 0), "make the terminal the controlling one");
  use_as_streams({terminal.get(), terminal.get(), terminal.get()});
  const int fds[] = {master.get()};
  send_message(reports, kTerminal, fds);
}

void become_command(const Command& command, const std::optional<winsize>& terminal, int reports) {
  forbid_gaining_capabilities();
  forbid_system_calls();
  check(setsid(), "make a session");
  become_user(command.uid, command.gid);
  drop_capabilities();
  check(prctl(PR_SET_DUMPABLE, 0), "hide the command's memory");  // until it is executing
  if (terminal) make_terminal(*terminal, reports);
  execute(command, reports);
}

// Enters everything of the container but its pid namespace, which only a child will be in: the container's
// processes see that one, when nothing of the host's is left to be found through its /proc, and never this
// one. Neither can be traced, as the monitor has made itself undumpable. setns(2), prctl(2).
void open_the_way(int container, const Cgroup& cgroup, const Limits& limits, const int (&streams)[3],
                  int reports) {
  use_as_streams(streams);
  cgroup.join_later();
  set_rlimits(0, limits);
  check(setns(container, kNamespaces), "enter the container");
  close_extra_descriptors(reports);
  check(chdir("/"), "enter the root");
  become_container_root();
  umask(022);
}

}  // namespace

Entrance enter_jail(const Jail& jail, const Cgroup& cgroup, const Limits& limits, const Command& command,
                    const int (&streams)[3], const std::optional<winsize>& terminal) {
  int sockets[2];
  check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), "make a socket pair");
  Fd ours(sockets[0]);
  const Fd theirs(sockets[1]);
  auto process = share_pid();
  const pid_t opener = start_opener(cgroup.directory());
  if (opener != 0) return {opener, std::move(process), std::move(ours)};

  const int reports = theirs.get();
  try {
    open_the_way(jail.pidfd.get(), cgroup, limits, streams, reports);
    if (start_process(process.get()) == 0) become_command(command, terminal, reports);
  } catch (const StepError& error) {
    send_error(reports, error);
    _exit(127);
  }
  _exit(0);
}
