#pragma once

#include <fcntl.h>

#include "base/error.h"
#include "base/fd.h"

struct Pipe {
  Fd read, write;
};

inline Pipe make_pipe() {
  int fds[2];
  check(pipe2(fds, O_CLOEXEC), "make a pipe");
  return {Fd(fds[0]), Fd(fds[1])};
}

inline void set_nonblocking(const Fd& fd) { check(fcntl(fd.get(), F_SETFL, O_NONBLOCK), "make a pipe"); }
