#pragma once

#include <napi.h>

#include <cerrno>

// spawnMonitor(executable: string, pipes: boolean): { pid, control, stdout, stderr }
Napi::Value spawn_monitor(const Napi::CallbackInfo& info);

// reap(pid: number): Promise<void>, resolved when the child has ended and is gone.
Napi::Value reap(const Napi::CallbackInfo& info);

// removeSmallTree(path: string): Promise<boolean>
Napi::Value remove_small_tree(const Napi::CallbackInfo& info);

// spreadSubdirectories(path: string): void
void spread_subdirectories(const Napi::CallbackInfo& info);

// openNetworkNamespace(pid: number): number
Napi::Value open_network_namespace(const Napi::CallbackInfo& info);

// dial(namespace: number, port: number): number
Napi::Value dial(const Napi::CallbackInfo& info);

// closeFd(fd: number): void
void close_fd(const Napi::CallbackInfo& info);

// An Error with `code` and `syscall` as those of Node have.
Napi::Error system_error(Napi::Env env, const char* syscall, int error);
