#include "jail/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

void forbid_gaining_capabilities() {
  // The kernel answers EINVAL for the first number that it has no capability for.
  for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {
  }
  if (errno != EINVAL) throw StepError{"drop the bounding set", errno};
  check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear the ambient set");
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs");
}

namespace {

void set_capabilities(uint32_t first_word) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  sets[0].permitted = sets[0].effective = first_word;
  check(syscall(SYS_capset, &header, sets), "drop capabilities");
}

}  // namespace

void drop_capabilities() { set_capabilities(0); }

void drop_all_but_kill() { set_capabilities(1U << CAP_KILL); }
