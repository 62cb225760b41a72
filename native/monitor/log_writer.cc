#include "log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/error.h"

namespace {

constexpr size_t kLongestLine = 16384;

std::string timestamp() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts;
  gmtime_r(&now.tv_sec, &parts);
  std::array<char, 64> text;
  const int length =
      snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", parts.tm_year + 1900,
               parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec);
  return std::string(text.data(), length);
}

}  // namespace

LogWriter::LogWriter(std::string path, uint64_t bytes, uint64_t files)
    : path_(std::move(path)), limit_(bytes), files_(files) {
  open_file();
  check(file_.get(), "open", path_);
}

void LogWriter::write_line(char stream, std::string_view text) {
  std::string line = timestamp();
  line.append(1, ' ').append(1, stream).append(1, ' ').append(text).append(1, '\n');
  if (size_ > 0 && size_ + line.size() > limit_) rotate();
  if (write(file_.get(), line.data(), line.size()) > 0) size_ += line.size();
}

void LogWriter::open_file() {
  file_ = Fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat info;
  size_ = fstat(file_.get(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

void LogWriter::rotate() {
  if (files_ == 1) {
    unlink(path_.c_str());
  } else {
    for (uint64_t i = files_ - 1; i > 1; i--) {
      rename((path_ + "." + std::to_string(i - 1)).c_str(), (path_ + "." + std::to_string(i)).c_str());
    }
    rename(path_.c_str(), (path_ + ".1").c_str());
  }
  open_file();
}

bool LogStream::read_some(LogWriter& log) {
  std::array<char, 65536> buffer;
  const ssize_t length = read(pipe_.get(), buffer.data(), buffer.size());
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  take({buffer.data(), static_cast<size_t>(length)}, log);
  return length > 0;
}

void LogStream::drain(LogWriter& log) {
  std::array<char, 65536> buffer;
  ssize_t length;
  while ((length = read(pipe_.get(), buffer.data(), buffer.size())) > 0) {
    take({buffer.data(), static_cast<size_t>(length)}, log);
  }
  if (!rest_.empty()) log.write_line(name_, rest_);
  rest_.clear();
}

void LogStream::take(std::string_view data, LogWriter& log) {
  while (!data.empty()) {
    const size_t end = data.find('\n');
    const size_t room = kLongestLine - rest_.size();
    if (end != data.npos && end <= room) {
      log.write_line(name_, rest_.append(data.substr(0, end)));
      data.remove_prefix(end + 1);
    } else if (data.size() <= room) {
      rest_.append(data);
      return;
    } else {
      log.write_line(name_, rest_.append(data.substr(0, room)));
      data.remove_prefix(room);
    }
    rest_.clear();
  }
}
