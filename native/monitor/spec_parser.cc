#include "spec_parser.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace {

constexpr std::string_view kVersion = "1";
constexpr size_t kMostMounts = 200;
constexpr size_t kMostStrings = 10000;

[[noreturn]] void refuse(std::string_view key, std::string_view why) {
  throw SpecError{std::string(key).append(": ").append(why)};
}

uint64_t number(std::string_view key, std::string_view text, uint64_t least, uint64_t most) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) refuse(key, "not a number");
  if (value < least || value > most) refuse(key, "out of range");
  return value;
}

// Absolute and in its plain form: no empty part, no "." and no "..".
std::string path(std::string_view key, std::string_view text) {
  if (text.empty() || text[0] != '/') refuse(key, "not an absolute path");
  if (text.size() >= 4096) refuse(key, "path too long");
  for (size_t at = 1; at < text.size();) {
    const size_t end = std::min(text.find('/', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    const bool last_slash = end + 1 == text.size();
    if (part.empty() || part == "." || part == ".." || last_slash) refuse(key, "path not in its plain form");
    at = end + 1;
  }
  return std::string(text);
}

std::string path_below_root(std::string_view key, std::string_view text) {
  if (text == "/") refuse(key, "the root itself");
  return path(key, text);
}

std::string name(std::string_view key, std::string_view text, size_t most) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (text.empty() || text.size() > most) refuse(key, "of the wrong length");
  if (text.find_first_not_of(kAllowed) != text.npos) refuse(key, "not made of a-z, 0-9 and -");
  return std::string(text);
}

uint32_t ipv4(std::string_view key, std::string_view text) {
  in_addr address;
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) refuse(key, "not an IPv4 address");
  return address.s_addr;
}

std::string variable(std::string_view key, std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == text.npos) refuse(key, "not NAME=value");
  return std::string(text);
}

void append(std::string_view key, std::vector<std::string>& list, std::string value) {
  if (list.size() == kMostStrings) refuse(key, "too many");
  list.push_back(std::move(value));
}

// Gives the key and value of every record to `take`, after a look at the first of them, the version.
template <typename Take>
void read_records(std::string_view bytes, Take take) {
  bool first = true;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\0');
    if (end == bytes.npos) throw SpecError{"the last record has no end"};
    const std::string_view record = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    const size_t equals = record.find('=');
    if (equals == record.npos) throw SpecError{"a record without ="};
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (first != (key == "version")) throw SpecError{"version is not the first record"};
    if (first && value != kVersion) refuse(key, "not 1: server and monitor are of different releases");
    if (!first) take(key, value);
    first = false;
  }
  if (first) throw SpecError{"nothing given"};
}

// A variable of the command's takes the place of the app's of the same name.
void set_variable(std::vector<std::string>& env, std::string variable) {
  const std::string_view name = std::string_view(variable).substr(0, variable.find('=') + 1);
  std::erase_if(env, [&](const std::string& each) { return each.starts_with(name); });
  append("env", env, std::move(variable));
}

class Parser {
 public:
  void record(std::string_view key, std::string_view value) {
    if (!repeatable(key) && !seen_.insert(std::string(key)).second) refuse(key, "given twice");
    if (!take(key, value) && !take_mount(key, value) && !take_network(key, value)) refuse(key, "unknown");
  }

  Order finish() {
    for (const char* key : {"id", "directory", "hostname", "cwd", "uid", "gid", "id-base", "memory",
                            "cpu-shares", "cpu-quota", "pids", "open-files", "mode"}) {
      if (!seen_.contains(key)) refuse(key, "missing");
    }
    if (order_.spec.root.layers.empty()) refuse("layer", "missing");
    if (order_.spec.argv.empty()) refuse("arg", "missing");
    for (const char* key : {"log", "log-bytes", "log-files"}) {
      if (seen_.contains(key) == order_.tied) refuse(key, order_.tied ? "has no use here" : "missing");
    }
    const size_t network = std::count_if(std::begin(kNetworkKeys), std::end(kNetworkKeys),
                                         [&](const char* key) { return seen_.contains(key); });
    if (network != 0 && network != std::size(kNetworkKeys)) refuse("bridge", "network only half described");
    for (const Mount& mount : order_.spec.mounts) check_complete(mount);
    if (!order_.spec.files.empty() && file_open_) refuse("file", "without content");
    order_.spec.root.writable = order_.directory;
    order_.spec.root.target = std::string(1, '/');
    return std::move(order_);
  }

 private:
  static constexpr const char* kNetworkKeys[] = {"bridge", "link", "address", "prefix", "gateway"};

  static bool repeatable(std::string_view key) {
    constexpr std::string_view kKeys[] = {"layer", "mount",   "source", "target", "writable",
                                          "file",  "content", "arg",    "env"};
    return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
  }

  bool take(std::string_view key, std::string_view value) {
    Spec& spec = order_.spec;
    Limits& limits = spec.limits;
    if (key == "id") return spec.id = name(key, value, 48), true;
    if (key == "directory") return order_.directory = path_below_root(key, value), true;
    if (key == "hostname") return spec.hostname = name(key, value, 63), true;
    if (key == "cwd") return spec.cwd = path(key, value), true;
    if (key == "uid") return spec.uid = number(key, value, 0, kIdCount - 1), true;
    if (key == "gid") return spec.gid = number(key, value, 0, kIdCount - 1), true;
    // Never the host's own root or users.
    if (key == "id-base") return spec.id_base = number(key, value, kIdCount, UINT32_MAX - kIdCount), true;
    if (key == "memory") return limits.memory_bytes = number(key, value, 1 << 20, 1ULL << 50), true;
    if (key == "cpu-shares") return limits.cpu_shares = number(key, value, 2, 262144), true;
    if (key == "cpu-quota") return limits.cpu_quota_us = quota(key, value), true;
    if (key == "pids") return limits.pids = number(key, value, 2, 1 << 22), true;
    if (key == "open-files") return limits.open_files = number(key, value, 16, 1 << 20), true;
    if (key == "mode") return order_.tied = mode(key, value), true;
    if (key == "log") return order_.log = path_below_root(key, value), true;
    if (key == "log-bytes") return order_.log_bytes = number(key, value, 1 << 16, 1ULL << 40), true;
    if (key == "log-files") return order_.log_files = number(key, value, 1, 100), true;
    if (key == "arg") return append(key, spec.argv, std::string(value)), true;
    if (key == "env") return append(key, spec.env, variable(key, value)), true;
    if (key == "file") return begin_file(key, value), true;
    if (key == "content") return end_file(key, value), true;
    return false;
  }

  // "mount" begins a mount; "source", "layer", "writable" and "target" after it belong to it. Before the
  // first mount, "layer" is one of the root's.
  bool take_mount(std::string_view key, std::string_view value) {
    std::vector<Mount>& mounts = order_.spec.mounts;
    if (key == "mount") {
      if (mounts.size() == kMostMounts) refuse(key, "too many");
      if (value == "overlay") return mounts.emplace_back(Overlay{}), true;
      if (value != "bind" && value != "bind-read-only") refuse(key, "of an unknown kind");
      return mounts.emplace_back(Bind{.source = {}, .target = {}, .read_only = value != "bind"}), true;
    }
    if (key == "layer") {
      Overlay& overlay = mounts.empty() ? order_.spec.root : last<Overlay>(key);
      if (overlay.layers.size() == kMostMounts) refuse(key, "too many");
      return overlay.layers.push_back(path(key, value)), true;
    }
    if (key == "source") return set(key, last<Bind>(key).source, path(key, value)), true;
    if (key == "writable") return set(key, last<Overlay>(key).writable, path_below_root(key, value)), true;
    if (key != "target") return false;
    if (mounts.empty()) refuse(key, "without a mount");
    std::visit([&](auto& mount) { set(key, mount.target, path_below_root(key, value)); }, mounts.back());
    return true;
  }

  bool take_network(std::string_view key, std::string_view value) {
    Network& network = order_.spec.network;
    if (key == "bridge") return network.bridge = name(key, value, 15), true;
    if (key == "link") return network.link = name(key, value, 15), true;
    if (key == "address") return network.address = ipv4(key, value), true;
    if (key == "gateway") return network.gateway = ipv4(key, value), true;
    if (key == "prefix") return network.prefix = number(key, value, 1, 32), true;
    return false;
  }

  template <typename Kind>
  Kind& last(std::string_view key) {
    std::vector<Mount>& mounts = order_.spec.mounts;
    Kind* found = mounts.empty() ? nullptr : std::get_if<Kind>(&mounts.back());
    if (found == nullptr) refuse(key, "does not belong to this mount");
    return *found;
  }

  static void set(std::string_view key, std::string& field, std::string value) {
    if (!field.empty()) refuse(key, "given twice");
    field = std::move(value);
  }

  static uint64_t quota(std::string_view key, std::string_view text) {
    return text == "0" ? 0 : number(key, text, 1000, 100000 * 1024);
  }

  static bool mode(std::string_view key, std::string_view text) {
    if (text != "tied" && text != "detached") refuse(key, "neither tied nor detached");
    return text == "tied";
  }

  void begin_file(std::string_view key, std::string_view value) {
    if (file_open_) refuse(key, "without content");
    if (order_.spec.files.size() == kMostMounts) refuse(key, "too many");
    order_.spec.files.push_back({path_below_root(key, value), {}});
    file_open_ = true;
  }

  void end_file(std::string_view key, std::string_view value) {
    if (!file_open_) refuse(key, "without a file");
    order_.spec.files.back().content = value;
    file_open_ = false;
  }

  static void check_complete(const Mount& mount) {
    const auto* overlay = std::get_if<Overlay>(&mount);
    const auto* bind = std::get_if<Bind>(&mount);
    const bool complete = overlay != nullptr ? !overlay->layers.empty() && !overlay->writable.empty() &&
                                                   !overlay->target.empty()
                                             : !bind->source.empty() && !bind->target.empty();
    if (!complete) refuse("mount", "only half described");
  }

  Order order_;
  std::set<std::string> seen_;
  bool file_open_ = false;
};

}  // namespace

Order parse_order(std::string_view bytes) {
  Parser parser;
  read_records(bytes, [&](std::string_view key, std::string_view value) { parser.record(key, value); });
  return parser.finish();
}

ExecOrder parse_exec_order(std::string_view bytes, const Command& app) {
  ExecOrder order{.command = app, .terminal = {}, .detached = false};
  order.command.argv.clear();
  std::set<std::string> seen;
  winsize size{};
  read_records(bytes, [&](std::string_view key, std::string_view value) {
    if (key == "arg") return append(key, order.command.argv, std::string(value));
    if (key == "env") return set_variable(order.command.env, variable(key, value));
    if (!seen.insert(std::string(key)).second) refuse(key, "given twice");
    if (key == "cwd")
      order.command.cwd = path(key, value);
    else if (key == "uid")
      order.command.uid = number(key, value, 0, kIdCount - 1);
    else if (key == "gid")
      order.command.gid = number(key, value, 0, kIdCount - 1);
    else if (key == "columns")
      size.ws_col = number(key, value, 1, UINT16_MAX);
    else if (key == "rows")
      size.ws_row = number(key, value, 1, UINT16_MAX);
    else if (key == "detached")
      order.detached = number(key, value, 0, 1) == 1;
    else
      refuse(key, "unknown");
  });
  if (order.command.argv.empty()) refuse("arg", "missing");
  if (seen.contains("columns") != seen.contains("rows")) refuse("columns", "and rows go together");
  if (seen.contains("columns")) order.terminal = size;
  if (order.terminal && order.detached) refuse("detached", "with a terminal");
  return order;
}
