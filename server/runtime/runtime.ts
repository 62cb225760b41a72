import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import {
  monitorPath,
  reap,
  removeSmallTree,
  spawnMonitor,
  spreadSubdirectories,
} from "../../native/index.ts";
import { LineSplitter } from "../lib/lines.ts";
import { log } from "../lib/log.ts";
import { removeTree } from "../lib/remove-tree.ts";
import type {
  ContainerExit,
  ContainerRuntime,
  ContainerSpec,
  RunningContainer,
  RunOptions,
} from "../model/container.ts";
import { ContainerTimeout } from "../model/container.ts";
import { messageOf, UserError } from "../model/error.ts";
import { containerFiles } from "./container-files.ts";
import { exec, execDetached } from "./exec.ts";
import { removeCgroupRoot, removeCgroups, untilGone } from "./leftovers.ts";
import { MonitorClient, parseExit, StartError, type Init } from "./monitor-client.ts";
import type { Network } from "./network.ts";
import { checkContainerId, encodeOrder, type Attachment, type Output } from "./order.ts";

const defaultLogFileBytes = 10 * 1024 * 1024;
const defaultLogFiles = 5;

export interface RuntimeOptions {
  /** One folder a container: its record, control socket, exit record, writable layer. Must exist. */
  readonly containersDir: string;
  readonly network: Network;
  /** A container's log file is rotated at this size ... */
  readonly logFileBytes?: number;
  /** ... and this many of them are kept. */
  readonly logFiles?: number;
  /** The program that keeps a container; tests choose another build of it. */
  readonly monitor?: string;
}

export interface Runtime extends ContainerRuntime {
  /** Stops containers of earlier servers that nobody asks for any more, and removes the folders of those that have ended. */
  removeAllBut(ids: ReadonlySet<string>): Promise<void>;
  /** Resolves when nothing is left of containers that have ended. */
  tidy(): Promise<void>;
  /** For a server that leaves nothing behind: its containers must have ended. */
  close(): Promise<void>;
}

/** What a later server must know of a container beside what its monitor tells. */
interface ContainerRecord {
  readonly address: string | null;
}

/** A container that this server holds. */
interface Held {
  readonly id: string;
  readonly client: MonitorClient;
  /** Null when an earlier server started it. */
  readonly monitorPid: number | null;
  readonly attachment: Attachment | null;
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { containersDir, network, monitor = monitorPath } = options;
  const { logFileBytes = defaultLogFileBytes, logFiles = defaultLogFiles } = options;
  const held = new Set<string>();
  const removals = new Set<Promise<void>>();
  spreadSubdirectories(containersDir);

  const directoryOf = (id: string): string => {
    checkContainerId(id);
    return join(containersDir, id);
  };

  /** Makes the container's folder and sends the order to a new monitor. */
  function launch(spec: ContainerSpec, output: Output) {
    const directory = directoryOf(spec.id);
    const attachment = spec.network ? network.attach() : null;
    try {
      const files = containerFiles(spec.hostname, attachment?.address, network.resolvConf());
      const order = encodeOrder({ spec, directory, output, attachment, files });
      // These are single quick calls; a detour over the thread pool would take longer than the call.
      mkdirSync(directory, { mode: 0o700 });
      held.add(spec.id);
      if (output.kind === "log") writeRecord(directory, { address: attachment?.address ?? null });
      const spawned = spawnMonitor(monitor, output.kind === "tied");
      const client = MonitorClient.fromFd(spawned.control);
      client.send(order);
      return { id: spec.id, client, monitorPid: spawned.pid, attachment, output: spawned };
    } catch (error) {
      if (held.has(spec.id)) remove(spec.id, attachment);
      else if (attachment !== null) network.release(attachment.address);
      throw error;
    }
  }

  /** Removes the folder of a container that has ended, in the background: what it wrote can be much. */
  function remove(id: string, attachment: Attachment | null, ended: Promise<void> = Promise.resolve()): void {
    const removal = ended
      .then(() => removeFolder(directoryOf(id)))
      .catch((error: unknown) => log("container not removed", { id, error: messageOf(error) }))
      .finally(() => {
        if (attachment !== null) network.release(attachment.address);
        held.delete(id);
        removals.delete(removal);
      });
    removals.add(removal);
  }

  function letGo({ id, client, monitorPid, attachment }: Held): void {
    client.close();
    remove(id, attachment, monitorPid === null ? undefined : reap(monitorPid));
  }

  /** Waits for a container's end, finds out how it ended, and has removed what is left of it. */
  async function untilEnded(container: Held, init: Init): Promise<ContainerExit> {
    const { id, client } = container;
    const exit = (await client.ended) ?? (await readExit(directoryOf(id)));
    if (exit === null) {
      await untilGone(init);
      await removeCgroups(id);
    }
    letGo(container);
    return exit ?? { code: null, signal: "SIGKILL", oomKilled: false, at: Date.now() };
  }

  function running(container: Held, init: Init): RunningContainer {
    const exited = untilEnded(container, init);
    return {
      id: container.id,
      pid: init.pid,
      pidStartTime: init.startTime,
      exited,
      stop(graceMs) {
        container.client.stop(graceMs);
        return exited;
      },
      exec: (command, options) => exec(directoryOf(container.id), command, options),
      execDetached: (command) => execDetached(directoryOf(container.id), command),
    };
  }

  async function start(spec: ContainerSpec, logFile: string): Promise<RunningContainer> {
    await mkdir(dirname(logFile), { recursive: true, mode: 0o700 });
    const container = launch(spec, { kind: "log", path: logFile, fileBytes: logFileBytes, files: logFiles });
    try {
      return running(container, await container.client.ready);
    } catch (error) {
      letGo(container);
      throw startFailure(error);
    }
  }

  async function run(spec: ContainerSpec, { onLine, signal, timeoutMs }: RunOptions): Promise<ContainerExit> {
    signal.throwIfAborted();
    const container = launch(spec, { kind: "tied" });
    const { client, output } = container;
    const outputs = [
      readLines(output.stdout!, (text) => onLine({ stream: "stdout", text })),
      readLines(output.stderr!, (text) => onLine({ stream: "stderr", text })),
    ];
    let timedOut = false;
    const kill = () => client.stop(0);
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    signal.addEventListener("abort", kill);
    try {
      await client.ready;
      const exit = await client.ended;
      await Promise.all(outputs);
      if (timedOut) throw new ContainerTimeout(`It took longer than ${Math.round(timeoutMs / 1000)} s`);
      signal.throwIfAborted();
      if (exit === null) throw new Error(`The monitor of ${spec.id} went away`);
      return exit;
    } catch (error) {
      throw startFailure(error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", kill);
      letGo(container);
    }
  }

  async function adopt(id: string): Promise<RunningContainer | ContainerExit | null> {
    const directory = directoryOf(id);
    const record = await readRecord(directory);
    const attachment = record === null || record.address === null ? null : network.attach(record.address);
    held.add(id);
    const client = record === null ? null : await MonitorClient.connect(directory).catch(() => null);
    const init = (await client?.ready.catch(() => null)) ?? null;
    if (client !== null && init !== null) return running({ id, client, monitorPid: null, attachment }, init);
    client?.close();
    const exit = await readExit(directory);
    await removeCgroups(id);
    remove(id, attachment);
    return exit;
  }

  async function removeAllBut(ids: ReadonlySet<string>): Promise<void> {
    const found = await readdir(containersDir);
    const leftovers = found.filter((id) => !ids.has(id) && !held.has(id));
    await Promise.all(
      leftovers.map(async (id) => {
        const container = await adopt(id);
        if (container !== null && "stop" in container) await container.stop(0);
      }),
    );
  }

  async function tidy(): Promise<void> {
    while (removals.size > 0) await Promise.all(removals);
  }

  async function close(): Promise<void> {
    await tidy();
    await removeCgroupRoot();
  }

  return { start, run, adopt, removeAllBut, tidy, close };
}

/** Most containers write next to nothing: a step for each file by way of Node would cost more than to run the container. */
async function removeFolder(path: string): Promise<void> {
  if (!(await removeSmallTree(path))) await removeTree(path);
}

/** Written before the monitor is started: a server that finds it later knows that there may be a container. */
function writeRecord(directory: string, record: ContainerRecord): void {
  // Not synced to the disk: after a power cut there is no container to find.
  writeFileSync(join(directory, "record.tmp"), JSON.stringify(record), { mode: 0o600 });
  renameSync(join(directory, "record.tmp"), join(directory, "record.json"));
}

async function readRecord(directory: string): Promise<ContainerRecord | null> {
  const text = await readFile(join(directory, "record.json"), "utf8").catch(() => null);
  return text === null ? null : (JSON.parse(text) as ContainerRecord);
}

async function readExit(directory: string): Promise<ContainerExit | null> {
  return parseExit(await readFile(join(directory, "exit"), "utf8").catch(() => ""));
}

async function readLines(fd: number, onLine: (text: string) => void): Promise<void> {
  const stream: Readable = new Socket({ fd, readable: true, writable: false });
  const lines = new LineSplitter(onLine);
  stream.on("data", (chunk: Buffer) => lines.push(chunk));
  await finished(stream).catch(() => {});
  lines.end();
}

/** A command or directory that does not exist is for the person who named it to put right; the rest is ours. */
function startFailure(error: unknown): unknown {
  if (!(error instanceof StartError)) return error;
  if (/^(run|enter directory) /.test(error.message))
    return new UserError(`Cannot ${error.message}`, { cause: error });
  return new Error(`Container not made: ${error.message}`, { cause: error });
}
