#pragma once

#include <poll.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"

// The server's connections: the one that it made the monitor with, and any that come over a socket of its
// own. Lines of text both ways; a client that does not read what it is told is dropped.
class Control {
 public:
  explicit Control(Fd first);

  // Reads from the first connection, waiting, until `order` is complete: "spec <bytes>\n" and that many
  // bytes. False when the server went away.
  bool read_order(std::string& order);

  // Takes connections at control.sock in the current directory from now on.
  void listen();

  void add_to(std::vector<pollfd>& waiting) const;

  // Handles what poll(2) reported; returns the longest wait in milliseconds that a client now allows before
  // the end, when one asked to stop.
  std::optional<int> handle(const std::vector<pollfd>& ready);

  // A client that sent "exec <bytes>\n": what follows is an Execution's.
  struct ExecClient {
    Fd socket;
    size_t order_size;
    // What was already read of that.
    std::string input;
  };

  // Those that came since the last call.
  std::vector<ExecClient> take_exec_clients() { return std::exchange(exec_clients_, {}); }

  // Tells every client, and greets later ones with the same.
  void announce(const std::string& line);

  bool first_is_open() const { return first_open_; }

 private:
  struct Client {
    Fd socket;
    std::string input;
    bool first;
  };

  void accept_client();
  bool read_from(Client& client, std::optional<int>& stop);
  void tell(Client& client, const std::string& line);
  void drop(size_t index);

  Fd listener_;
  std::vector<Client> clients_;
  std::vector<ExecClient> exec_clients_;
  std::string greeting_;
  bool first_open_ = true;
};
