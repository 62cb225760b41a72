#include "jail/root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstring>

#include "base/error.h"
#include "jail/mount.h"

// <sys/mount.h> cannot be used beside <linux/mount.h>.
extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*);
extern "C" int umount2(const char*, int);

namespace {

constexpr int kDetach = 2;  // MNT_DETACH
constexpr uint64_t kPlain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// Kernel interfaces that tell or change more than an app needs: runc's lists, and more. Each may be missing.
constexpr const char* kMaskedProc[] = {"acpi",       "asound",        "interrupts",  "kcore",
                                       "keys",       "latency_stats", "sched_debug", "scsi",
                                       "timer_list", "timer_stats"};
constexpr const char* kReadOnlyProc[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};
constexpr const char* kMaskedSys[] = {"devices/virtual/powercap", "firmware", "kernel/debug",
                                      "kernel/security", "kernel/tracing"};
constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom", "tty"};

// Builds a root inside a scratch tmpfs, where layers are mounted under short names.
class RootBuilder {
 public:
  explicit RootBuilder(std::vector<Fd> mounts) : mounts_(std::move(mounts)) {
    check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
    const Fd scratch = make_filesystem("tmpfs", {{"mode", "0700"}}, kPlain);
    check(syscall(SYS_move_mount, scratch.get(), "", AT_FDCWD, "",
                  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
          "attach the scratch directory");
    check(fchdir(scratch.get()), "enter the scratch directory");
  }

  // Files go into a layer of their own over the image's, in memory: whatever the image has there is hidden,
  // nothing of it is followed. Only the root is thrown away with its container, so only there the data need
  // not reach the disk.
  void mount_root(const Overlay& overlay, const std::vector<File>& files) {
    const std::string top = make_place();
    for (const File& file : files) write_file(top, file);
    const std::string place = mount_overlay(overlay, top + ":", ",volatile");
    root_ = Fd(check(open(place.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open the root"));
  }

  void mount_all(const std::vector<Mount>& mounts) {
    for (const Mount& mount : mounts) {
      if (const auto* overlay = std::get_if<Overlay>(&mount)) {
        const std::string place = mount_overlay(*overlay, "", "");
        const Fd merged(check(open(place.c_str(), O_PATH | O_CLOEXEC), "open overlay of", overlay->target));
        attach(merged.get(), open_in_root(root_.get(), overlay->target, true).get(), "attach an overlay");
      } else {
        attach_bind(std::get<Bind>(mount), next_mount());
      }
    }
  }

  void mount_proc() {
    const Fd proc = make_filesystem("proc", {}, kPlain);
    write_sysctl(proc.get(), "sys/net/ipv4/ip_unprivileged_port_start", "0");
    attach_at(proc.get(), "/proc", "attach /proc");
    for (const char* path : kMaskedProc) mask(proc.get(), path);
    for (const char* path : kReadOnlyProc) make_read_only(proc.get(), path);
  }

  void mount_sys() {
    const Fd sys = make_filesystem("sysfs", {}, kPlain | MOUNT_ATTR_RDONLY);
    attach_at(sys.get(), "/sys", "attach /sys");
    for (const char* path : kMaskedSys) mask(sys.get(), path);
    mount_cgroup(sys.get());
  }

  void mount_dev() {
    const Fd dev =
        make_filesystem("tmpfs", {{"mode", "0755"}, {"size", "64k"}}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    for (const char* name : kDevices) {
      Fd(check(openat(dev.get(), name, O_CREAT | O_EXCL | O_CLOEXEC, 0666), "make device", name));
    }
    const std::pair<const char*, const char*> links[] = {{"pts/ptmx", "ptmx"},
                                                         {"/proc/self/fd", "fd"},
                                                         {"/proc/self/fd/0", "stdin"},
                                                         {"/proc/self/fd/1", "stdout"},
                                                         {"/proc/self/fd/2", "stderr"}};
    for (const auto& [target, name] : links) check(symlinkat(target, dev.get(), name), "make link", name);
    for (const char* name : {"pts", "shm"}) check(mkdirat(dev.get(), name, 0755), "make directory", name);
    attach_at(dev.get(), "/dev", "attach /dev");

    for (const char* name : kDevices) {
      const std::string device = std::string("/dev/") + name;
      const Fd copy = copy_tree(AT_FDCWD, device.c_str());
      if (!copy) throw StepError{"find device " + device, ENOENT};
      attach(copy.get(), open_path(dev.get(), name).get(), "attach a device");
    }
    const Fd terminals = make_filesystem("devpts", {{"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}},
                                         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    attach(terminals.get(), open_path(dev.get(), "pts").get(), "attach /dev/pts");
    const Fd shared_memory = make_filesystem("tmpfs", {{"mode", "1777"}, {"size", "64m"}}, kPlain);
    attach(shared_memory.get(), open_path(dev.get(), "shm").get(), "attach /dev/shm");
  }

  void enter() {
    check(fchdir(root_.get()), "enter the root");
    // Puts the old root over the new one, where it is taken off. pivot_root(2), NOTES.
    check(syscall(SYS_pivot_root, ".", "."), "pivot to the root");
    check(umount2(".", kDetach), "detach the host's root");
    check(chdir("/"), "enter the root");
  }

 private:
  Fd next_mount() {
    if (next_ == mounts_.size()) throw StepError{"take the next mount", EPROTO};
    return std::move(mounts_[next_++]);
  }

  std::string make_place(mode_t mode = 0755) {
    std::string name = std::to_string(places_++);
    check(mkdir(name.c_str(), mode), "make a mount point");
    return name;
  }

  std::string attach_next() {
    std::string place = make_place();
    const Fd target(check(open(place.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), "open a mount point"));
    attach(next_mount().get(), target.get(), "attach a layer");
    return place;
  }

  // Returns the name of the merged directory in the scratch directory; `top` comes before the other layers.
  std::string mount_overlay(const Overlay& overlay, std::string top, const char* more_options) {
    std::string lower;
    for (size_t i = 0; i < overlay.layers.size(); i++) {
      const std::string place = attach_next();
      lower = lower.empty() ? place : place + ":" + lower;
    }
    const std::string writable = attach_next();
    const std::string options = "lowerdir=" + top + lower + ",upperdir=" + writable +
                                "/upper,workdir=" + writable + "/work,userxattr" + more_options;
    std::string place = make_place();
    check(mount("overlay", place.c_str(), "overlay", MS_NOSUID | MS_NODEV, options.c_str()),
          "mount the overlay of", overlay.target);
    return place;
  }

  static void write_file(const std::string& layer, const File& file) {
    const std::string path = layer + file.path;
    for (size_t slash = path.find('/', layer.size() + 1); slash != path.npos;
         slash = path.find('/', slash + 1)) {
      if (mkdir(path.substr(0, slash).c_str(), 0755) < 0 && errno != EEXIST)
        throw StepError{"make " + path, errno};
    }
    const Fd out(check(open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644), "make", file.path));
    check(write(out.get(), file.content.data(), file.content.size()), "write", file.path);
  }

  void attach_bind(const Bind& bind, const Fd tree) {
    struct stat info;
    check(fstatat(tree.get(), "", &info, AT_EMPTY_PATH), "look at", bind.source);
    attach(tree.get(), open_in_root(root_.get(), bind.target, S_ISDIR(info.st_mode)).get(),
           "attach a bind mount");
  }

  void attach_at(int tree, const char* path, const char* step) {
    attach(tree, open_in_root(root_.get(), path, true).get(), step);
  }

  // A program in the container that looks for its limits finds its own group, which is the root of its cgroup
  // namespace.
  void mount_cgroup(int sys) {
    struct statfs info;
    check(statfs("/sys/fs/cgroup", &info), "look at /sys/fs/cgroup");
    if (info.f_type != CGROUP2_SUPER_MAGIC) return;
    const Fd group = make_filesystem("cgroup2", {}, kPlain | MOUNT_ATTR_RDONLY);
    attach(group.get(), open_path(sys, "fs/cgroup").get(), "attach /sys/fs/cgroup");
  }

  static Fd open_path(int directory, const char* path) {
    return Fd(check(openat(directory, path, O_PATH | O_NOFOLLOW | O_CLOEXEC), "open", path));
  }

  static void write_sysctl(int proc, const char* path, const char* value) {
    const Fd file(check(openat(proc, path, O_WRONLY | O_CLOEXEC), "open /proc", path));
    check(write(file.get(), value, strlen(value)), "write /proc", path);
  }

  void mask(int filesystem, const char* path) {
    const Fd target(openat(filesystem, path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!target && errno == ENOENT) return;
    struct stat info;
    check(fstatat(check(target.get(), "open", path), "", &info, AT_EMPTY_PATH), "look at", path);
    const Fd cover = S_ISDIR(info.st_mode) ? empty_directory() : copy_tree(AT_FDCWD, "/dev/null");
    attach(cover.get(), target.get(), "mask a kernel interface");
  }

  // One for all that is masked: a file system for each would cost more.
  Fd empty_directory() {
    if (empty_.empty()) empty_ = make_place(0555);
    Fd cover = copy_tree(AT_FDCWD, empty_.c_str());
    set_attributes(cover.get(), kPlain | MOUNT_ATTR_RDONLY);
    return cover;
  }

  static void make_read_only(int filesystem, const char* path) {
    const Fd copy = copy_tree(filesystem, path);
    if (!copy) return;
    set_attributes(copy.get(), kPlain | MOUNT_ATTR_RDONLY);
    attach(copy.get(), open_path(filesystem, path).get(), "make a kernel interface read-only");
  }

  std::vector<Fd> mounts_;
  size_t next_ = 0;
  int places_ = 0;
  std::string empty_;
  Fd root_;
};

}  // namespace

void enter_root(const Spec& spec, std::vector<Fd> mounts) {
  RootBuilder root(std::move(mounts));
  root.mount_root(spec.root, spec.files);
  root.mount_proc();
  root.mount_sys();
  root.mount_dev();
  root.mount_all(spec.mounts);
  root.enter();
}
