#pragma once

#include <sys/types.h>

#include "jail/spec.h"

// Makes a veth pair: one end on the host's bridge, the other as eth0 in the network namespace of `pid`. The
// host's end is an isolated port: it exchanges frames with the bridge itself only, not with other containers.
// Needs root of the host.
void make_link(const Network& network, pid_t pid);

// Brings up the loopback interface of the network namespace that this process is in.
void bring_up_loopback();

// Gives eth0 its address and the default route.
void configure_link(const Network& network);
