#pragma once

#include <vector>

#include "base/fd.h"
#include "jail/spec.h"

// Makes the container's file system from the mounts that open_mounts() opened, and moves the process into it;
// nothing of the host's is left. Called by the container's first process, as root of its user namespace, in
// namespaces of its own; the process's current directory gets covered.
void enter_root(const Spec& spec, std::vector<Fd> mounts);
