#include "base/message.h"

#include <sys/socket.h>

#include <array>
#include <cstring>

namespace {

constexpr size_t kMostFds = 250;  // the kernel's limit is SCM_MAX_FD, 253
constexpr char kError = 'E';

union Ancillary {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * kMostFds)];
};

}  // namespace

void send_message(int socket, char kind, std::span<const int> fds) {
  if (fds.size() > kMostFds) throw StepError{"pass mounts", E2BIG};
  iovec data{.iov_base = &kind, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  Ancillary ancillary{};
  if (!fds.empty()) {
    message.msg_control = ancillary.bytes;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    ancillary.header.cmsg_level = SOL_SOCKET;
    ancillary.header.cmsg_type = SCM_RIGHTS;
    ancillary.header.cmsg_len = CMSG_LEN(fds.size_bytes());
    memcpy(CMSG_DATA(&ancillary.header), fds.data(), fds.size_bytes());
  }
  check(sendmsg(socket, &message, MSG_NOSIGNAL), "talk to the new container");
}

std::vector<Fd> receive_message(int socket, char kind) {
  char got = 0;
  iovec data{.iov_base = &got, .iov_len = 1};
  Ancillary ancillary{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.bytes;
  message.msg_controllen = sizeof ancillary;
  const ssize_t length = check(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), "wait for the monitor");
  std::vector<Fd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  if (length != 1 || got != kind) throw StepError{"wait for the monitor", EPIPE};
  return fds;
}

void send_error(int socket, const StepError& error) {
  std::string text(1, kError);
  text.append(reinterpret_cast<const char*>(&error.error), sizeof error.error);
  text.append(error.step, 0, 4000);
  send(socket, text.data(), text.size(), MSG_NOSIGNAL);
}

void await_close(int socket) {
  std::array<char, 4096> buffer;
  const ssize_t length = check(recv(socket, buffer.data(), buffer.size(), 0), "wait for the container");
  if (length == 0) return;
  StepError error{"make the container", EPROTO};
  if (buffer[0] == kError && static_cast<size_t>(length) >= 1 + sizeof error.error) {
    memcpy(&error.error, &buffer[1], sizeof error.error);
    error.step.assign(&buffer[1 + sizeof error.error], length - 1 - sizeof error.error);
  }
  throw error;
}
