#pragma once

// Empties the bounding and ambient sets and sets no_new_privs: nothing that is executed later can gain a
// capability.
void forbid_gaining_capabilities();

// Empties the effective, permitted and inheritable sets of this process. capabilities(7).
void drop_capabilities();

// The same, but for CAP_KILL in the container's user namespace.
void drop_all_but_kill();
