// Fuzz target: what comes over the monitor's control connections, in pieces of any size. The socket calls are
// replaced (ld --wrap), so that an input says exactly what each recv(2) returns:
//   byte FF  ends a piece; an empty piece is an interrupted call
//   byte FE  ends what this client sends, another client follows
//   byte FD  first of a client's: it reads nothing of what it is told
// The first client is the server that sent the order.

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>

#include "monitor/control.h"
#include "target.h"

namespace {

constexpr char kPieceEnd = '\xff', kClientEnd = '\xfe', kDeaf = '\xfd';
// No real descriptor is as large.
constexpr int kListener = 1 << 24;
constexpr int kFirst = kListener + 1;
constexpr size_t kLongestLine = 256;
constexpr size_t kMostClients = 16;

struct Client {
  std::deque<std::string> pieces;
  bool deaf = false;
  enum { kWaiting, kOpen, kShut, kClosed } state = kWaiting;

  std::string everything() const {
    std::string all;
    for (const std::string& piece : pieces) all += piece;
    return all;
  }
};

std::vector<Client> clients;
bool listening = false;

Client* client_of(int fd) {
  const size_t index = static_cast<size_t>(fd) - kFirst;
  return fd >= kFirst && index < clients.size() ? &clients[index] : nullptr;
}

std::vector<std::string> split(std::string_view text, char end) {
  std::vector<std::string> parts;
  for (size_t next; (next = text.find(end)) != text.npos; text.remove_prefix(next + 1)) {
    parts.emplace_back(text.substr(0, next));
  }
  parts.emplace_back(text);
  return parts;
}

void read_input(std::string_view input) {
  clients.clear();
  for (std::string_view sent : split(input, kClientEnd)) {
    Client client;
    client.deaf = sent.starts_with(kDeaf);
    if (client.deaf) sent.remove_prefix(1);
    for (std::string& piece : split(sent, kPieceEnd)) client.pieces.push_back(std::move(piece));
    clients.push_back(std::move(client));
  }
}

// What the pieces mean, put together: found out in another way than in the code under test.
struct Meaning {
  std::optional<std::string> order;
  // The shortest grace of any request to stop.
  std::optional<int> stop;
  // Lines that are too long are taken or not, depending on the pieces, and so are clients that are too many.
  bool certain = true;
};

std::optional<uint64_t> value_of(const std::string& line, const std::string& word) {
  if (line.compare(0, word.size(), word) != 0 || line.size() == word.size()) return {};
  if (line.find_first_not_of("0123456789", word.size()) != line.npos) return {};
  errno = 0;
  const uint64_t value = strtoull(line.c_str() + word.size(), nullptr, 10);
  if (errno != 0) return {};
  return value;
}

void take_lines(std::string_view text, Meaning& meaning) {
  std::vector<std::string> lines = split(text, '\n');
  lines.pop_back();  // has no end
  for (const std::string& line : lines) {
    if (line.size() >= kLongestLine) meaning.certain = false;
    const std::optional<uint64_t> grace = value_of(line, "stop ");
    if (!grace || *grace > 24 * 3600 * 1000) return;
    meaning.stop = std::min(meaning.stop.value_or(INT32_MAX), static_cast<int>(*grace));
  }
}

Meaning meaning_of_input() {
  Meaning meaning;
  const std::string sent = clients[0].everything();
  const size_t end = sent.find('\n');
  if (end == sent.npos) return meaning;
  if (end >= kLongestLine || clients.size() > kMostClients) meaning.certain = false;
  const std::optional<uint64_t> size = value_of(sent.substr(0, end), "spec ");
  if (!size || *size > sent.size() - end - 1) return meaning;
  meaning.order = sent.substr(end + 1, *size);
  for (const Client& client : clients) {
    const bool first = &client == &clients[0];
    if (!client.deaf) take_lines(first ? sent.substr(end + 1 + *size) : client.everything(), meaning);
  }
  return meaning;
}

bool somebody_waits() {
  return std::any_of(clients.begin(), clients.end(),
                     [](const Client& client) { return client.state == Client::kWaiting; });
}

// Reports all connections as ready until every client has come, said all and gone.
std::optional<int> run_until_quiet(Control& control) {
  std::optional<int> stop;
  for (std::vector<pollfd> ready; control.add_to(ready), ready.size() > 1 || somebody_waits();
       ready.clear()) {
    for (pollfd& each : ready) each.revents = POLLIN;
    if (const auto grace = control.handle(ready)) stop = std::min(*grace, stop.value_or(*grace));
  }
  return stop;
}

std::string text_of(const std::optional<int>& stop) {
  return stop ? "stop " + std::to_string(*stop) : "no stop";
}

}  // namespace

std::string run_target(std::string_view input) {
  read_input(input);
  const Meaning meaning = meaning_of_input();
  clients[0].state = Client::kOpen;
  std::string order;
  bool complete;
  std::optional<int> stop;
  {
    Control control{Fd(kFirst)};
    complete = control.read_order(order);
    if (complete) {
      control.listen();
      control.announce("slipway-monitor 1\nready 1 1\n");
      stop = run_until_quiet(control);
      require(!control.first_is_open(), "the end of the first connection is noticed");
    }
  }
  require(!listening, "the listener is closed");
  for (const Client& client : clients) require(client.state != Client::kOpen, "a connection is closed");
  if (meaning.certain) {
    require(complete == meaning.order.has_value(), "an order is taken when it is complete");
    require(!complete || order == *meaning.order, "an order arrives as it was sent");
    require(stop == meaning.stop, "every request to stop is taken, in whatever pieces it comes");
  }
  return complete ? "order of " + std::to_string(order.size()) + " bytes, " + text_of(stop) : "no order";
}

extern "C" {
int __real_close(int fd);

int __wrap_socket(int, int, int) {
  listening = true;
  return kListener;
}

int __wrap_bind(int, const sockaddr*, socklen_t) { return 0; }

int __wrap_listen(int, int) { return 0; }

int __wrap_accept4(int, sockaddr*, socklen_t*, int) {
  for (size_t i = 0; i < clients.size(); i++) {
    if (clients[i].state != Client::kWaiting) continue;
    clients[i].state = Client::kOpen;
    return kFirst + static_cast<int>(i);
  }
  errno = EAGAIN;
  return -1;
}

ssize_t __wrap_recv(int fd, void* buffer, size_t size, int) {
  Client* client = client_of(fd);
  require(client != nullptr && (client->state == Client::kOpen || client->state == Client::kShut),
          "only an open connection is read");
  if (client->pieces.empty() || client->state == Client::kShut) return 0;
  std::string& piece = client->pieces.front();
  const size_t length = std::min(size, piece.size());
  memcpy(buffer, piece.data(), length);
  piece.erase(0, length);
  if (piece.empty()) client->pieces.pop_front();
  if (length > 0) return static_cast<ssize_t>(length);
  errno = EINTR;
  return -1;
}

ssize_t __wrap_send(int fd, const void*, size_t size, int) {
  Client* client = client_of(fd);
  require(client != nullptr && client->state != Client::kClosed, "only an open connection is written to");
  if (!client->deaf) return static_cast<ssize_t>(size);
  errno = EAGAIN;
  return -1;
}

int __wrap_shutdown(int fd, int) {
  Client* client = client_of(fd);
  require(client != nullptr && client->state == Client::kOpen, "only an open connection is shut");
  client->state = Client::kShut;
  return 0;
}

int __wrap_close(int fd) {
  if (fd < kListener) return __real_close(fd);
  if (fd == kListener) {
    require(listening, "the listener is closed once");
    listening = false;
    return 0;
  }
  Client* client = client_of(fd);
  require(client != nullptr && client->state != Client::kClosed, "a connection is closed once");
  client->state = Client::kClosed;
  return 0;
}
}
