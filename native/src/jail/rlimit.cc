#include "jail/rlimit.h"

#include <sys/resource.h>

#include "base/error.h"

void set_rlimits(pid_t pid, const Limits& limits) {
  rlimit files{limits.open_files, limits.open_files};
  if (prlimit(pid, RLIMIT_NOFILE, &files, nullptr) < 0) {
    // Without CAP_SYS_RESOURCE, as in some virtual machines, our own limit is the most that can be given.
    check(getrlimit(RLIMIT_NOFILE, &files), "look at the limit of open files");
    files.rlim_cur = files.rlim_max;
    check(prlimit(pid, RLIMIT_NOFILE, &files, nullptr), "limit open files");
  }
  const rlimit none{0, 0};
  check(prlimit(pid, RLIMIT_CORE, &none, nullptr), "limit core files");
}
