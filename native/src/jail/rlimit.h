#pragma once

#include <sys/types.h>

#include "jail/spec.h"

// Sets the resource limits of a process that is about to become a container; needs root of the host.
// setrlimit(2).
void set_rlimits(pid_t pid, const Limits& limits);
