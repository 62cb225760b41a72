#include "jail/command.h"

#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/error.h"

namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

// Signals as a program expects to find them.
void reset_signals() {
  for (const int ignored : {SIGPIPE, SIGHUP}) signal(ignored, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  check(sigprocmask(SIG_SETMASK, &none, nullptr), "unblock signals");
}

// A path such as /proc/self/fd/7 must not lead out of the container (CVE-2024-21626). getcwd(2) begins with
// "(unreachable)" for a directory that is not below the root.
void enter_directory(const std::string& path) {
  check(chdir(path.c_str()), "enter directory", path);
  std::array<char, PATH_MAX> real{};
  check(syscall(SYS_getcwd, real.data(), real.size()), "enter directory", path);
  if (real[0] != '/') throw StepError{"enter directory " + path, EXDEV};
}

}  // namespace

void close_extra_descriptors(int kept) {
  if (kept > 3) syscall(SYS_close_range, 3, kept - 1, 0);
  syscall(SYS_close_range, kept < 3 ? 3 : kept + 1, ~0U, 0);
}

void execute(const Command& command, int report) {
  close_extra_descriptors(report);  // first, so that none of them is there to be entered
  enter_directory(command.cwd);
  reset_signals();
  std::vector<char*> arguments = pointers(command.argv), variables = pointers(command.env);
  environ = variables.data();  // where execvp looks for PATH
  execvp(arguments[0], arguments.data());
  throw StepError{"run " + command.argv[0], errno};
}
