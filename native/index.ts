import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

export interface SpawnedMonitor {
  readonly pid: number;
  /** Our end of the control socket. */
  readonly control: number;
  /** What the container writes, when `pipes` was asked for. */
  readonly stdout: number | null;
  readonly stderr: number | null;
}

interface Addon {
  spawnMonitor(executable: string, pipes: boolean): SpawnedMonitor;
  reap(pid: number): Promise<void>;
  removeSmallTree(path: string): Promise<boolean>;
  spreadSubdirectories(path: string): void;
  openNetworkNamespace(pid: number): number;
  dial(networkNamespace: number, port: number): number;
  closeFd(fd: number): void;
}

/** The folder of what node-gyp made; compiled code runs from dist/, away from it. */
export const binaries = join(findPackageRoot(import.meta.dirname), "native/build/Release");
const addon = createRequire(import.meta.url)(join(binaries, "slipway.node")) as Addon;

function findPackageRoot(from: string): string {
  return existsSync(join(from, "package.json")) ? from : findPackageRoot(dirname(from));
}

/** The program that makes and keeps one container. */
export const monitorPath = join(binaries, "slipway-monitor");

/**
 * Starts a monitor, which then waits for its order on the control socket. Without `pipes` its stdout and stderr are /dev/null.
 * Throws an error with `code`, such as ENOENT.
 */
export function spawnMonitor(executable: string, pipes: boolean): SpawnedMonitor {
  return addon.spawnMonitor(executable, pipes);
}

/** Waits for the end of a child that is about to end, so that no zombie is left. */
export function reap(pid: number): Promise<void> {
  return addon.reap(pid);
}

/**
 * Removes a folder and what is in it in one step on another thread. False when it did not, because of an error or because there
 * is more in it than takes a few milliseconds; some of it may be gone then.
 */
export function removeSmallTree(path: string): Promise<boolean> {
  return addon.removeSmallTree(path);
}

/**
 * Tells the file system that the folders in this one have nothing to do with each other (chattr(1), attribute T; nothing happens
 * where it is unknown). Else ext4 puts all of them into the same part of the disk, and without a journal it must pass over
 * everything that was deleted there in the last minutes whenever it makes a file.
 */
export function spreadSubdirectories(path: string): void {
  addon.spreadSubdirectories(path);
}

/** A descriptor of the network namespace of a process; `closeFd` it. */
export function openNetworkNamespace(pid: number): number {
  return addon.openNetworkNamespace(pid);
}

/**
 * Opens a TCP connection to 127.0.0.1:port inside a network namespace and returns its descriptor, non-blocking. Throws with
 * `code` ECONNREFUSED when nobody listens. It may still be connecting when the other side's queue is full.
 */
export function dial(networkNamespace: number, port: number): number {
  return addon.dial(networkNamespace, port);
}

export function closeFd(fd: number): void {
  addon.closeFd(fd);
}
