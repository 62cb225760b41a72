#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "jail/spec.h"

// The control group of one container, slipway/<id>, under cgroup v2 or under each v1 controller: whichever
// this host has. Removed when the object goes; by then every process in it must have ended.
class Cgroup {
 public:
  Cgroup(const std::string& id, const Limits& limits);
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  // v2: the directory for CLONE_INTO_CGROUP. v1: -1, the new process calls join().
  int directory() const { return directory_.get(); }

  // Moves the calling process, which must have one thread, into the group; does nothing on v2.
  void join() const;

  // The same, by a process that is still root of the host, at any time.
  void join_later() const;

  // Closes what join() needs.
  void forget_join() { tasks_.clear(); }

  // True when the kernel has killed a process of the group for want of memory.
  bool oom_killed() const;

 private:
  void make(const std::string& parent, const std::string& id);
  void limit_v1(const Limits& limits);
  void limit_v2(const Limits& limits);

  std::vector<std::string> paths_;
  std::vector<Fd> tasks_;
  Fd directory_;
};
