#pragma once

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <memory>
#include <optional>

#include "jail/jail.h"

struct Unmap {
  void operator()(pid_t* shared) const { munmap(shared, sizeof *shared); }
};

// A command that is being started in a running container.
struct Entrance {
  // A child of the caller that opens the way and ends; to be waited for.
  pid_t opener;
  // The command's process, a child of the caller too; 0 as long as there is none. The kernel writes it: the
  // container's end waits until this process has been waited for, so that it must never get lost.
  std::unique_ptr<pid_t, Unmap> process;
  // Tells how it goes, see receive_any(): kTerminal comes with the master of the command's terminal; an
  // error; the end, once the command is executing.
  Fd reports;
};

inline constexpr char kTerminal = 't';

// Starts `command` in the container's namespaces and control group, with the app's restrictions and limits,
// in a session of its own. `streams` become its stdin, stdout and stderr, unless there is a `terminal` to be
// made, whose size that is. Does not wait. Throws StepError.
Entrance enter_jail(const Jail& jail, const Cgroup& cgroup, const Limits& limits, const Command& command,
                    const int (&streams)[3], const std::optional<winsize>& terminal);
