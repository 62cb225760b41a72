#include "supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "execution.h"
#include "exit_record.h"
#include "jail/cgroup.h"
#include "jail/jail.h"
#include "log_writer.h"
#include "pipe.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostExecutions = 16;
constexpr const char* kProtocol = "slipway-monitor 1\n";

// Field 22 of /proc/PID/stat. The name before it is in parentheses and may hold anything.
std::string start_time(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const Fd file(check(open(path.c_str(), O_RDONLY | O_CLOEXEC), "open", path));
  std::array<char, 1024> buffer{};
  check(read(file.get(), buffer.data(), buffer.size() - 1), "read", path);
  const char* at = strrchr(buffer.data(), ')');
  for (int field = 2; at != nullptr && field < 22; field++) at = strchr(at + 1, ' ');
  if (at == nullptr) throw StepError{"read " + path, EPROTO};
  return std::string(at + 1, strcspn(at + 1, " "));
}

class Supervisor {
 public:
  Supervisor(const Order& order, Control& control)
      : order_(order), control_(control), cgroup_(order.spec.id, order.spec.limits) {}

  void start() {
    if (order_.tied) {
      jail_ = start_jail(order_.spec, cgroup_, STDOUT_FILENO, STDERR_FILENO);
      // The server sees the end of the output when the container has ended, not when we have.
      const Fd null(check(open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null"));
      check(dup2(null.get(), STDOUT_FILENO), "redirect stdout");
      check(dup2(null.get(), STDERR_FILENO), "redirect stderr");
    } else {
      log_.emplace(order_.log, order_.log_bytes, order_.log_files);
      Pipe output = make_pipe(), errors = make_pipe();
      set_nonblocking(output.read);
      set_nonblocking(errors.read);
      for (const Pipe* pipe : {&output, &errors}) give_to(pipe->write, order_.spec.id_base, order_.spec);
      jail_ = start_jail(order_.spec, cgroup_, output.write.get(), errors.write.get());
      streams_.emplace_back('o', std::move(output.read));
      streams_.emplace_back('e', std::move(errors.read));
    }
    cgroup_.forget_join();
    control_.announce(kProtocol + ("ready " + std::to_string(jail_.pid) + " " + start_time(jail_.pid)) +
                      "\n");
  }

  void run() {
    std::vector<pollfd> waiting;
    do {
      waiting.assign({{jail_.pidfd.get(), POLLIN, 0}});
      for (const LogStream& stream : streams_) waiting.push_back({stream.fd(), POLLIN, 0});
      control_.add_to(waiting);
      for (const Execution& execution : executions_) execution.add_to(waiting);
      poll(waiting.data(), waiting.size(), remaining_ms());
      read_output(waiting);
      handle_control(waiting);
      handle_executions(waiting);
      if (deadline_ && Clock::now() >= *deadline_) kill_all();
    } while (waiting[0].revents == 0);
    finish();
  }

 private:
  int remaining_ms() const {
    std::optional<Clock::time_point> next = deadline_;
    for (const Execution& execution : executions_) {
      const auto other = execution.deadline();
      if (other && (!next || *other < *next)) next = other;
    }
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
    return left < 0 ? 0 : static_cast<int>(left);
  }

  void read_output(const std::vector<pollfd>& ready) {
    for (size_t i = streams_.size(); i-- > 0;) {
      const bool more = ready[i + 1].revents == 0 || streams_[i].read_some(*log_);
      if (more) continue;
      streams_[i].drain(*log_);
      streams_.erase(streams_.begin() + static_cast<ptrdiff_t>(i));
    }
  }

  void handle_control(const std::vector<pollfd>& ready) {
    if (const auto grace_ms = control_.handle(ready)) stop(*grace_ms);
    if (order_.tied && !control_.first_is_open()) kill_all();
    for (Control::ExecClient& client : control_.take_exec_clients()) {
      Execution execution(std::move(client));
      if (executions_.size() == kMostExecutions)
        execution.refuse();
      else
        executions_.push_back(std::move(execution));
    }
  }

  void handle_executions(const std::vector<pollfd>& ready) {
    for (Execution& execution : executions_) {
      execution.handle(ready, {jail_, order_.spec, cgroup_, streams_});
    }
    std::erase_if(executions_, [](const Execution& execution) { return execution.over(); });
  }

  // The commands have ended with the container; their clients have a little time left to take what is still
  // for them.
  void finish_executions() {
    const auto end = Clock::now() + std::chrono::seconds(1);
    for (std::vector<pollfd> waiting; !executions_.empty() && Clock::now() < end; waiting.clear()) {
      for (const Execution& execution : executions_) execution.add_to(waiting);
      poll(waiting.data(), waiting.size(), 100);
      handle_executions(waiting);
    }
  }

  void stop(int grace_ms) {
    if (grace_ms == 0) return kill_all();
    send_signal(SIGTERM);
    const auto deadline = Clock::now() + std::chrono::milliseconds(grace_ms);
    deadline_ = deadline_ ? std::min(*deadline_, deadline) : deadline;
  }

  // The kernel ends everything in a pid namespace with its first process. pid_namespaces(7).
  void kill_all() {
    send_signal(SIGKILL);
    deadline_.reset();
  }

  void send_signal(int signal) { syscall(SYS_pidfd_send_signal, jail_.pidfd.get(), signal, nullptr, 0); }

  // Log first, then the record, then the word: who is told of the end finds everything in place.
  void finish() {
    waitpid(jail_.pid, nullptr, 0);
    for (LogStream& stream : streams_) stream.drain(*log_);
    Exit exit{.status = SIGKILL, .oom_killed = false};
    const ssize_t length = read(jail_.status.get(), &exit.status, sizeof exit.status);
    if (length != sizeof exit.status) exit.status = SIGKILL;
    exit.oom_killed = exit.status != 0 && cgroup_.oom_killed();
    const std::string line = describe(exit);
    if (!order_.tied) write_exit_record(line);
    control_.announce(kProtocol + line);
    finish_executions();
  }

  const Order& order_;
  Control& control_;
  Cgroup cgroup_;
  Jail jail_{};
  std::optional<LogWriter> log_;
  std::vector<LogStream> streams_;
  std::vector<Execution> executions_;
  std::optional<Clock::time_point> deadline_;
};

}  // namespace

void supervise(const Order& order, Control& control) {
  Supervisor supervisor(order, control);
  supervisor.start();
  supervisor.run();
}
