#include "jail/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace {

const std::string kMount = "/sys/fs/cgroup";
constexpr std::array kControllers = {"memory", "cpu", "pids"};
constexpr uint64_t kCpuPeriodUs = 100000;

bool is_v2() {
  struct statfs info;
  check(statfs(kMount.c_str(), &info), "look at", kMount);
  return info.f_type == CGROUP2_SUPER_MAGIC;
}

void write_file(const std::string& path, const std::string& value) {
  const Fd file(check(open(path.c_str(), O_WRONLY | O_CLOEXEC), "open", path));
  check(write(file.get(), value.data(), value.size()), "write", path);
}

void write_if_present(const std::string& path, const std::string& value) {
  if (access(path.c_str(), F_OK) == 0) write_file(path, value);
}

void make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) throw StepError{"make cgroup " + path, errno};
}

// The number after `key` in a file of "key number" lines.
uint64_t read_counter(const std::string& path, const char* key) {
  std::array<char, 1024> buffer{};
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || read(file.get(), buffer.data(), buffer.size() - 1) < 0) return 0;
  const char* found = strstr(buffer.data(), key);
  return found == nullptr ? 0 : strtoull(found + strlen(key), nullptr, 10);
}

}  // namespace

Cgroup::Cgroup(const std::string& id, const Limits& limits) {
  try {
    if (is_v2()) {
      make(kMount, id);
      limit_v2(limits);
      directory_ =
          Fd(check(open(paths_[0].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open cgroup", paths_[0]));
      return;
    }
    for (const char* controller : kControllers) {
      make(kMount + "/" + controller, id);
      const std::string tasks = paths_.back() + "/tasks";
      tasks_.emplace_back(check(open(tasks.c_str(), O_WRONLY | O_CLOEXEC), "open", tasks));
    }
    limit_v1(limits);
  } catch (...) {
    for (const std::string& path : paths_) rmdir(path.c_str());
    throw;
  }
}

Cgroup::~Cgroup() {
  constexpr int kTries = 100;
  for (const std::string& path : paths_) {
    // The last process may be gone for its parent and still be leaving the group.
    for (int i = 0; rmdir(path.c_str()) < 0 && errno == EBUSY && i < kTries; i++) poll(nullptr, 0, 1);
  }
}

void Cgroup::make(const std::string& parent, const std::string& id) {
  const std::string ours = parent + "/slipway";
  make_directory(ours);
  if (parent == kMount) {
    write_file(parent + "/cgroup.subtree_control", "+memory +cpu +pids");
    write_file(ours + "/cgroup.subtree_control", "+memory +cpu +pids");
  }
  const std::string path = ours + "/" + id;
  if (mkdir(path.c_str(), 0755) < 0) {
    // A server that left nothing behind may just have removed the empty group above.
    if (errno != ENOENT) throw StepError{"make cgroup " + path, errno};
    make_directory(ours);
    check(mkdir(path.c_str(), 0755), "make cgroup", path);
  }
  paths_.push_back(path);
}

void Cgroup::limit_v1(const Limits& limits) {
  const std::string &memory = paths_[0], &cpu = paths_[1], &pids = paths_[2];
  const std::string bytes = std::to_string(limits.memory_bytes);
  write_file(memory + "/memory.limit_in_bytes", bytes);
  // Memory and swap together; not there where the kernel does not count swap.
  write_if_present(memory + "/memory.memsw.limit_in_bytes", bytes);
  write_file(cpu + "/cpu.shares", std::to_string(limits.cpu_shares));
  if (limits.cpu_quota_us > 0) {
    write_file(cpu + "/cpu.cfs_period_us", std::to_string(kCpuPeriodUs));
    write_file(cpu + "/cpu.cfs_quota_us", std::to_string(limits.cpu_quota_us));
  }
  write_file(pids + "/pids.max", std::to_string(limits.pids));
}

void Cgroup::limit_v2(const Limits& limits) {
  const std::string& group = paths_[0];
  write_file(group + "/memory.max", std::to_string(limits.memory_bytes));
  write_if_present(group + "/memory.swap.max", "0");
  // The kernel's v1 range 2..262144 onto its v2 range 1..10000, as systemd and runc do.
  write_file(group + "/cpu.weight", std::to_string(1 + (limits.cpu_shares - 2) * 9999 / 262142));
  if (limits.cpu_quota_us > 0) {
    write_file(group + "/cpu.max", std::to_string(limits.cpu_quota_us) + " " + std::to_string(kCpuPeriodUs));
  }
  write_file(group + "/pids.max", std::to_string(limits.pids));
}

void Cgroup::join() const {
  // A process that moves itself, as a single task, does not wait for the lock over all forks of the machine.
  for (const Fd& tasks : tasks_) check(write(tasks.get(), "0", 1), "join the cgroup");
}

void Cgroup::join_later() const {
  if (directory_) return;
  for (const std::string& path : paths_) write_file(path + "/tasks", "0");
}

bool Cgroup::oom_killed() const {
  return directory_ ? read_counter(paths_[0] + "/memory.events", "oom_kill ") > 0
                    : read_counter(paths_[0] + "/memory.oom_control", "oom_kill ") > 0;
}
