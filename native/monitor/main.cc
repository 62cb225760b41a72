// One monitor a container: its parent, its log, its exit record. Started by the server with a socket as
// descriptor 3, over which comes the specification; lives on when the server goes.

#include <linux/keyctl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "control.h"
#include "spec_parser.h"
#include "supervisor.h"

namespace {

constexpr int kControl = 3;

// Nothing of the server's must come along: its session, its descriptors, its keys.
void leave_server() {
  setsid();
  syscall(SYS_close_range, kControl + 1, ~0U, 0);
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace

int main() {
  leave_server();
  Control control{Fd(kControl)};
  try {
    std::string bytes;
    if (!control.read_order(bytes)) return 1;
    const Order order = parse_order(bytes);
    check(chdir(order.directory.c_str()), "enter", order.directory);
    if (!order.tied) control.listen();
    supervise(order, control);
    return 0;
  } catch (const StepError& error) {
    control.announce("error " + std::to_string(error.error) + " " + error.step + ": " +
                     strerror(error.error) + "\n");
  } catch (const SpecError& error) {
    control.announce("error " + std::to_string(EINVAL) + " specification refused: " + error.reason + "\n");
  }
  return 1;
}
