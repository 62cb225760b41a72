#pragma once

// Loads the system call filter for this process and all that it starts. Needs no_new_privs. seccomp(2).
void forbid_system_calls();
