#pragma once

#include <string>

// How the container ended.
struct Exit {
  // A wait(2) status.
  int status;
  bool oom_killed;
};

// "exit <code|-> <signal|-> <out of memory 0/1> <unix ms>\n", as written to the file and told to clients.
std::string describe(const Exit& exit);

// Writes it to the file "exit" of the current directory, whole or not at all; best effort.
void write_exit_record(const std::string& line);
