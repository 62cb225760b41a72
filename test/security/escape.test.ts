import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { ContainerRoom } from "../support/containers.ts";

interface Attempt {
  readonly tries: string;
  /** Python that says something once. `call` makes a system call by name, `reach` opens a file to write, `look` reads one. */
  readonly code: string;
  /** Answers that are right, with " or " between them. */
  readonly mustSay: string;
}

/** Numbers of system calls, [x86-64, aarch64]. */
const numbers = {
  acct: [163, 89],
  add_key: [248, 217],
  bpf: [321, 280],
  chroot: [161, 51],
  clone: [56, 220],
  clone3: [435, 435],
  fsopen: [430, 430],
  init_module: [175, 105],
  io_uring_setup: [425, 425],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  perf_event_open: [298, 241],
  personality: [135, 92],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_vm_readv: [310, 270],
  ptrace: [101, 117],
  quotactl: [179, 60],
  reboot: [169, 142],
  request_key: [249, 218],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  setns: [308, 268],
  settimeofday: [164, 170],
  swapon: [167, 224],
  syslog: [103, 116],
  umount2: [166, 39],
  unshare: [272, 97],
  userfaultfd: [323, 282],
} as const;

const refusedCalls: readonly (readonly [what: string, call: string])[] = [
  ["mount a file system", `call("mount", b"x", b"/tmp", b"tmpfs", 0, 0)`],
  ["make /usr writable by a remount", `call("mount", 0, b"/usr", 0, 32 | 4096, 0)`],
  ["unmount a mask", `call("umount2", b"/proc/keys", 2)`],
  ["mount by the newer calls: fsopen", `call("fsopen", b"tmpfs", 0)`],
  ["mount by the newer calls: open_tree", `call("open_tree", -100, b"/", 1)`],
  ["mount by the newer calls: move_mount", `call("move_mount", -100, b"/", -100, b"/tmp", 0)`],
  ["mount by the newer calls: mount_setattr", `call("mount_setattr", -100, b"/usr", 0, 0, 32)`],
  ["change the root", `call("pivot_root", b".", b".")`],
  ["leave the root by chroot", `call("chroot", b"/tmp")`],
  ["make a user namespace by unshare", `call("unshare", 0x10000000)`],
  ["make a mount namespace by unshare", `call("unshare", 0x20000)`],
  ["make a user namespace by clone", `call("clone", 0x10000000 | 17, 0, 0, 0, 0)`],
  ["enter a namespace", `call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0)`],
  ["trace a process", `call("ptrace", 16, 1, 0, 0)`],
  ["read the memory of init", `call("process_vm_readv", 1, 0, 0, 0, 0, 0)`],
  ["take a descriptor of init", `call("pidfd_getfd", 0, 0, 0)`],
  ["open a file of the host by handle", `call("open_by_handle_at", -100, b"x" * 32, 0)`],
  ["get a handle of a file", `call("name_to_handle_at", -100, b"/", b"x" * 128, b"x" * 8, 0)`],
  ["load a BPF program", `call("bpf", 0, 0, 0)`],
  ["use kernel keys: keyctl", `call("keyctl", 0, -3, 0)`],
  ["use kernel keys: add_key", `call("add_key", b"user", b"a", b"b", 1, -3)`],
  ["use kernel keys: request_key", `call("request_key", b"user", b"a", 0, -3)`],
  ["open performance counters", `call("perf_event_open", b"x" * 128, 0, -1, -1, 0)`],
  ["handle page faults in user space", `call("userfaultfd", 0)`],
  ["use io_uring", `call("io_uring_setup", 1, b"x" * 120)`],
  ["load a kernel", `call("kexec_load", 0, 0, 0, 0)`],
  ["load a kernel module", `call("init_module", b"x", 1, b"")`],
  ["reboot", `call("reboot", 0xfee1dead, 672274793, 0x89abcdef, 0)`],
  ["swap to a file", `call("swapon", b"/tmp/x", 0)`],
  ["account processes", `call("acct", b"/tmp/x")`],
  ["read the kernel's log", `call("syslog", 3, b"x" * 100, 100)`],
  ["change disk quotas", `call("quotactl", 0, 0, 0, 0)`],
  ["set the clock", `call("settimeofday", b"x" * 16, 0)`],
  ["change the host name", `call("sethostname", b"x", 1)`],
  ["change the domain name", `call("setdomainname", b"x", 1)`],
  ["have all readable memory executable", `call("personality", 0x0400000)`],
];

const attempts: readonly Attempt[] = [
  {
    tries: "find a leaked descriptor",
    code: `say(sorted(int(n) for n in os.listdir("/proc/self/fd"))[:3], len(os.listdir("/proc/self/fd")))`,
    mustSay: "[0, 1, 2] 4",
  },
  ...refusedCalls.map(([tries, code]) => ({ tries, code, mustSay: "EPERM" })),
  { tries: "hide namespace flags behind clone3", code: `call("clone3", b"x" * 88, 88)`, mustSay: "ENOSYS" },
  {
    tries: "make a memory device",
    code: `attempt(lambda: os.mknod("/tmp/mem", 0o20666, os.makedev(1, 1)))`,
    mustSay: "EPERM",
  },
  ...[
    "mem",
    "kmem",
    "kmsg",
    "port",
    "vda",
    "sda",
    "fuse",
    "kvm",
    "net/tun",
    "loop-control",
    "mapper/control",
  ].map((device) => ({ tries: `open /dev/${device}`, code: `look("/dev/${device}")`, mustSay: "ENOENT" })),
  {
    tries: "see the host's processes",
    code: `say(max(int(p) for p in os.listdir("/proc") if p.isdigit()) < 10)`,
    mustSay: "True",
  },
  { tries: "signal a process of the host", code: `attempt(lambda: os.kill(HOST_PID, 0))`, mustSay: "ESRCH" },
  { tries: "reach init's root", code: `attempt(lambda: os.listdir("/proc/1/root/"))`, mustSay: "EACCES" },
  { tries: "overwrite the monitor's program", code: `reach("/proc/1/exe")`, mustSay: "EACCES" },
  { tries: "read init's environment", code: `look("/proc/1/environ")`, mustSay: "EACCES" },
  { tries: "write init's memory", code: `reach("/proc/1/mem")`, mustSay: "EACCES" },
  { tries: "list init's descriptors", code: `attempt(lambda: os.listdir("/proc/1/fd"))`, mustSay: "EACCES" },
  { tries: "press SysRq", code: `reach("/proc/sysrq-trigger")`, mustSay: "EROFS or EACCES or ENOENT" },
  {
    tries: "set the core pattern",
    code: `reach("/proc/sys/kernel/core_pattern")`,
    mustSay: "EROFS or EACCES or ENOENT",
  },
  {
    tries: "set a sysctl of its own network",
    code: `reach("/proc/sys/net/ipv4/ip_forward")`,
    mustSay: "EROFS or EACCES or ENOENT",
  },
  {
    tries: "move an interrupt",
    code: `reach("/proc/irq/default_smp_affinity")`,
    mustSay: "EROFS or EACCES or ENOENT",
  },
  ...["kcore", "keys", "timer_list", "interrupts"].map((name) => ({
    tries: `read /proc/${name}`,
    code: `say(len(open("/proc/${name}").read()) if os.path.exists("/proc/${name}") else 0)`,
    mustSay: "0",
  })),
  { tries: "see the firmware", code: `say(os.listdir("/sys/firmware"))`, mustSay: "[]" },
  {
    tries: "write to /sys",
    code: `reach("/sys/kernel/uevent_seqnum")`,
    mustSay: "EROFS or EACCES or ENOENT",
  },
  {
    tries: "make a control group",
    code: `attempt(lambda: os.mkdir("/sys/fs/cgroup/x"))`,
    mustSay: "EROFS or EACCES or ENOENT",
  },
  {
    tries: "write to the host's /usr",
    code: `reach("/usr/bin/slipway-was-here", os.O_CREAT)`,
    mustSay: "EROFS or EACCES or ENOENT",
  },
  ...["/etc/shadow", "/root/.ssh", "/work", "/boot", "/var/lib/dpkg", "/run/systemd", "/run/docker.sock"].map(
    (path) => ({
      tries: `find the host's ${path}`,
      code: `attempt(lambda: os.stat("${path}"))`,
      mustSay: "ENOENT",
    }),
  ),
  {
    tries: "open a packet socket",
    code: `attempt(lambda: socket.socket(17, socket.SOCK_RAW))`,
    mustSay: "EPERM",
  },
  {
    tries: "open a raw IP socket",
    code: `attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))`,
    mustSay: "EPERM",
  },
  {
    tries: "talk to the hypervisor",
    code: `attempt(lambda: socket.socket(40, socket.SOCK_STREAM))`,
    mustSay: "EPERM",
  },
  {
    tries: "open a kernel crypto socket",
    code: `attempt(lambda: socket.socket(38, socket.SOCK_SEQPACKET))`,
    mustSay: "EPERM",
  },
  {
    tries: "reach an abstract socket of the host",
    code: `attempt(lambda: socket.socket(socket.AF_UNIX).connect("\\0" + ABSTRACT))`,
    mustSay: "ECONNREFUSED",
  },
  {
    tries: "type into a terminal",
    code: `attempt(lambda: fcntl.ioctl(pty.openpty()[1], 0x5412, b"x"))`,
    mustSay: "EPERM",
  },
  {
    tries: "become a user outside of its range",
    code: `attempt(lambda: os.setuid(70000))`,
    mustSay: "EINVAL",
  },
  { tries: "become another user of its range", code: `attempt(lambda: os.setuid(1))`, mustSay: "EPERM" },
  {
    tries: "raise the limit of open files",
    code: `attempt(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 19, 1 << 19)))`,
    mustSay: "not allowed to raise maximum limit",
  },
  {
    tries: "escape the OOM killer",
    code: `attempt(lambda: os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"-1000"))`,
    mustSay: "EACCES",
  },
  {
    tries: "take priority over others",
    code: `attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))`,
    mustSay: "EACCES",
  },
  {
    tries: "have a capability left",
    code: `say(*{l.split()[1] for l in open("/proc/self/status") if l.startswith("Cap")})`,
    mustSay: "0000000000000000",
  },
  {
    tries: "gain privileges by exec",
    code: `say(*[l.split()[1] for l in open("/proc/self/status") if l.startswith(("NoNewPrivs", "Seccomp:"))])`,
    mustSay: "1 2",
  },
];

function program(): string {
  const index = process.arch === "x64" ? 0 : 1;
  const known = Object.fromEntries(Object.entries(numbers).map(([name, pair]) => [name, pair[index]]));
  return `
import ctypes, errno, fcntl, json, os, pty, resource, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
said = []
def say(*words): said.append(" ".join(map(str, words)))
def attempt(action):
    try:
        action()
        say("done")
    except OSError as error:
        say(errno.errorcode[error.errno])
    except ValueError as error:
        say(error)
def reach(path, flags=0): attempt(lambda: os.open(path, os.O_WRONLY | flags))
def look(path): attempt(lambda: os.open(path, os.O_RDONLY))
NUMBERS = json.loads('${JSON.stringify(known)}')
HOST_PID = int(os.environ["HOST_PID"])
ABSTRACT = os.environ["ABSTRACT"]
def call(name, *arguments):
    result = libc.syscall(NUMBERS[name], *arguments)
    say("done" if result >= 0 else errno.errorcode[ctypes.get_errno()])
for code in json.load(open("/attempts.json")):
    exec(code)
print(json.dumps(said))
`;
}

describe("escape from a container", function () {
  let room: ContainerRoom;
  /** What each attempt said, in order: first as root of the container, who has most to try with. */
  let said: string[];

  before(async () => {
    room = await ContainerRoom.open();
    const abstract = `slipway-test-${process.pid}`;
    const listener = createServer().listen(`\0${abstract}`);
    const layer = join(room.directory, "attempts");
    await mkdir(layer);
    await writeFile(join(layer, "attempts.json"), JSON.stringify(attempts.map(({ code }) => code)));
    const plain = room.spec([]);
    const result = await room.run(["/usr/bin/python3", "-c", program()], {
      user: { uid: 0, gid: 0 },
      layers: [...plain.layers, layer],
      env: { ...plain.env, HOST_PID: String(process.pid), ABSTRACT: abstract },
    });
    listener.close();
    assert.equal(result.stderr, "");
    said = JSON.parse(result.stdout) as string[];
  });
  after(() => room.close());

  for (const [index, { tries, mustSay }] of attempts.entries()) {
    it(`cannot ${tries}`, () => {
      const word = said[index] ?? "nothing";
      assert.ok(mustSay.split(" or ").includes(word), `said ${word}, must say ${mustSay}`);
    });
  }

  it("cannot gain another user's rights by a setuid program", async () => {
    const layer = join(room.directory, "setuid");
    await mkdir(join(layer, "opt"), { recursive: true });
    await copyFile("/usr/bin/id", join(layer, "opt/id"));
    await chmod(join(layer, "opt/id"), 0o6755);
    const result = await room.run(["/opt/id"], { layers: [...room.spec([]).layers, layer] });
    assert.match(result.stdout, /^uid=1000/);
    assert.doesNotMatch(result.stdout, /euid|egid/);
  });

  it("cannot leave kernel interfaces unmasked by links in its image", async () => {
    const layer = join(room.directory, "links");
    await mkdir(layer);
    await symlink("/var", join(layer, "proc"));
    await symlink("../../../../etc", join(layer, "sys"));
    const result = await room.sh("cat /proc/timer_list | wc -c; echo x 2>&1 >/proc/sys/kernel/core_pattern", {
      user: { uid: 0, gid: 0 },
      layers: [...room.spec([]).layers, layer],
    });
    assert.match(result.stdout + result.stderr, /^0\n.*Read-only file system/s);
  });

  it("cannot get past the filter by the x32 system calls", async function () {
    if (process.arch !== "x64") this.skip();
    // An x32 call: number with bit 30 set.
    const code = "import ctypes; ctypes.CDLL(None).syscall(0x40000000 + 39)";
    const result = await room.run(["/usr/bin/python3", "-c", code]);
    assert.deepEqual([result.code, result.signal], [null, "SIGSYS"]);
  });
});
