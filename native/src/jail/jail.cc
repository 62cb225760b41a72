#include "jail/jail.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/message.h"
#include "jail/caps.h"
#include "jail/command.h"
#include "jail/init.h"
#include "jail/mount.h"
#include "jail/net.h"
#include "jail/rlimit.h"
#include "jail/root.h"
#include "jail/seccomp.h"
#include "jail/user.h"

namespace {

constexpr char kGo = 'g';
constexpr char kLinked = 'l';

struct Streams {
  int output;
  int errors;
};

void redirect(const Streams& streams) {
  const Fd null(check(open("/dev/null", O_RDONLY | O_CLOEXEC), "open /dev/null"));
  check(dup2(null.get(), STDIN_FILENO), "redirect stdin");
  check(dup2(streams.output, STDOUT_FILENO), "redirect stdout");
  check(dup2(streams.errors, STDERR_FILENO), "redirect stderr");
}

// Everything that the new process does; each step needs the ones before it.
void become_container(const Spec& spec, const Cgroup& cgroup, const Streams& streams, int monitor,
                      int status) {
  std::vector<Fd> mounts = receive_message(monitor, kGo);
  become_container_root();
  check(prctl(PR_SET_DUMPABLE, 0), "hide init's memory");
  check(prctl(PR_SET_PDEATHSIG, SIGKILL), "die with the monitor");
  cgroup.join();
  check(unshare(CLONE_NEWCGROUP), "make a cgroup namespace");
  check(sethostname(spec.hostname.data(), spec.hostname.size()), "set the host name");
  bring_up_loopback();
  umask(022);
  enter_root(spec, std::move(mounts));
  // Had the monitor died before it was watched, this would fail.
  receive_message(monitor, kLinked);
  if (!spec.network.bridge.empty()) configure_link(spec.network);
  redirect(streams);
  sigset_t all;
  sigfillset(&all);
  check(sigprocmask(SIG_BLOCK, &all, nullptr), "block signals");
  forbid_gaining_capabilities();
  forbid_system_calls();

  const pid_t app = check(fork(), "start the app");
  if (app == 0) {
    check(setsid(), "make a session");
    become_user(spec.uid, spec.gid);
    drop_capabilities();
    execute(spec, monitor);
  }
  drop_all_but_kill();  // the app is another user, and init passes signals on to it
  run_init(app, status);
}

[[noreturn]] void child(const Spec& spec, const Cgroup& cgroup, const Streams& streams, int monitor,
                        int status) {
  try {
    become_container(spec, cgroup, streams, monitor, status);
  } catch (const StepError& error) {
    send_error(monitor, error);
  }
  _exit(127);
}

pid_t clone_with_namespaces(int cgroup, int* pidfd) {
  clone_args arguments{};
  arguments.flags =
      CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<uint64_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(cgroup);
  }
  return static_cast<pid_t>(check(syscall(SYS_clone3, &arguments, sizeof arguments), "make the namespaces"));
}

// What only root of the host can do for the new process.
void set_up(const Spec& spec, pid_t pid, int socket) {
  map_ids(pid, spec.id_base);
  set_rlimits(pid, spec.limits);
  {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/user";
    const Fd userns(check(open(path.c_str(), O_RDONLY | O_CLOEXEC), "open", path));
    const std::vector<Fd> mounts = open_mounts(spec, userns.get());
    std::vector<int> fds;
    for (const Fd& mount : mounts) fds.push_back(mount.get());
    send_message(socket, kGo, fds);
  }
  // The slowest step of all goes on while the container mounts its root.
  if (!spec.network.bridge.empty()) make_link(spec.network, pid);
  send_message(socket, kLinked);
}

}  // namespace

Jail start_jail(const Spec& spec, const Cgroup& cgroup, int output, int errors) {
  int sockets[2], pipe[2];
  check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), "make a socket pair");
  const Fd ours(sockets[0]);
  Fd theirs(sockets[1]);
  check(pipe2(pipe, O_CLOEXEC), "make a pipe");
  Jail jail{.pid = -1, .pidfd = {}, .status = Fd(pipe[0])};
  Fd status(pipe[1]);

  int pidfd = -1;
  jail.pid = clone_with_namespaces(cgroup.directory(), &pidfd);
  if (jail.pid == 0) {
    jail.status.reset();
    close(ours.get());
    child(spec, cgroup, {output, errors}, theirs.get(), status.get());
  }
  jail.pidfd = Fd(pidfd);
  theirs.reset();
  status.reset();
  try {
    try {
      set_up(spec, jail.pid, ours.get());
    } catch (const StepError& error) {
      // When the container went away in between, its own reason is the better one.
      if (error.error != EPIPE) throw;
    }
    await_close(ours.get());
  } catch (...) {
    kill(jail.pid, SIGKILL);
    waitpid(jail.pid, nullptr, 0);
    throw;
  }
  return jail;
}
