#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

// A file or directory of the host.
struct Bind {
  std::string source;
  std::string target;
  bool read_only = false;
};

// Directories of the host, bottom first, merged; what is written is kept in writable/upper, overlayfs works
// in writable/work.
struct Overlay {
  std::vector<std::string> layers;
  std::string writable;
  std::string target;
};

using Mount = std::variant<Bind, Overlay>;

// A small file that is written into the root, such as /etc/hosts.
struct File {
  std::string path;
  std::string content;
};

struct Network {
  // Empty: only a loopback interface.
  std::string bridge;
  // Name of the host's end of the link.
  std::string link;
  // IPv4 in network byte order.
  uint32_t address = 0;
  uint32_t gateway = 0;
  uint8_t prefix = 0;
};

struct Limits {
  uint64_t memory_bytes = 0;
  uint64_t cpu_shares = 0;
  // Microseconds of processor time in each 100 000; 0 is no limit.
  uint64_t cpu_quota_us = 0;
  uint64_t pids = 0;
  uint64_t open_files = 0;
};

// A program and how it is run; ids are the container's.
struct Command {
  std::vector<std::string> argv;
  // NAME=value
  std::vector<std::string> env;
  std::string cwd;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

// Everything that is needed to make one container, whose app is the command.
struct Spec : Command {
  std::string id;
  std::string hostname;
  Overlay root;
  std::vector<Mount> mounts;
  std::vector<File> files;
  uint32_t id_base = 0;
  Limits limits;
  Network network;
};

// Container ids 0..65535 are the host's id_base..id_base+65535.
inline constexpr uint32_t kIdCount = 65536;
