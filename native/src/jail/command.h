#pragma once

#include "jail/spec.h"

// Closes every descriptor but 0, 1, 2 and one more.
void close_extra_descriptors(int kept);

// Becomes the command, as the user and with the rights that the process has by now. `report` is closed when
// that worked; no other descriptor but 0, 1 and 2 is passed on. Throws StepError.
[[noreturn]] void execute(const Command& command, int report);
