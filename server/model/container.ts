import type { Readable, Writable } from "node:stream";

/** Directory or file of the host, seen at `target` in the container. Owners are shifted into the container's id range. */
export interface BindMount {
  readonly kind: "bind";
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** Layers, bottom first, merged at `target` with everything written kept in `writable`/upper (`writable`/work is overlayfs' own). */
export interface OverlayMount {
  readonly kind: "overlay";
  readonly layers: readonly string[];
  readonly writable: string;
  readonly target: string;
}

export type Mount = BindMount | OverlayMount;

export interface Limits {
  readonly memoryBytes: number;
  /** Relative weight against other containers, 1024 is one ordinary share. */
  readonly cpuShares: number;
  /** Most processors it may use at once, 0.5 is half of one; null is no limit. */
  readonly cpus: number | null;
  readonly pids: number;
  readonly openFiles: number;
}

/** Everything the runtime must know to make a container. Nothing in it is ever given to a shell. */
export interface ContainerSpec {
  /** Unique on this machine: [a-z0-9-]{1,48}. Names its directory, cgroup and network link. */
  readonly id: string;
  readonly hostname: string;
  /** Unpacked image layers, absolute paths, bottom first; the root is an overlay of them with a writable layer of its own. */
  readonly layers: readonly string[];
  readonly mounts: readonly Mount[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path inside. */
  readonly cwd: string;
  /** Ids inside the container. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** First host id of the 65 536 that container ids 0..65535 map to. */
  readonly idBase: number;
  readonly limits: Limits;
  /** False: only a loopback interface inside. True: also the way out to the network. */
  readonly network: boolean;
}

export interface ContainerExit {
  /** Exit status, null when a signal ended it. */
  readonly code: number | null;
  /** Such as "SIGKILL". */
  readonly signal: string | null;
  readonly oomKilled: boolean;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface OutputLine {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** How a container ended in the words of ps:report, logs and the dashboard. */
export function describeExit(exit: ContainerExit): string {
  if (exit.oomKilled) return "killed: out of memory";
  if (exit.signal !== null) return `killed by ${exit.signal}`;
  return `exit status ${exit.code ?? "unknown"}`;
}

/** A long-running container, started by this server or adopted from an earlier one. */
export interface RunningContainer {
  readonly id: string;
  /** Host pid of the container's init, and its start time (field 22 of /proc/PID/stat). */
  readonly pid: number;
  readonly pidStartTime: string;
  /** Resolves (never rejects) once the container is gone, however it went. */
  readonly exited: Promise<ContainerExit>;
  /** SIGTERM, then SIGKILL for all of it after `graceMs`. Resolves when it is gone. */
  stop(graceMs: number): Promise<ContainerExit>;
  /** Runs a command in it with the app's restrictions. Resolves once the command is executing; a UserError says why it cannot. */
  exec(command: ExecCommand, options: ExecOptions): Promise<Execution>;
  /** The same, on its own: its output goes to the container's log, it ends with the container at the latest. */
  execDetached(command: ExecCommand): Promise<void>;
}

/** A command for a running container; what is not given is as for its app. */
export interface ExecCommand {
  readonly argv: readonly string[];
  /** Added to the app's variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute path inside. */
  readonly cwd?: string;
  /** Ids inside the container. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ExecOptions {
  /** With one, the command gets a terminal, and everything that it writes comes as stdout. */
  readonly terminal?: TerminalSize;
  /** Aborting hangs up: SIGHUP to the command's process group, SIGKILL 2 s later. */
  readonly signal: AbortSignal;
}

/** A command that runs in a container. */
export interface Execution {
  /** Its end is the end of the input, with a terminal Ctrl-D. */
  readonly stdin: Writable;
  /** Both outputs must be read: what is not read holds up the command, and the news of its end. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  resize(size: TerminalSize): void;
  /** To the command's process group. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves (never rejects) when the command has ended and all of its output has arrived. */
  readonly exited: Promise<ContainerExit>;
}

export interface RunOptions {
  readonly onLine: (line: OutputLine) => void;
  /** Aborting kills everything in the container. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Thrown nowhere else: the run took longer than its limit and was killed. */
export class ContainerTimeout extends Error {
  override readonly name = "ContainerTimeout";
}

/** What the runtime offers to the other rooms. */
export interface ContainerRuntime {
  /** Starts a long-running container whose output goes to `logFile` (rotated). Rejects when it cannot be made, naming the step. */
  start(spec: ContainerSpec, logFile: string): Promise<RunningContainer>;
  /** Runs a container to its end, streaming its output line by line. It dies with this server. Rejects with ContainerTimeout on time-out. */
  run(spec: ContainerSpec, options: RunOptions): Promise<ContainerExit>;
  /** Finds a container started by an earlier server: running, or already ended (exit null: nobody recorded how). */
  adopt(id: string): Promise<RunningContainer | ContainerExit | null>;
}
