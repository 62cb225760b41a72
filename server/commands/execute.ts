import { randomBytes } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import type { Operations } from "../deploy/operations.ts";
import { log } from "../lib/log.ts";
import { messageOf, UserError } from "../model/error.ts";
import type { Actor } from "../model/key.ts";
import type { State } from "../state/state.ts";
import { ExitStatus, type AnyCommand, type CommandSettings, type RawContext } from "./command.ts";
import { invoke, type RecordEvent } from "./invoke.ts";
import { Output } from "./output.ts";
import { parse, type ParsedLine } from "./parse.ts";
import { readLine } from "./stdin.ts";
import { splitWords } from "./words.ts";

export interface CommandDependencies {
  readonly commands: readonly AnyCommand[];
  readonly state: State;
  readonly operations: Operations;
  readonly settings: CommandSettings;
  readonly record: RecordEvent;
}

/** A command as it comes over SSH: text in, text and an exit status out. */
export interface CommandLine {
  readonly actor: Actor;
  /** The exec request; "" asks for help. */
  readonly text: string;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string>>;
  /** Aborts when the client has gone away. */
  readonly signal: AbortSignal;
}

/** Runs a command line to its end and resolves with the exit status; never rejects. The streams are left open. */
export type ExecuteLine = (line: CommandLine) => Promise<number>;

export function createExecuteLine(dependencies: CommandDependencies): ExecuteLine {
  return async (line) => {
    try {
      const parsed = parse(splitWords(line.text), dependencies.commands);
      return await run(parsed, contextOf(dependencies, line, parsed), dependencies.record);
    } catch (error) {
      return explain(error, new Output(line.stderr));
    }
  };
}

async function run(parsed: ParsedLine, ctx: RawContext, record: RecordEvent): Promise<number> {
  const { command, quiet, format } = parsed;
  const { input, answer } = await invoke(command, parsed.input, ctx, record);
  if (command.raw === true) return answer as number;
  const view = { input: input as never, quiet };
  if (format === "stdout") for (const line of command.text?.(answer, view) ?? []) ctx.out(line);
  else if (answer !== undefined) ctx.out(JSON.stringify(command.json ? command.json(answer, view) : answer));
  return 0;
}

function contextOf(
  { commands, state, operations, settings }: CommandDependencies,
  { actor, stdin, stdout, stderr, env, signal }: CommandLine,
  { quiet, force }: ParsedLine,
): RawContext {
  const [out, err] = [new Output(stdout), new Output(stderr)];
  return {
    actor,
    state,
    operations,
    settings,
    commands,
    quiet,
    force,
    stdin,
    stdout,
    stderr,
    env,
    signal,
    out: (text) => out.line(text),
    header: (text) => {
      if (!quiet) out.line(text);
    },
    err: (text) => err.line(text),
    drained: () => out.drained(signal),
    ask: async (prompt) => {
      err.write(prompt);
      return await readLine(stdin);
    },
  };
}

/** Tells the person what went wrong; of a fault of ours only its number, its detail is in the server's log. */
function explain(error: unknown, err: Output): number {
  if (error instanceof ExitStatus) return error.code;
  if (error instanceof UserError) {
    for (const text of error.message.split("\n")) err.line(` !     ${text}`);
    return error.exitCode;
  }
  const id = randomBytes(4).toString("hex");
  log("command failed", { id, error: error instanceof Error ? (error.stack ?? "") : messageOf(error) });
  err.line(` !     Something went wrong in Slipway (id ${id}); the server's log has the detail`);
  return 1;
}
