#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "control.h"
#include "jail/enter.h"
#include "log_writer.h"

// A command that a client has run in the container, and its connection. The client sends an order, see
// parse_exec_order(), then frames: a letter, the size of the payload in 4 bytes (big-endian), the payload.
//
// From the client: i input, at most kWindow bytes of it that the command has not taken yet; c the end of the
// input; w columns and rows of the terminal, 2 bytes each; s a signal number, 1 byte, for the process group.
// To the client: s the command is executing; t how many bytes of input it has taken, 4 bytes; o and e what it
// wrote; x last, an "exit ..." line as for the container, or "error <errno> <step>: <reason>\n".
//
// Nothing blocks, and nothing is read that there is no room for: a client that does not read holds up nothing
// but its own command, a command that does not read its input still gets signals. When the client goes, the
// process group gets SIGHUP, and SIGKILL if that is not enough.
class Execution {
 public:
  using Clock = std::chrono::steady_clock;

  // What it is about: the container, and where the output of a command without a client goes.
  struct Container {
    const Jail& jail;
    const Spec& spec;
    const Cgroup& cgroup;
    std::vector<LogStream>& log;
  };

  explicit Execution(Control::ExecClient client);

  // Tells a client that there are too many already.
  void refuse();

  void add_to(std::vector<pollfd>& waiting) const;

  // Handles what poll(2) reported, at the latest when deadline() has passed.
  void handle(const std::vector<pollfd>& ready, const Container& container);

  std::optional<Clock::time_point> deadline() const;

  // True when nothing is left to do, neither for the client nor for a process.
  bool over() const;

 private:
  struct Output {
    char name;
    Fd fd;
    // How much is still read after the command's end: others may go on writing.
    size_t left;
  };

  void read_client(const Container& container);
  void begin(const Container& container);
  void start(std::string_view order, const Container& container);
  bool take_frames();
  bool take_frame(char kind, std::string_view payload);
  void read_reports();
  void started();
  void reap();
  void write_input();
  void read_outputs(const std::vector<pollfd>& ready);
  void read_output(Output& output);
  void send_frame(char kind, std::string_view payload);
  void flush();
  void fail(const std::string& line);
  void hang_up();
  void send_signal(int signal);
  int input_fd() const { return terminal_ ? terminal_.get() : stdin_.get(); }

  Fd client_;
  std::string received_;
  std::string to_send_;
  std::optional<size_t> order_size_;
  bool detached_ = false;

  // While it is being started.
  pid_t opener_ = -1;
  std::unique_ptr<pid_t, Unmap> process_;
  Fd reports_;
  std::optional<StepError> error_;

  pid_t pid_ = -1;
  Fd pidfd_;
  std::optional<int> status_;
  bool oom_before_ = false;
  std::optional<Clock::time_point> kill_at_;

  Fd stdin_;
  Fd terminal_;
  std::string input_;
  bool input_ends_ = false;
  uint32_t taken_ = 0;
  std::vector<Output> outputs_;
  bool last_frame_made_ = false;
};
