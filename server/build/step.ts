import { randomBytes } from "node:crypto";
import { totalmem } from "node:os";
import type { App } from "../model/app.ts";
import {
  ContainerTimeout,
  describeExit,
  type ContainerRuntime,
  type Limits,
  type Mount,
  type OutputLine,
} from "../model/container.ts";
import { UserError } from "../model/error.ts";
import type { Stack } from "../model/image.ts";

const mebibyte = 1024 * 1024;

/** What one build may use. */
const buildLimits: Limits = {
  memoryBytes: Math.min(2048 * mebibyte, Math.floor(totalmem() / 2)),
  // Below that of apps: a build must not slow down what is live.
  cpuShares: 512,
  cpus: null,
  pids: 512,
  openFiles: 65_536,
};
export const buildMinutes = 15;

const appUser = { uid: 1000, gid: 1000 };
/** How buildpacks mark a line that tells of a problem. */
const problem = /^ !\s+(.*)$/;

export interface BuildContext {
  readonly runtime: ContainerRuntime;
  readonly stack: Stack;
  readonly app: Pick<App, "id" | "name" | "idBase">;
  readonly signal: AbortSignal;
  /** Unix milliseconds when the whole build must be done. */
  readonly deadline: number;
}

export interface Step {
  /** Part of the container's id, such as "detect". */
  readonly name: string;
  /** Names the step in messages, such as "Node.js buildpack". */
  readonly title: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly network: boolean;
  readonly onLine: (line: OutputLine) => void;
}

export interface StepResult {
  readonly code: number;
  /** The problem that the step told of last; it has not been passed to `onLine`. Empty when there was none. */
  readonly reason: string;
}

/** Runs one step of a build in a container of its own. Throws a UserError when it was killed or ran out of time. */
export async function runStep(context: BuildContext, step: Step): Promise<StepResult> {
  const { runtime, stack, app, signal, deadline } = context;
  signal.throwIfAborted();
  const id = `build-${app.id}-${step.name}-${randomBytes(6).toString("hex")}`;
  const output = new HeldOutput(step.onLine);
  const exit = await runtime
    .run(
      {
        id,
        hostname: "build",
        layers: stack.layers,
        mounts: [...stack.mounts, ...step.mounts],
        argv: step.argv,
        env: step.env,
        cwd: "/app",
        user: appUser,
        idBase: app.idBase,
        limits: buildLimits,
        network: step.network,
      },
      { onLine: (line) => output.push(line), signal, timeoutMs: Math.max(1, deadline - Date.now()) },
    )
    .catch((error: unknown) => {
      if (!(error instanceof ContainerTimeout)) throw error;
      throw new UserError(`${step.title} took too long: a build may take ${buildMinutes} minutes`, {
        cause: error,
      });
    });
  signal.throwIfAborted();
  if (exit.oomKilled || (exit.signal === "SIGKILL" && exit.code === null))
    throw new UserError(
      `${step.title} ${exit.oomKilled ? `ran out of memory: a build may use ${buildLimits.memoryBytes / mebibyte} MiB` : "was killed"}`,
    );
  if (exit.code === null) throw new UserError(`${step.title} failed: ${describeExit(exit)}`);
  return { code: exit.code, reason: output.end(exit.code === 0) };
}

/** Keeps back the last line that tells of a problem: when the step fails, it is the reason and printed as such. */
class HeldOutput {
  readonly #onLine: (line: OutputLine) => void;
  #held: OutputLine | null = null;

  constructor(onLine: (line: OutputLine) => void) {
    this.#onLine = onLine;
  }

  push(line: OutputLine): void {
    this.#release();
    if (problem.test(line.text)) this.#held = line;
    else this.#onLine(line);
  }

  end(succeeded: boolean): string {
    if (succeeded) this.#release();
    return problem.exec(this.#held?.text ?? "")?.[1] ?? "";
  }

  #release(): void {
    if (this.#held !== null) this.#onLine(this.#held);
    this.#held = null;
  }
}
