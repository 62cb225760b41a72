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

[[noreturn]] void throw_error(const char* text, size_t length) {
  StepError error{"make the container", EPROTO};
  if (length >= 1 + sizeof error.error) {
    memcpy(&error.error, &text[1], sizeof error.error);
    error.step.assign(&text[1 + sizeof error.error], length - 1 - sizeof error.error);
  }
  throw error;
}

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

Message receive_any(int socket) {
  std::array<char, 4096> buffer;
  iovec data{.iov_base = buffer.data(), .iov_len = buffer.size()};
  Ancillary ancillary{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.bytes;
  message.msg_controllen = sizeof ancillary;
  const ssize_t length = check(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), "wait for the other side");
  Message received{.kind = length == 0 ? '\0' : buffer[0], .fds = {}};
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      received.fds.emplace_back(fd);
    }
  }
  if (received.kind == kError) throw_error(buffer.data(), static_cast<size_t>(length));
  return received;
}

std::vector<Fd> receive_message(int socket, char kind) {
  Message message = receive_any(socket);
  if (message.kind != kind) throw StepError{"wait for the monitor", EPIPE};
  return std::move(message.fds);
}

void send_error(int socket, const StepError& error) {
  std::string text(1, kError);
  text.append(reinterpret_cast<const char*>(&error.error), sizeof error.error);
  text.append(error.step, 0, 4000);
  send(socket, text.data(), text.size(), MSG_NOSIGNAL);
}

void await_close(int socket) {
  if (receive_any(socket).kind != 0) throw StepError{"make the container", EPROTO};
}
