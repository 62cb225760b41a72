#pragma once

#include <cstdint>
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
