#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

// Messages over a SOCK_SEQPACKET pair between the monitor and the container that it makes.

// Sends one message of a single letter, and descriptors with it. Throws StepError.
void send_message(int socket, char kind, std::span<const int> fds = {});

// Receives a message of that letter and the descriptors that came with it. Throws StepError when the other
// side has gone.
std::vector<Fd> receive_message(int socket, char kind);

struct Message {
  char kind;
  std::vector<Fd> fds;
};

// Receives the next message; an empty one of kind 0 when the other side has closed its end. Throws the
// StepError that it sent.
Message receive_any(int socket);

// Tells the other side which step failed; best effort, as there is nothing left to do when it cannot be told.
void send_error(int socket, const StepError& error);

// Waits until the other side has closed its end (true) or throws the StepError that it sent.
void await_close(int socket);
