#pragma once

#include <sys/types.h>

// Process 1 of the container: passes signals on to the app's process group, reaps what is orphaned, and when
// the app has ended writes its wait(2) status to `status` and exits, with which the kernel ends everything
// else in the container.
[[noreturn]] void run_init(pid_t app, int status);
