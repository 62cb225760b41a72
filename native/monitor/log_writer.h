#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"

// The container's log: lines of "<RFC 3339 time, UTC, nanoseconds> <o|e> <text>". When the file has reached
// its size it becomes <path>.1, the one before that <path>.2 and so on, at most `files` in all.
class LogWriter {
 public:
  // Throws StepError when the file cannot be opened.
  LogWriter(std::string path, uint64_t bytes, uint64_t files);

  // Never fails: what cannot be written, for example on a full disk, is lost, so that the app is not held up.
  void write_line(char stream, std::string_view text);

 private:
  void open_file();
  void rotate();

  std::string path_;
  uint64_t limit_;
  uint64_t files_;
  uint64_t size_ = 0;
  Fd file_;
};

// One of the container's output pipes, cut into lines of at most 16 KiB.
class LogStream {
 public:
  LogStream(char name, Fd pipe) : name_(name), pipe_(std::move(pipe)) {}

  int fd() const { return pipe_.get(); }

  // Reads once. False at the end of the stream, when nothing is left to read from it.
  bool read_some(LogWriter& log);

  // Takes what is there without waiting, and the last line even when it has no end.
  void drain(LogWriter& log);

 private:
  void take(std::string_view data, LogWriter& log);

  char name_;
  Fd pipe_;
  std::string rest_;
};
