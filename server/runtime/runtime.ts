import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { monitorPath, reap, spawnMonitor } from "../../native/index.ts";
import { LineSplitter } from "../lib/lines.ts";
import { log } from "../lib/log.ts";
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
}

export interface Runtime extends ContainerRuntime {
  /** Stops containers of earlier servers that nobody asks for any more, and removes the folders of those that have ended. */
  removeAllBut(ids: ReadonlySet<string>): Promise<void>;
  /** For a server that leaves nothing behind: its containers must have ended. */
  close(): Promise<void>;
}

/** What a later server must know of a container beside what its monitor tells. */
interface ContainerRecord {
  readonly address: string | null;
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { containersDir, network, logFileBytes = defaultLogFileBytes, logFiles = defaultLogFiles } = options;
  /** Containers that this server holds, to be left alone by removeAllBut. */
  const held = new Set<string>();

  const directoryOf = (id: string): string => {
    checkContainerId(id);
    return join(containersDir, id);
  };

  /** Makes the container's folder and sends its monitor the order. */
  async function launch(spec: ContainerSpec, output: Output) {
    const directory = directoryOf(spec.id);
    const attachment = spec.network ? network.attach() : null;
    held.add(spec.id);
    try {
      await mkdir(directory, { mode: 0o700 });
      const order = encodeOrder({
        spec,
        directory,
        output,
        attachment,
        files: containerFiles(spec.hostname, attachment?.address, await network.resolvConf()),
      });
      if (output.kind === "log") await writeRecord(directory, { address: attachment?.address ?? null });
      const monitor = spawnMonitor(monitorPath, output.kind === "tied");
      const client = MonitorClient.fromFd(monitor.control);
      client.send(order);
      return { monitor, client, attachment };
    } catch (error) {
      await remove(spec.id, attachment);
      throw error;
    }
  }

  async function remove(id: string, attachment: Attachment | null): Promise<void> {
    await rm(directoryOf(id), { recursive: true, force: true });
    if (attachment !== null) network.release(attachment.address);
    held.delete(id);
  }

  /** Waits for a container's end, finds out how it ended, and removes what is left of it. */
  async function untilEnded(
    id: string,
    client: MonitorClient,
    init: Init,
    attachment: Attachment | null,
    monitorPid: number | null,
  ): Promise<ContainerExit> {
    const told = await client.ended;
    client.close();
    if (monitorPid !== null) await reap(monitorPid);
    const exit = told ?? (await readExit(directoryOf(id)));
    if (exit === null) {
      await untilGone(init);
      await removeCgroups(id);
    }
    await remove(id, attachment).catch((error: unknown) =>
      log("container not removed", { id, error: messageOf(error) }),
    );
    return exit ?? { code: null, signal: "SIGKILL", oomKilled: false, at: Date.now() };
  }

  function running(
    id: string,
    client: MonitorClient,
    init: Init,
    attachment: Attachment | null,
    monitorPid: number | null,
  ): RunningContainer {
    const exited = untilEnded(id, client, init, attachment, monitorPid);
    return {
      id,
      pid: init.pid,
      pidStartTime: init.startTime,
      exited,
      stop(graceMs) {
        client.stop(graceMs);
        return exited;
      },
    };
  }

  async function start(spec: ContainerSpec, logFile: string): Promise<RunningContainer> {
    await mkdir(dirname(logFile), { recursive: true, mode: 0o700 });
    const output = { kind: "log", path: logFile, fileBytes: logFileBytes, files: logFiles } as const;
    const { monitor, client, attachment } = await launch(spec, output);
    try {
      const init = await client.ready;
      return running(spec.id, client, init, attachment, monitor.pid);
    } catch (error) {
      client.close();
      await reap(monitor.pid);
      await remove(spec.id, attachment);
      throw startFailure(error);
    }
  }

  async function run(spec: ContainerSpec, { onLine, signal, timeoutMs }: RunOptions): Promise<ContainerExit> {
    signal.throwIfAborted();
    const { monitor, client, attachment } = await launch(spec, { kind: "tied" });
    const outputs = [
      readLines(monitor.stdout!, (text) => onLine({ stream: "stdout", text })),
      readLines(monitor.stderr!, (text) => onLine({ stream: "stderr", text })),
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
      client.close();
      await reap(monitor.pid);
      await remove(spec.id, attachment);
    }
  }

  async function adopt(id: string): Promise<RunningContainer | ContainerExit | null> {
    const directory = directoryOf(id);
    const record = await readRecord(directory);
    if (record === null) {
      await remove(id, null);
      return null;
    }
    held.add(id);
    const attachment = record.address === null ? null : network.attach(record.address);
    const client = await MonitorClient.connect(directory).catch(() => null);
    const init = (await client?.ready.catch(() => null)) ?? null;
    if (client !== null && init !== null) return running(id, client, init, attachment, null);
    client?.close();
    const exit = await readExit(directory);
    await removeCgroups(id);
    await remove(id, attachment);
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

  return { start, run, adopt, removeAllBut, close: removeCgroupRoot };
}

/** Written before the monitor is started: a server that finds it later knows that there may be a container. */
async function writeRecord(directory: string, record: ContainerRecord): Promise<void> {
  // Not synced to the disk: after a power cut there is no container to find.
  await writeFile(join(directory, "record.tmp"), JSON.stringify(record), { mode: 0o600 });
  await rename(join(directory, "record.tmp"), join(directory, "record.json"));
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
