// The pre-receive hook of every repository: hands the push to the server and shows what the server says, so
// that the client reads the deploy live and the push is refused when the deploy fails. githooks(5).

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view kGone = " !     Slipway went away during the deploy\n";
// What git set so that new objects can be read before the push is accepted. git-receive-pack(1), quarantine.
constexpr const char* kVariables[] = {"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                      "GIT_QUARANTINE_PATH"};

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t length = write(fd, text.data(), text.size());
    if (length <= 0) return false;
    text.remove_prefix(static_cast<size_t>(length));
  }
  return true;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t length; (length = read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), length);
  return text;
}

int connect_to(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return -1;
  memcpy(address.sun_path, path.data(), path.size());
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server < 0) return -1;
  return connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? server : -1;
}

std::string request(std::string_view token) {
  std::string text(token);
  text += '\n';
  for (const char* name : kVariables) {
    if (const char* value = getenv(name))
      text.append("env ").append(name).append("=").append(value).append("\n");
  }
  const std::string updates = read_all(STDIN_FILENO);
  for (std::string_view rest = updates; !rest.empty();) {
    const size_t end = rest.find('\n');
    text.append("ref ").append(rest.substr(0, end)).append("\n");
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
  }
  return text.append("end\n");
}

// The exit status that the server gave, or -1 when the line is something to show.
int show(std::string_view line) {
  constexpr std::string_view kOut = "out ", kExit = "exit ";
  if (line.starts_with(kOut)) send_all(STDOUT_FILENO, std::string(line.substr(kOut.size())) + "\n");
  if (!line.starts_with(kExit)) return -1;
  line.remove_prefix(kExit.size());
  int status = 1;
  std::from_chars(line.data(), line.data() + line.size(), status);
  return status;
}

int relay(int server) {
  std::string pending;
  std::array<char, 4096> buffer;
  for (ssize_t length; (length = read(server, buffer.data(), buffer.size())) > 0;) {
    pending.append(buffer.data(), length);
    for (size_t end; (end = pending.find('\n')) != pending.npos; pending.erase(0, end + 1)) {
      const int status = show(std::string_view(pending).substr(0, end));
      if (status >= 0) return status;
    }
  }
  send_all(STDOUT_FILENO, kGone);
  return 1;
}

}  // namespace

int main() {
  // A client that hangs up does not end the deploy, so neither may it end what waits for the deploy.
  signal(SIGPIPE, SIG_IGN);
  const char* path = getenv("SLIPWAY_HOOK_SOCKET");
  const char* token = getenv("SLIPWAY_HOOK_TOKEN");
  if (path == nullptr || token == nullptr) {
    send_all(STDOUT_FILENO, " !     Push to this repository through Slipway\n");
    return 1;
  }
  const int server = connect_to(path);
  if (server < 0 || !send_all(server, request(token))) {
    send_all(STDOUT_FILENO, kGone);
    return 1;
  }
  return relay(server);
}
