#include "jail/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/error.h"

// glibc has these from 2.36 on only, and its <sys/mount.h> cannot be used beside <linux/mount.h>.
namespace {

int open_tree(int directory, const char* path, unsigned flags) {
  return static_cast<int>(syscall(SYS_open_tree, directory, path, flags));
}

int mount_setattr(int mount, const mount_attr& attributes) {
  return static_cast<int>(
      syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes));
}

Fd open_shifted(const std::string& path, int userns, uint64_t attributes) {
  Fd tree(check(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW),
                "open", path));
  mount_attr wanted{};
  wanted.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes;
  wanted.userns_fd = static_cast<uint64_t>(userns);
  if (mount_setattr(tree.get(), wanted) == 0) return tree;
  // A file system that cannot shift ids can still be read; its owners show as nobody.
  const bool readable = errno == EINVAL && (attributes & MOUNT_ATTR_RDONLY) != 0;
  if (!readable) throw StepError{"shift the ids of " + path, errno};
  set_attributes(tree.get(), wanted.attr_set & ~static_cast<uint64_t>(MOUNT_ATTR_IDMAP));
  return tree;
}

void open_overlay(const Overlay& overlay, int userns, std::vector<Fd>& trees) {
  for (const std::string& layer : overlay.layers) {
    trees.push_back(open_shifted(layer, userns, MOUNT_ATTR_RDONLY));
  }
  for (const char* part : {"/upper", "/work"}) {
    const std::string path = overlay.writable + part;
    if (mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) throw StepError{"make " + path, errno};
  }
  trees.push_back(open_shifted(overlay.writable, userns, 0));
}

int open_below(int root, const std::string& path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
}

}  // namespace

std::vector<Fd> open_mounts(const Spec& spec, int userns) {
  std::vector<Fd> trees;
  open_overlay(spec.root, userns, trees);
  for (const Mount& mount : spec.mounts) {
    if (const auto* overlay = std::get_if<Overlay>(&mount)) {
      open_overlay(*overlay, userns, trees);
    } else {
      const auto& bind = std::get<Bind>(mount);
      trees.push_back(open_shifted(bind.source, userns, bind.read_only ? MOUNT_ATTR_RDONLY : 0));
    }
  }
  return trees;
}

void set_attributes(int mount, uint64_t attributes) {
  mount_attr wanted{};
  wanted.attr_set = attributes;
  check(mount_setattr(mount, wanted), "set attributes of a mount");
}

Fd copy_tree(int directory, const char* path) {
  Fd tree(open_tree(directory, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW));
  if (!tree && errno != ENOENT) throw StepError{std::string("copy mount of ") + path, errno};
  return tree;
}

Fd make_filesystem(const char* type, std::initializer_list<std::pair<const char*, const char*>> options,
                   uint64_t attributes) {
  const Fd context(
      check(static_cast<int>(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)), "open file system", type));
  for (const auto& [key, value] : options) {
    check(syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, key, value, 0),
          "set option of file system", type);
  }
  check(syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "make file system",
        type);
  return Fd(check(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, attributes)),
                  "mount file system", type));
}

void attach(int mount, int target, const char* step) {
  check(syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
        step);
}

Fd open_in_root(int root, const std::string& path, bool directory) {
  Fd found(open_below(root, path, directory ? O_DIRECTORY : 0));
  if (found || errno != ENOENT) return Fd(check(found.release(), "open in the root", path));

  const size_t slash = path.find_last_of('/');
  const bool top = slash == std::string::npos || slash == 0;
  const Fd parent = open_in_root(root, top ? "/" : path.substr(0, slash), true);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (directory) {
    check(mkdirat(parent.get(), name.c_str(), 0755), "make directory", path);
  } else {
    Fd(check(openat(parent.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644), "make file",
             path));
  }
  return Fd(check(open_below(root, path, directory ? O_DIRECTORY : 0), "open in the root", path));
}
