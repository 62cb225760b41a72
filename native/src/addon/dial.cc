#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstdlib>

#include "addon/functions.h"
#include "base/fd.h"

namespace {

// Opens a socket in another network namespace; it stays there when this thread has come back.
Fd socket_in(int network_namespace, Napi::Env env) {
  static thread_local const Fd own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own || setns(network_namespace, CLONE_NEWNET) < 0) throw system_error(env, "setns", errno);
  Fd result(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int error = errno;
  // To go on in a container's network would be worse than to stop.
  if (setns(own.get(), CLONE_NEWNET) < 0) abort();
  if (!result) throw system_error(env, "socket", error);
  return result;
}

}  // namespace

Napi::Value open_network_namespace(const Napi::CallbackInfo& info) {
  const std::string path = "/proc/" + std::to_string(info[0].As<Napi::Number>().Int32Value()) + "/ns/net";
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw system_error(info.Env(), "open", errno);
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value dial(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Fd connection = socket_in(info[0].As<Napi::Number>().Int32Value(), env);
  const int yes = 1;
  setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 &&
      errno != EINPROGRESS)
    throw system_error(env, "connect", errno);
  // Over loopback the answer is there at once; only a full queue of connections makes it wait.
  pollfd answer{connection.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  if (poll(&answer, 1, 0) == 1) getsockopt(connection.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) throw system_error(env, "connect", error);
  return Napi::Number::New(env, connection.release());
}
