// Fuzz target: what an app writes, cut into lines of a log. read(2) and write(2) are replaced (ld --wrap), so
// that an input says exactly what each read returns:
//   byte FF  ends a piece; an empty piece is a pipe with nothing in it

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <vector>

#include "monitor/log_writer.h"
#include "target.h"

namespace {

constexpr char kPieceEnd = '\xff';
// No real descriptor is as large.
constexpr int kPipe = 1 << 24;
constexpr size_t kLongestLine = 16384;
constexpr std::string_view kTimeForm = "dddd-dd-ddTdd:dd:dd.dddddddddZ";

std::deque<std::string> pieces;
bool open_pipe = false;
// What was written, while a target runs.
std::string* written = nullptr;

std::vector<std::string> expected_lines(std::string_view input) {
  std::string text(input);
  std::erase(text, kPieceEnd);
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t length = std::min({end, text.size(), kLongestLine});
    lines.push_back(text.substr(0, length));
    text.erase(0, length + (length == end ? 1 : 0));
  }
  return lines;
}

// The text of one line of the log, without its time and stream.
std::string text_of(std::string_view line) {
  require(line.size() >= kTimeForm.size() + 3, "a line has a time and a stream");
  for (size_t i = 0; i < kTimeForm.size(); i++) {
    const bool digit = line[i] >= '0' && line[i] <= '9';
    require(kTimeForm[i] == 'd' ? digit : line[i] == kTimeForm[i], "a line begins with an RFC 3339 time");
  }
  require(line.substr(kTimeForm.size(), 3) == " o ", "a line names its stream");
  return std::string(line.substr(kTimeForm.size() + 3));
}

std::vector<std::string> logged_lines(std::string_view log) {
  std::vector<std::string> lines;
  for (size_t end; (end = log.find('\n')) != log.npos; log.remove_prefix(end + 1)) {
    lines.push_back(text_of(log.substr(0, end)));
  }
  require(log.empty(), "the last line has an end");
  return lines;
}

}  // namespace

std::string run_target(std::string_view input) {
  pieces.clear();
  for (std::string_view rest = input; !rest.empty();) {
    const size_t end = std::min(rest.find(kPieceEnd), rest.size());
    pieces.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::string log;
  open_pipe = true;
  {
    LogWriter writer("/dev/null", UINT64_MAX, 1);
    LogStream stream('o', Fd(kPipe));
    written = &log;
    while (stream.read_some(writer)) {
    }
    stream.drain(writer);
    written = nullptr;
  }
  require(!open_pipe, "the pipe is closed");
  const std::vector<std::string> lines = logged_lines(log);
  require(lines == expected_lines(input), "every line is logged, in whatever pieces it comes");
  return std::to_string(lines.size()) + " lines";
}

extern "C" {
ssize_t __real_read(int fd, void* buffer, size_t size);
ssize_t __real_write(int fd, const void* data, size_t size);
int __real_close(int fd);

ssize_t __wrap_read(int fd, void* buffer, size_t size) {
  if (fd != kPipe) return __real_read(fd, buffer, size);
  if (pieces.empty()) return 0;
  std::string& piece = pieces.front();
  const size_t length = std::min(size, piece.size());
  memcpy(buffer, piece.data(), length);
  piece.erase(0, length);
  if (piece.empty()) pieces.pop_front();
  if (length > 0) return static_cast<ssize_t>(length);
  errno = EAGAIN;
  return -1;
}

ssize_t __wrap_write(int fd, const void* data, size_t size) {
  if (written == nullptr) return __real_write(fd, data, size);
  written->append(static_cast<const char*>(data), size);
  return static_cast<ssize_t>(size);
}

int __wrap_close(int fd) {
  if (fd != kPipe) return __real_close(fd);
  require(open_pipe, "the pipe is closed once");
  open_pipe = false;
  return 0;
}
}
