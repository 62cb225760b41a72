#pragma once

#include <sys/types.h>

#include "base/fd.h"
#include "jail/spec.h"

// Maps the ids of a user namespace's first process; called by its parent, which is root of the host.
// user_namespaces(7).
void map_ids(pid_t pid, uint32_t id_base);

// Becomes root of the user namespace that the process was made in, once its ids are mapped.
void become_container_root();

// Becomes the user that the app runs as, for ever.
void become_user(uint32_t uid, uint32_t gid);
