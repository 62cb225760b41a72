#pragma once

#include <cerrno>
#include <string>
#include <string_view>

// What was being done when a system call failed, and its errno. Ends up in the line that the user reads.
struct StepError {
  std::string step;
  int error;
};

// Returns what a system call returned, or throws with the name of the step and what it was done to.
template <typename Result>
Result check(Result result, const char* step, std::string_view detail = {}) {
  if (result >= 0) return result;
  const int error = errno;
  std::string text(step);
  if (!detail.empty()) text.append(" ").append(detail);
  throw StepError{std::move(text), error};
}
