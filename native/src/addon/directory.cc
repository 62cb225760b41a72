#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <memory>

#include "addon/functions.h"
#include "base/fd.h"

namespace {

constexpr int kMostLevels = 32;
constexpr int kMostEntries = 1000;

// Removes a directory and all in it, never through a link. False when it cannot, or gives up.
class SmallTree {
 public:
  bool remove(int parent, const char* name, int level = 0) {
    if (level == kMostLevels) return false;
    Fd directory(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return false;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(directory.get()), closedir);
    if (entries == nullptr) return false;
    const int fd = directory.release();
    while (const dirent* entry = readdir(entries.get())) {
      const std::string_view child = entry->d_name;
      if (child == "." || child == "..") continue;
      if (entries_++ == kMostEntries) return false;
      const bool gone = entry->d_type == DT_DIR ? remove(fd, entry->d_name, level + 1)
                                                : unlinkat(fd, entry->d_name, 0) == 0;
      if (!gone) return false;
    }
    return unlinkat(parent, name, AT_REMOVEDIR) == 0;
  }

 private:
  int entries_ = 0;
};

class Remover : public Napi::AsyncWorker {
 public:
  Remover(Napi::Env env, std::string path) : AsyncWorker(env), path_(std::move(path)), promise_(env) {}
  Napi::Promise promise() const { return promise_.Promise(); }
  void Execute() override { removed_ = SmallTree().remove(AT_FDCWD, path_.c_str()); }
  void OnOK() override { promise_.Resolve(Napi::Boolean::New(Env(), removed_)); }

 private:
  std::string path_;
  bool removed_ = false;
  Napi::Promise::Deferred promise_;
};

}  // namespace

Napi::Value remove_small_tree(const Napi::CallbackInfo& info) {
  auto* remover = new Remover(info.Env(), info[0].As<Napi::String>());  // deletes itself when done
  const Napi::Promise promise = remover->promise();
  remover->Queue();
  return promise;
}

void spread_subdirectories(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  const Fd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int flags = 0;
  if (ioctl(directory.get(), FS_IOC_GETFLAGS, &flags) < 0) return;
  flags |= FS_TOPDIR_FL;
  ioctl(directory.get(), FS_IOC_SETFLAGS, &flags);
}
