#include "control.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "base/error.h"

namespace {

constexpr size_t kMostClients = 16;
constexpr size_t kLongestLine = 256;
constexpr size_t kLargestOrder = 16 << 20;
constexpr int kLongestGraceMs = 24 * 3600 * 1000;

std::optional<uint64_t> number_after(std::string_view line, std::string_view word) {
  if (!line.starts_with(word)) return std::nullopt;
  line.remove_prefix(word.size());
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return value;
}

// Appends at most `most` bytes, waiting for the first. False at the end of the stream.
bool receive(int socket, size_t most, std::string& text) {
  std::array<char, 65536> buffer;
  ssize_t length;
  do {
    length = recv(socket, buffer.data(), std::min(most, buffer.size()), 0);
  } while (length < 0 && errno == EINTR);
  if (length > 0) text.append(buffer.data(), static_cast<size_t>(length));
  return length > 0;
}

}  // namespace

Control::Control(Fd first) { clients_.push_back({std::move(first), {}, true}); }

bool Control::read_order(std::string& order) {
  // Nothing behind the order is taken: it stays in the socket, where poll(2) will find it.
  const int socket = clients_[0].socket.get();
  std::string line;
  while (!line.ends_with('\n')) {
    if (line.size() > kLongestLine || !receive(socket, 1, line)) return false;
  }
  line.pop_back();
  const auto size = number_after(line, "spec ");
  if (!size || *size > kLargestOrder) return false;
  order.clear();
  while (order.size() < *size) {
    if (!receive(socket, *size - order.size(), order)) return false;
  }
  return true;
}

void Control::listen() {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "control.sock"};
  listener_ = Fd(check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "make control.sock"));
  check(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "make control.sock");
  check(::listen(listener_.get(), kMostClients), "listen at control.sock");
}

void Control::add_to(std::vector<pollfd>& waiting) const {
  waiting.push_back({listener_.get(), POLLIN, 0});
  for (const Client& client : clients_) waiting.push_back({client.socket.get(), POLLIN, 0});
}

std::optional<int> Control::handle(const std::vector<pollfd>& ready) {
  const auto is_ready = [&](int fd) {
    return std::any_of(ready.begin(), ready.end(),
                       [fd](const pollfd& each) { return each.fd == fd && each.revents != 0; });
  };
  std::optional<int> stop;
  for (size_t i = clients_.size(); i-- > 0;) {
    if (is_ready(clients_[i].socket.get()) && !read_from(clients_[i], stop)) drop(i);
  }
  if (is_ready(listener_.get())) accept_client();
  return stop;
}

void Control::announce(const std::string& line) {
  greeting_ = line;
  for (size_t i = clients_.size(); i-- > 0;) tell(clients_[i], line);
}

void Control::accept_client() {
  Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket || clients_.size() == kMostClients) return;
  clients_.push_back({std::move(socket), {}, false});
  tell(clients_.back(), greeting_);
}

bool Control::read_from(Client& client, std::optional<int>& stop) {
  std::array<char, kLongestLine> buffer;
  const ssize_t length = recv(client.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  if (length == 0) return false;
  client.input.append(buffer.data(), length);
  for (size_t end; (end = client.input.find('\n')) != std::string::npos; client.input.erase(0, end + 1)) {
    const std::string_view line = std::string_view(client.input).substr(0, end);
    if (const auto size = number_after(line, "exec "); size && !client.first) {
      exec_clients_.push_back({std::move(client.socket), *size, client.input.substr(end + 1)});
      return false;
    }
    const auto grace = number_after(line, "stop ");
    if (!grace || *grace > kLongestGraceMs) return false;
    stop = std::min(stop.value_or(kLongestGraceMs), static_cast<int>(*grace));
  }
  return client.input.size() <= kLongestLine;
}

void Control::tell(Client& client, const std::string& line) {
  if (send(client.socket.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    shutdown(client.socket.get(), SHUT_RDWR);  // the next poll(2) drops it
  }
}

void Control::drop(size_t index) {
  if (clients_[index].first) first_open_ = false;
  clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(index));
}
