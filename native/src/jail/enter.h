#pragma once

#include <sys/ioctl.h>

#include <optional>

#include "jail/jail.h"

// A command that is being started in a running container.
struct Entrance {
  // A child of the caller that opens the way and ends; to be waited for.
  pid_t opener;
  // Tells how it goes, see receive_any(): kEntered comes with the command's process, as a pidfd of a child of
  // the caller; kTerminal with the master of its terminal; an error; the end, once the command is executing.
  Fd reports;
};

inline constexpr char kEntered = 'e';
inline constexpr char kTerminal = 't';

// Starts `command` in the container's namespaces and control group, with the app's restrictions and limits,
// in a session of its own. `streams` become its stdin, stdout and stderr, unless there is a `terminal` to be
// made, whose size that is. Does not wait. Throws StepError.
Entrance enter_jail(const Jail& jail, const Cgroup& cgroup, const Limits& limits, const Command& command,
                    const int (&streams)[3], const std::optional<winsize>& terminal);
