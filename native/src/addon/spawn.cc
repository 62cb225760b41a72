#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "addon/functions.h"
#include "base/fd.h"

namespace {

constexpr int kControl = 3;

struct Pair {
  Fd ours, theirs;
};

Pair make_socket_pair(Napi::Env env) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    throw system_error(env, "socketpair", errno);
  return {Fd(fds[0]), Fd(fds[1])};
}

Pair make_pipe(Napi::Env env) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) < 0) throw system_error(env, "pipe2", errno);
  return {Fd(fds[0]), Fd(fds[1])};
}

// RAII over what posix_spawn(3) wants.
class Actions {
 public:
  Actions() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Actions() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  void put(const Fd& fd, int number) { posix_spawn_file_actions_adddup2(&actions_, fd.get(), number); }

  int spawn(const std::string& executable, pid_t* pid) const {
    // Seen inside as the command line of process 1, which has no business with where this is installed.
    char name[] = "slipway-monitor";
    char* arguments[] = {name, nullptr};
    char* no_environment[] = {nullptr};
    return posix_spawn(pid, executable.c_str(), &actions_, &attributes_, arguments, no_environment);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

class Reaper : public Napi::AsyncWorker {
 public:
  Reaper(Napi::Env env, pid_t pid) : AsyncWorker(env), pid_(pid), promise_(env) {}
  Napi::Promise promise() const { return promise_.Promise(); }
  void Execute() override {
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  void OnOK() override { promise_.Resolve(Env().Undefined()); }

 private:
  pid_t pid_;
  Napi::Promise::Deferred promise_;
};

}  // namespace

Napi::Value spawn_monitor(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string executable = info[0].As<Napi::String>();
  const bool pipes = info[1].As<Napi::Boolean>();

  Pair control = make_socket_pair(env);
  const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) throw system_error(env, "open", errno);
  Actions actions;
  actions.put(null, STDIN_FILENO);
  Pair output, errors;
  if (pipes) {
    output = make_pipe(env);
    errors = make_pipe(env);
  }
  actions.put(pipes ? output.theirs : null, STDOUT_FILENO);
  actions.put(pipes ? errors.theirs : null, STDERR_FILENO);
  actions.put(control.theirs, kControl);

  pid_t pid = -1;
  // Shares our memory until it executes: a fork of a large process would copy its page tables.
  if (const int error = actions.spawn(executable, &pid)) throw system_error(env, "posix_spawn", error);
  Napi::Object result = Napi::Object::New(env);
  result.Set("pid", Napi::Number::New(env, pid));
  result.Set("control", Napi::Number::New(env, control.ours.release()));
  result.Set("stdout", pipes ? Napi::Number::New(env, output.ours.release()) : env.Null());
  result.Set("stderr", pipes ? Napi::Number::New(env, errors.ours.release()) : env.Null());
  return result;
}

Napi::Value reap(const Napi::CallbackInfo& info) {
  auto* reaper = new Reaper(info.Env(), info[0].As<Napi::Number>().Int32Value());  // deletes itself when done
  const Napi::Promise promise = reaper->promise();
  reaper->Queue();
  return promise;
}
