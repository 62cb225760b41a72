#include "execution.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/message.h"
#include "exit_record.h"
#include "pipe.h"
#include "spec_parser.h"

namespace {

constexpr size_t kLargestOrder = 256 << 10;
constexpr size_t kWindow = 16 << 10;
constexpr size_t kHeader = 5;
constexpr size_t kMostAfterEnd = 1 << 20;  // pipe(7): the most that a pipe can be made to hold
constexpr auto kHangUpGrace = std::chrono::seconds(2);
constexpr char kEndOfTerminalInput = 4;  // Ctrl-D

bool is_ready(const std::vector<pollfd>& ready, const Fd& fd) {
  return fd && std::any_of(ready.begin(), ready.end(),
                           [&](const pollfd& each) { return each.fd == fd.get() && each.revents != 0; });
}

std::string big_endian(uint32_t number) {
  const uint32_t bytes = htonl(number);
  return std::string(reinterpret_cast<const char*>(&bytes), sizeof bytes);
}

uint32_t number_at(const char* bytes) {
  uint32_t number;
  memcpy(&number, bytes, sizeof number);
  return ntohl(number);
}

uint16_t short_at(const char* bytes) {
  uint16_t number;
  memcpy(&number, bytes, sizeof number);
  return ntohs(number);
}

std::string describe(const StepError& error) {
  return "error " + std::to_string(error.error) + " " + error.step + ": " + strerror(error.error) + "\n";
}

}  // namespace

Execution::Execution(Control::ExecClient client)
    : client_(std::move(client.socket)), received_(std::move(client.input)), order_size_(client.order_size) {}

void Execution::add_to(std::vector<pollfd>& waiting) const {
  const auto add = [&](int fd, short events) { waiting.push_back({fd, events, 0}); };
  if (client_) add(client_.get(), static_cast<short>(POLLIN | (to_send_.empty() ? 0 : POLLOUT)));
  if (reports_) add(reports_.get(), POLLIN);
  const bool has_room = to_send_.empty();
  // Of a process that has ended it stays readable: what is left of the output is then read without waiting.
  if (pidfd_ && (!status_ || has_room)) add(pidfd_.get(), POLLIN);
  if (!input_.empty() && input_fd() >= 0) add(input_fd(), POLLOUT);
  if (!has_room) return;
  for (const Output& output : outputs_) add(output.fd.get(), POLLIN);
}

void Execution::handle(const std::vector<pollfd>& ready, const Container& container) {
  if (opener_ > 0 && waitpid(opener_, nullptr, WNOHANG) == opener_) opener_ = -1;
  if (is_ready(ready, reports_)) read_reports();
  // What came with the request, or behind it, is not announced by poll(2).
  if (order_size_ || is_ready(ready, client_)) read_client(container);
  if (!status_ && is_ready(ready, pidfd_)) reap();
  if (kill_at_ && Clock::now() >= *kill_at_) {
    send_signal(SIGKILL);
    kill_at_.reset();
  }
  write_input();
  flush();
  read_outputs(ready);
  if (status_ && outputs_.empty() && !last_frame_made_ && to_send_.empty()) {
    const bool oom = WIFSIGNALED(*status_) && WTERMSIG(*status_) == SIGKILL && !oom_before_ &&
                     container.cgroup.oom_killed();
    send_frame('x', describe(Exit{.status = *status_, .oom_killed = oom}));
    last_frame_made_ = true;
  }
  flush();
  // Closing with something unread would break the client's connection before it has read its last frame.
  if (client_ && last_frame_made_ && to_send_.empty()) shutdown(client_.get(), SHUT_WR);
}

std::optional<Execution::Clock::time_point> Execution::deadline() const {
  // It closes its end a moment before it has ended.
  if (opener_ > 0 && !reports_) return Clock::now() + std::chrono::milliseconds(10);
  return kill_at_;
}

void Execution::refuse() {
  fail(describe(StepError{"run a command: too many run in this container", EAGAIN}));
  flush();
}

bool Execution::over() const {
  const bool process_left = opener_ > 0 || reports_ || (pidfd_ && !status_);
  return !client_ && !process_left;
}

void Execution::read_client(const Container& container) {
  std::array<char, kWindow> buffer;
  const ssize_t length = recv(client_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) return hang_up();
  if (last_frame_made_) return;
  if (length > 0) received_.append(buffer.data(), static_cast<size_t>(length));
  if (order_size_) begin(container);
  if (client_ && !order_size_ && !take_frames()) hang_up();
}

void Execution::begin(const Container& container) {
  if (*order_size_ > kLargestOrder) return fail(describe(StepError{"run a command", E2BIG}));
  if (received_.size() < *order_size_) return;
  const std::string order = received_.substr(0, *order_size_);
  received_.erase(0, *order_size_);
  received_.shrink_to_fit();
  order_size_.reset();
  try {
    start(order, container);
  } catch (const StepError& error) {
    fail(describe(error));
  } catch (const SpecError& error) {
    fail("error " + std::to_string(EINVAL) + " command refused: " + error.reason + "\n");
  }
}

void Execution::start(std::string_view bytes, const Container& container) {
  const auto& [jail, spec, cgroup, log] = container;
  const ExecOrder order = parse_exec_order(bytes, spec);
  const Fd null(check(open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null"));
  Pipe input, output, errors;
  int streams[3] = {null.get(), null.get(), null.get()};
  if (!order.terminal) {
    output = make_pipe(), errors = make_pipe();
    for (Pipe* pipe : {&output, &errors}) {
      set_nonblocking(pipe->read);
      give_to(pipe->write, spec.id_base, order.command);
    }
    streams[1] = output.write.get(), streams[2] = errors.write.get();
  }
  if (!order.terminal && !order.detached) {
    input = make_pipe();
    set_nonblocking(input.write);
    give_to(input.read, spec.id_base, order.command);
    streams[0] = input.read.get();
  }
  oom_before_ = cgroup.oom_killed();
  Entrance entrance = enter_jail(jail, cgroup, spec.limits, order.command, streams, order.terminal);
  opener_ = entrance.opener;
  process_ = std::move(entrance.process);
  reports_ = std::move(entrance.reports);
  detached_ = order.detached;
  if (order.terminal) return;
  if (detached_) {
    log.emplace_back('o', std::move(output.read));
    log.emplace_back('e', std::move(errors.read));
    return;
  }
  stdin_ = std::move(input.write);
  outputs_.push_back({'o', std::move(output.read), kMostAfterEnd});
  outputs_.push_back({'e', std::move(errors.read), kMostAfterEnd});
}

bool Execution::take_frames() {
  size_t at = 0;
  while (received_.size() - at >= kHeader) {
    const char kind = received_[at];
    const uint32_t size = number_at(&received_[at + 1]);
    if (size > kWindow) return false;
    if (received_.size() - at - kHeader < size) break;
    if (!take_frame(kind, std::string_view(received_).substr(at + kHeader, size))) return false;
    at += kHeader + size;
  }
  received_.erase(0, at);
  return true;
}

bool Execution::take_frame(char kind, std::string_view payload) {
  if (kind == 'i' && !input_ends_ && input_.size() + payload.size() <= kWindow) {
    input_.append(payload);
    return true;
  }
  if (kind == 'c' && payload.empty()) return input_ends_ = true;
  if (kind == 's' && payload.size() == 1) return send_signal(payload[0]), true;
  if (kind == 'w' && payload.size() == 4) {
    winsize size{};
    size.ws_col = short_at(&payload[0]);
    size.ws_row = short_at(&payload[2]);
    if (terminal_) ioctl(terminal_.get(), TIOCSWINSZ, &size);
    return true;
  }
  return false;
}

void Execution::read_reports() {
  try {
    Message message = receive_any(reports_.get());
    if (message.kind == kTerminal && message.fds.size() == 1) {
      terminal_ = std::move(message.fds[0]);
      set_nonblocking(terminal_);
      Fd copy(check(fcntl(terminal_.get(), F_DUPFD_CLOEXEC, 0), "copy the terminal"));
      outputs_.push_back({'o', std::move(copy), kMostAfterEnd});
    } else {
      started();
    }
  } catch (const StepError& error) {
    // Another message or the end follows.
    if (!error_) error_ = error;
  }
}

void Execution::started() {
  reports_.reset();
  pid_ = *process_;
  process_.reset();
  // The opener was killed, for example for want of memory.
  if (!error_ && pid_ == 0) error_ = StepError{"start the command", ECHILD};
  if (pid_ != 0) pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (error_) return fail(describe(*error_));
  send_frame('s', {});
  if (detached_) {
    last_frame_made_ = true;
  } else if (!client_) {
    hang_up();  // it went in the meantime
  }
}

// At once when it has ended, whatever the client does: the kernel keeps the container's init until every
// process of its pid namespace has been reaped.
void Execution::reap() {
  if (!client_ && !detached_)
    kill(-pid_, SIGKILL);  // the number is the group's for as long as this is a zombie
  int status;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return;
  status_ = status;
  kill_at_.reset();
  stdin_.reset();
  terminal_.reset();
  input_.clear();
}

void Execution::write_input() {
  const int fd = input_fd();
  if (fd >= 0 && !input_.empty()) {
    const ssize_t length = write(fd, input_.data(), input_.size());
    const bool refused = length < 0 && errno != EAGAIN && errno != EINTR;
    const size_t taken = length > 0 ? static_cast<size_t>(length) : refused ? input_.size() : 0;
    input_.erase(0, taken);
    taken_ += taken;
  }
  if (taken_ > 0 && to_send_.empty()) send_frame('t', big_endian(std::exchange(taken_, 0)));
  if (!input_.empty() || !input_ends_) return;
  if (stdin_) stdin_.reset();
  if (terminal_) {
    input_.assign(1, kEndOfTerminalInput);
    input_ends_ = false;
  }
}

// One at a time and in turn, so that neither holds up the other.
void Execution::read_outputs(const std::vector<pollfd>& ready) {
  if (!to_send_.empty()) return;
  const auto found = std::find_if(outputs_.begin(), outputs_.end(), [&](const Output& output) {
    return status_ || is_ready(ready, output.fd);
  });
  if (found == outputs_.end()) return;
  std::rotate(outputs_.begin(), found + 1, outputs_.end());
  read_output(outputs_.back());
  if (!outputs_.back().fd) outputs_.pop_back();
}

void Execution::read_output(Output& output) {
  std::array<char, kWindow> buffer;
  const ssize_t length = read(output.fd.get(), buffer.data(), std::min(buffer.size(), output.left));
  if (length > 0) {
    send_frame(output.name, {buffer.data(), static_cast<size_t>(length)});
    if (status_) output.left -= static_cast<size_t>(length);
    return;
  }
  if (length < 0 && (errno == EINTR || (errno == EAGAIN && !status_))) return;
  output.fd.reset();
}

void Execution::send_frame(char kind, std::string_view payload) {
  if (!client_) return;
  to_send_.append(1, kind).append(big_endian(static_cast<uint32_t>(payload.size()))).append(payload);
}

void Execution::flush() {
  if (to_send_.empty() || !client_) return;
  const ssize_t length = send(client_.get(), to_send_.data(), to_send_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (length > 0) to_send_.erase(0, static_cast<size_t>(length));
  if (length < 0 && errno != EAGAIN && errno != EINTR) hang_up();
}

// There is no command, or none any more.
void Execution::fail(const std::string& line) {
  order_size_.reset();
  outputs_.clear();
  send_frame('x', line);
  last_frame_made_ = true;
}

void Execution::hang_up() {
  client_.reset();
  order_size_.reset();
  to_send_.clear();
  if (detached_) return;
  stdin_.reset();
  terminal_.reset();
  input_.clear();
  outputs_.clear();
  if (!pidfd_ || status_) return;
  send_signal(SIGHUP);
  kill_at_ = Clock::now() + kHangUpGrace;
}

void Execution::send_signal(int signal) {
  if (!pidfd_ || status_) return;
  if (kill(-pid_, signal) < 0) syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}
