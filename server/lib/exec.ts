import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface ExecOptions {
  readonly cwd?: string;
  /** The whole environment of the child. */
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Buffer;
  readonly signal?: AbortSignal;
}

export class ExecError extends Error {
  override readonly name = "ExecError";
  readonly code: number | null;
  readonly stderr: string;

  constructor(argv: readonly string[], code: number | null, stderr: string) {
    super(`${argv[0]} ${argv[1] ?? ""} failed (exit ${code}): ${stderr.trim().split("\n").at(-1) ?? ""}`);
    this.code = code;
    this.stderr = stderr;
  }
}

/** Runs a program without a shell and returns its standard output. Throws ExecError when it does not exit with 0. */
export async function exec(argv: readonly [string, ...string[]], options: ExecOptions = {}): Promise<string> {
  const [file, ...args] = argv;
  const child = spawn(file, args, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env !== undefined && { env: options.env }),
    ...(options.signal !== undefined && { signal: options.signal }),
    stdio: ["pipe", "pipe", "pipe"],
  });
  // A child that exits without reading its input must not bring us down with EPIPE.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  if (code !== 0) throw new ExecError(argv, code, stderr);
  return stdout;
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
