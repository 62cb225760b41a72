import type { Readable, Writable } from "node:stream";
import type { Operations } from "../deploy/operations.ts";
import type { Actor, Role } from "../model/key.ts";
import type { State } from "../state/state.ts";
import type { Arguments, Flags, Input } from "./input.ts";

/** What commands need to know about the server. */
export interface CommandSettings {
  /** Slipway's own, such as "0.1.0". */
  readonly version: string;
  /** Apps are reached as <app>.<domain>. */
  readonly domain: string;
  /** Where browsers reach the dashboard, without a slash at the end; known once the doors are open. */
  dashboardUrl(): string;
}

/** Everything that a command may touch. */
export interface CommandContext {
  /** Who asks. */
  readonly actor: Actor;
  readonly state: State;
  readonly operations: Operations;
  readonly settings: CommandSettings;
  /** All there are, for help. */
  readonly commands: readonly AnyCommand[];
  /** --quiet: values only, no headers. */
  readonly quiet: boolean;
  /** --force: no question is asked. */
  readonly force: boolean;
  /** Shows one line on standard output at once. Never waits: what a client does not read in time is bounded, then dropped. */
  readonly out: (line: string) => void;
  /** Such a line, unless --quiet. */
  readonly header: (line: string) => void;
  /** Shows one line on standard error. */
  readonly err: (line: string) => void;
  /** Resolves when the client has room for more: for commands that may write without end. */
  readonly drained: () => Promise<void>;
  /** Shows `prompt` and reads the line that the person answers; "" when nobody is there to answer. */
  readonly ask: (prompt: string) => Promise<string>;
  readonly stdin: Readable;
  /** Aborts when the client has gone away. Operations go on nevertheless: they belong to the server. */
  readonly signal: AbortSignal;
}

/** A raw command owns the streams of its SSH channel. */
export interface RawContext extends CommandContext {
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** What the client sent of the variables that the SSH door lets through, such as GIT_PROTOCOL. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Declaration<A extends Arguments = Arguments, F extends Flags = Flags> {
  /** "topic:verb", or one word. */
  readonly name: string;
  /** One line for help. */
  readonly summary: string;
  /** The least that one must be to use it. For apps that an argument names, the right to that app is needed too. */
  readonly role: Role;
  /** Changes something: then each use is recorded as an event. */
  readonly effect: "read" | "change";
  readonly args: A;
  readonly flags: F;
  /** Whole command lines. */
  readonly examples: readonly string[];
}

/** How `text` is asked to show data. */
export interface View<I> {
  readonly input: I;
  readonly quiet: boolean;
}

export interface Command<
  A extends Arguments = Arguments,
  F extends Flags = Flags,
  Data = unknown,
> extends Declaration<A, F> {
  readonly raw?: false;
  /** Does it. What it returns is the answer, printed as it is with `--format json`; progress goes to ctx.out. */
  run(ctx: CommandContext, input: Input<A, F>): Promise<Data> | Data;
  /** The lines that show the answer to a person. */
  text?(data: Data, view: View<Input<A, F>>): readonly string[];
  /** What `--format json` prints, where clients expect another shape than the answer's own. */
  json?(data: Data, view: View<Input<A, F>>): unknown;
}

export interface RawCommand<A extends Arguments = Arguments, F extends Flags = Flags> extends Declaration<
  A,
  F
> {
  readonly raw: true;
  /** Resolves with the exit status, when everything was written. */
  run(ctx: RawContext, input: Input<A, F>): Promise<number>;
}

export type AnyCommand = Command | RawCommand;

/** Declares a command; its input's type follows from `args` and `flags`. */
export function defineCommand<const A extends Arguments, const F extends Flags, Data>(
  command: Command<A, F, Data>,
): Command<A, F, Data> {
  return command;
}

/** Declares a command of the SSH door that owns its streams, such as git-receive-pack. */
export function defineRawCommand<const A extends Arguments, const F extends Flags>(
  command: Omit<RawCommand<A, F>, "raw">,
): RawCommand<A, F> {
  return { ...command, raw: true };
}

/** Thrown to end a command with a status and without a word, such as config:get of what is not set. */
export class ExitStatus extends Error {
  override readonly name = "ExitStatus";
  readonly code: number;

  constructor(code: number) {
    super(`exit status ${code}`);
    this.code = code;
  }
}
