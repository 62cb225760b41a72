#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "jail/spec.h"

// Mounts are handled by descriptor, never twice by a path that somebody could change in between.
// open_tree(2), fsopen(2).

// Opens a detached copy of every layer, writable directory and bind source of the spec, in its order: first
// the root's, then each mount's; a writable directory follows its layers. Ids are shifted by the user
// namespace `userns`, so that files on disk carry the container's ids. Called by the parent, which is root of
// the host.
std::vector<Fd> open_mounts(const Spec& spec, int userns);

// Calls mount_setattr(2): sets `attributes` (MOUNT_ATTR_*) on one mount.
void set_attributes(int mount, uint64_t attributes);

// A detached copy of a mount or a part of it; empty when there is no such path.
Fd copy_tree(int directory, const char* path);

// A new, detached file system.
Fd make_filesystem(const char* type, std::initializer_list<std::pair<const char*, const char*>> options,
                   uint64_t attributes);

// Attaches a detached mount over a file or directory (O_PATH).
void attach(int mount, int target, const char* step);

// Opens `path` (O_PATH) as seen by a process whose root is `root`, making what is missing as directories, or
// its last part as an empty file. Symbolic links cannot lead outside.
Fd open_in_root(int root, const std::string& path, bool directory);
