// Fuzz target: the order that a monitor gets, and behind "exec " one for a command. Whatever the parser lets
// through must keep the promises that the code behind it, which runs as root, relies on.

#include <algorithm>

#include "monitor/spec_parser.h"
#include "target.h"

namespace {

void require_name(const std::string& name, size_t most) {
  require(!name.empty() && name.size() <= most, "a name has a length in its range");
  require(name.find_first_of(std::string_view("/.\0", 3)) == name.npos, "a name means nothing but itself");
}

void require_path(const std::string& path) {
  require(path.starts_with('/') && path.size() < 4096, "a path is absolute, and the kernel takes it");
  const std::string closed = path + "/";
  for (const char* part : {"/./", "/../", "//"}) {
    require(path == "/" || closed.find(part) == closed.npos, "a path is in its plain form");
  }
}

void require_path_below_root(const std::string& path) {
  require_path(path);
  require(path != "/", "a path is not the root itself");
}

void require_overlay(const Overlay& overlay) {
  require(!overlay.layers.empty(), "an overlay has a layer");
  for (const std::string& layer : overlay.layers) require_path(layer);
  require_path_below_root(overlay.writable);
}

void require_mount(const Mount& mount) {
  if (const auto* overlay = std::get_if<Overlay>(&mount)) {
    require_overlay(*overlay);
    return require_path_below_root(overlay->target);
  }
  const auto& bind = std::get<Bind>(mount);
  require_path(bind.source);
  require_path_below_root(bind.target);
}

void require_ids(const Spec& spec) {
  require(spec.id_base >= kIdCount, "no id of the container is one of the host's own");
  require(spec.id_base <= UINT32_MAX - kIdCount, "no id of the container wraps around");
  require(spec.uid < kIdCount && spec.gid < kIdCount, "the app's user is mapped");
}

void require_network(const Network& network) {
  if (network.bridge.empty()) return require(network.link.empty(), "a link has a bridge");
  require_name(network.bridge, 15);
  require_name(network.link, 15);
  require(network.prefix >= 1 && network.prefix <= 32, "a prefix is one of IPv4");
}

void require_order(const Order& order) {
  const Spec& spec = order.spec;
  require_name(spec.id, 48);
  require_name(spec.hostname, 63);
  require_path_below_root(order.directory);
  require_path(spec.cwd);
  require_ids(spec);
  require_overlay(spec.root);
  for (const Mount& mount : spec.mounts) require_mount(mount);
  for (const File& file : spec.files) require_path_below_root(file.path);
  require(!spec.argv.empty(), "there is something to run");
  for (const std::string& variable : spec.env)
    require(variable.find('=') + 1 > 1, "a variable is NAME=value");
  require_network(spec.network);
  require(spec.limits.memory_bytes > 0 && spec.limits.pids > 0, "memory and processes are limited");
  require(order.tied == order.log.empty(), "output goes to one place");
  require(order.tied || (order.log_bytes > 0 && order.log_files > 0), "a log is limited");
}

constexpr std::string_view kExec = "exec ";

void require_exec_order(const ExecOrder& order) {
  const Command& command = order.command;
  require_path(command.cwd);
  require(command.uid < kIdCount && command.gid < kIdCount, "the command's user is mapped");
  require(!command.argv.empty(), "there is something to run");
  for (const std::string& variable : command.env)
    require(variable.find('=') + 1 > 1, "a variable is NAME=value");
  require(!order.terminal || !order.detached, "a terminal has a client");
  require(!order.terminal || (order.terminal->ws_col > 0 && order.terminal->ws_row > 0),
          "a terminal has a size");
}

}  // namespace

std::string run_target(std::string_view input) {
  try {
    if (input.starts_with(kExec)) {
      const Command app{.argv = {"app"}, .env = {"A=app", "AB=app"}, .cwd = "/", .uid = 1, .gid = 1};
      require_exec_order(parse_exec_order(input.substr(kExec.size()), app));
      return "accepted";
    }
    require_order(parse_order(input));
    return "accepted";
  } catch (const SpecError& error) {
    require(!error.reason.empty(), "a refusal has a reason");
    return "refused: " + error.reason;
  }
}
