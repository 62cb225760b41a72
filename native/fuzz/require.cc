#include <cstdio>
#include <cstdlib>

#include "target.h"

void require(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "not as it must be: %s\n", what);
  abort();
}
