// Runs a target once on each file that is named, and prints "<file>: <what came of it>". Needs no libFuzzer.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "target.h"

int main(int count, char** arguments) {
  for (int i = 1; i < count; i++) {
    std::ifstream file(arguments[i], std::ios::binary);
    require(file.is_open(), "the file can be read");
    // Exactly as large as the input, so that a read past its end is noticed.
    const std::vector<char> input{std::istreambuf_iterator(file), {}};
    fprintf(stderr, "running %s\n", arguments[i]);
    printf("%s: %s\n", arguments[i], run_target({input.data(), input.size()}).c_str());
  }
}
