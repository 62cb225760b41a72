#include "jail/rlimit.h"

#include <sys/resource.h>

#include "base/error.h"

void set_rlimits(pid_t pid, const Limits& limits) {
  const rlimit files{limits.open_files, limits.open_files};
  check(prlimit(pid, RLIMIT_NOFILE, &files, nullptr), "limit open files");
  const rlimit none{0, 0};
  check(prlimit(pid, RLIMIT_CORE, &none, nullptr), "limit core files");
}
