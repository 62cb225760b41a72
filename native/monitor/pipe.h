#pragma once

#include <fcntl.h>

#include "base/error.h"
#include "base/fd.h"
#include "jail/spec.h"

struct Pipe {
  Fd read, write;
};

inline Pipe make_pipe() {
  int fds[2];
  check(pipe2(fds, O_CLOEXEC), "make a pipe");
  return {Fd(fds[0]), Fd(fds[1])};
}

// So that the command can open it again, as /dev/stdout for example.
inline void give_to(const Fd& pipe, uint32_t id_base, const Command& command) {
  check(fchown(pipe.get(), id_base + command.uid, id_base + command.gid), "give away a pipe");
}

inline void set_nonblocking(const Fd& fd) { check(fcntl(fd.get(), F_SETFL, O_NONBLOCK), "make a pipe"); }
