#pragma once

#include <sys/types.h>

#include "base/fd.h"
#include "jail/cgroup.h"
#include "jail/spec.h"

// A running container as its parent holds it.
struct Jail {
  pid_t pid;
  Fd pidfd;
  // After the end of `pid`: the app's wait(2) status, an int; nothing when init was killed.
  Fd status;
};

// Makes the container and returns once the app is executing, with `output` and `errors` as its stdout and
// stderr. The current directory is covered by a scratch mount in the container's namespace. Throws StepError;
// nothing is left then.
Jail start_jail(const Spec& spec, const Cgroup& cgroup, int output, int errors);
