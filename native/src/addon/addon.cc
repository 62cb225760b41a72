#include <string.h>
#include <unistd.h>

#include "addon/functions.h"

Napi::Error system_error(Napi::Env env, const char* syscall, int error) {
  const char* name = strerrorname_np(error);
  const std::string code = name != nullptr ? name : std::to_string(error);
  Napi::Error result = Napi::Error::New(env, std::string(syscall) + " " + code + ": " + strerror(error));
  result.Set("code", Napi::String::New(env, code));
  result.Set("syscall", Napi::String::New(env, syscall));
  return result;
}

void close_fd(const Napi::CallbackInfo& info) { close(info[0].As<Napi::Number>().Int32Value()); }

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("spawnMonitor", Napi::Function::New(env, spawn_monitor));
  exports.Set("reap", Napi::Function::New(env, reap));
  exports.Set("removeSmallTree", Napi::Function::New(env, remove_small_tree));
  exports.Set("spreadSubdirectories", Napi::Function::New(env, spread_subdirectories));
  exports.Set("openNetworkNamespace", Napi::Function::New(env, open_network_namespace));
  exports.Set("dial", Napi::Function::New(env, dial));
  exports.Set("closeFd", Napi::Function::New(env, close_fd));
  return exports;
}

}  // namespace

NODE_API_MODULE(slipway, init)
