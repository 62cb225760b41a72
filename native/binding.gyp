{
  "target_defaults": {
    "cflags": ["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-fstack-protector-strong"],
    "cflags!": ["-fno-exceptions", "-Wno-unused-parameter"],
    "cflags_cc": ["-std=c++20", "-fexceptions"],
    "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-std=gnu++20"],
    "include_dirs": ["src"],
    "configurations": {"Release": {"defines": ["_FORTIFY_SOURCE=2"]}}
  },
  "targets": [
    {
      "target_name": "slipway",
      "sources": ["src/addon/addon.cc", "src/addon/dial.cc", "src/addon/directory.cc", "src/addon/spawn.cc"],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NAPI_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"]
    },
    {
      "target_name": "slipway-monitor",
      "type": "executable",
      "sources": [
        "monitor/control.cc",
        "monitor/execution.cc",
        "monitor/exit_record.cc",
        "monitor/log_writer.cc",
        "monitor/main.cc",
        "monitor/spec_parser.cc",
        "monitor/supervisor.cc",
        "src/base/message.cc",
        "src/jail/caps.cc",
        "src/jail/cgroup.cc",
        "src/jail/command.cc",
        "src/jail/enter.cc",
        "src/jail/init.cc",
        "src/jail/jail.cc",
        "src/jail/mount.cc",
        "src/jail/net.cc",
        "src/jail/rlimit.cc",
        "src/jail/root.cc",
        "src/jail/seccomp.cc",
        "src/jail/user.cc"
      ],
      "cflags": ["-fPIE"],
      "cflags!": ["-fPIC"],
      "ldflags": ["-static-pie", "-Wl,-z,relro,-z,now"],
      "ldflags!": ["-rdynamic"]
    },
    {
      "target_name": "slipway-hook",
      "type": "executable",
      "sources": ["hook/main.cc"],
      "cflags": ["-fPIE"],
      "cflags!": ["-fPIC"],
      "ldflags": ["-static-pie", "-Wl,-z,relro,-z,now"],
      "ldflags!": ["-rdynamic"]
    }
  ]
}
