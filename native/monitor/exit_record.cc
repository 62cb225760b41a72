#include "exit_record.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "base/fd.h"

std::string describe(const Exit& exit) {
  const int status = exit.status;
  const std::string code = WIFEXITED(status) ? std::to_string(WEXITSTATUS(status)) : "-";
  std::string signal = "-";
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));
    signal = name != nullptr ? std::string("SIG") + name : "SIG" + std::to_string(WTERMSIG(status));
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return "exit " + code + " " + signal + " " + (exit.oom_killed ? "1" : "0") + " " + std::to_string(ms) +
         "\n";
}

void write_exit_record(const std::string& line) {
  const Fd file(open("exit.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file || write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) return;
  rename("exit.tmp", "exit");
}
