#pragma once

#include "control.h"
#include "spec_parser.h"

// Makes the container that the server ordered, keeps its log and answers the server until it has ended.
// Throws StepError when it cannot be made.
void supervise(const Order& order, Control& control);
