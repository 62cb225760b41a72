// Lets libFuzzer make up inputs. https://llvm.org/docs/LibFuzzer.html

#include <cstdint>

#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  run_target({reinterpret_cast<const char*>(data), size});
  return 0;
}
