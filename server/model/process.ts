/** starting: made, not yet ready. running: ready. backoff: exited, waiting to be started again. */
export type ProcessState = "starting" | "running" | "backoff" | "stopping" | "exited";

/** One running (or restarting) instance of a process type, such as web.1 of a release. */
export interface Process {
  readonly id: number;
  readonly appId: number;
  readonly releaseId: number;
  readonly type: string;
  /** From 1. */
  readonly index: number;
  readonly state: ProcessState;
  /** The container that runs it now; each restart has a new one. */
  readonly containerId: string;
  /** Host pid of the container's init and its start time (field 22 of /proc/PID/stat): together they name it for ever. */
  readonly pid: number | null;
  readonly pidStartTime: string | null;
  /** TCP port inside the container's network namespace; null for process types that serve nothing. */
  readonly port: number | null;
  readonly restarts: number;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** How the last container ended, such as "exit status 1" or "killed: out of memory"; null while it never did. */
  readonly lastExit: string | null;
}
