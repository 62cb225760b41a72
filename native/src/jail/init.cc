#include "jail/init.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/command.h"

namespace {

// Keeps no handle on anything: the output pipes must close when the app's side of them does.
void close_all_but(int kept) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  close_extra_descriptors(kept);
}

}  // namespace

void run_init(pid_t app, int status) {
  close_all_but(status);
  // All are blocked since before the app was started, so none is lost or acts on us.
  sigset_t all;
  sigfillset(&all);
  for (;;) {
    siginfo_t info;
    const int signal = sigwaitinfo(&all, &info);
    if (signal > 0 && signal != SIGCHLD) kill(-app, signal);
    if (signal != SIGCHLD) continue;
    int ended;
    for (pid_t pid; (pid = waitpid(-1, &ended, WNOHANG)) > 0;) {
      if (pid != app) continue;
      const ssize_t written = write(status, &ended, sizeof ended);
      _exit(written == sizeof ended ? 0 : 1);
    }
  }
}
