#pragma once

#include <sys/ioctl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jail/spec.h"

// What the server asks of one monitor.
struct Order {
  Spec spec;
  // The container's directory on the host: control.sock, exit, the writable layer.
  std::string directory;
  // Tied: the container dies with the first control connection, its output goes to the monitor's own stdout
  // and stderr.
  bool tied = false;
  // Otherwise its output goes to this file.
  std::string log;
  uint64_t log_bytes = 0;
  uint64_t log_files = 0;
};

// Why a specification is refused; names the record.
struct SpecError {
  std::string reason;
};

// Reads "key=value" records, each ended by a NUL byte, the first of them "version=1". Everything is checked:
// an unknown or repeated key, a missing one, a relative path, a number out of range. Throws SpecError.
Order parse_order(std::string_view bytes);

// A command to be run in a running container.
struct ExecOrder {
  Command command;
  // Its size, when it is to have one.
  std::optional<winsize> terminal;
  // Without a client: its output goes to the container's log.
  bool detached = false;
};

// Reads the same kind of records; what they do not say is as for the app. Throws SpecError.
ExecOrder parse_exec_order(std::string_view bytes, const Command& app);
