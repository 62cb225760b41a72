#include "jail/user.h"

#include <fcntl.h>
#include <grp.h>

#include <cstdio>

#include "base/error.h"

namespace {

void write_map(pid_t pid, const char* name, const std::string& map) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  const Fd file(check(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open", path));
  check(write(file.get(), map.data(), map.size()), "map ids in", path);
}

}  // namespace

void map_ids(pid_t pid, uint32_t id_base) {
  const std::string map = "0 " + std::to_string(id_base) + " " + std::to_string(kIdCount);
  write_map(pid, "uid_map", map);
  write_map(pid, "gid_map", map);
}

void become_container_root() {
  check(setgroups(0, nullptr), "drop groups");
  check(setresgid(0, 0, 0), "set group of init");
  check(setresuid(0, 0, 0), "set user of init");
}

void become_user(uint32_t uid, uint32_t gid) {
  check(setgroups(0, nullptr), "drop groups");
  check(setresgid(gid, gid, gid), "set group");
  check(setresuid(uid, uid, uid), "set user");
}
