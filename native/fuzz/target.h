#pragma once

#include <string>
#include <string_view>

// A fuzz target, one a program: takes any input and says in a line what came of it. Ends the program when
// something is not as it must be; the sanitizers do the same.
std::string run_target(std::string_view input);

// Ends the program with a report unless `holds`.
void require(bool holds, const char* what);
