import type { Event } from "../model/event.ts";
import { authorise } from "./access.ts";
import type { CommandContext, Declaration } from "./command.ts";
import type { RawInput } from "./input.ts";

/** Keeps an event, and tells those who listen. */
export type RecordEvent = (event: Omit<Event, "id" | "at">) => void;

/** A command for which the context `C` is enough. */
interface Runnable<C extends CommandContext> extends Declaration {
  run(ctx: C, input: unknown): unknown;
}

export interface Invoked {
  /** What `run` got: apps instead of their names. */
  readonly input: unknown;
  /** What it returned. */
  readonly answer: unknown;
}

/**
 * The only caller of `run`: checks access, runs, records. Throws the refusal, or what `run` threw. Every door comes through here, so that none can forget a step.
 */
export async function invoke<C extends CommandContext>(
  command: Runnable<C>,
  raw: RawInput,
  ctx: C,
  record: RecordEvent,
): Promise<Invoked> {
  const words = describe(command, raw);
  const tell = (outcome: string) => {
    const app = typeof raw["app"] === "string" ? raw["app"] : null;
    record({ app, actor: ctx.actor.name, kind: "command", message: `${words}${outcome}` });
  };

  let input: unknown;
  try {
    input = authorise(command, raw, ctx.actor, ctx.state);
  } catch (error) {
    tell(" (refused)");
    throw error;
  }
  try {
    const answer = await command.run(ctx, input);
    if (command.effect === "change") tell("");
    return { input, answer };
  } catch (error) {
    if (command.effect === "change") tell(" (failed)");
    throw error;
  }
}

/** The command line as events show it. Of secret words, such as NAME=value, only the part before "=" is told. */
function describe(command: Declaration, raw: RawInput): string {
  const words = Object.entries(command.args).flatMap(([name, argument]) => {
    const given = raw[name];
    if (given === null || given === undefined) return [];
    if (argument.kind !== "words") return [String(given)];
    const list = given as readonly string[];
    return argument.secret === true ? list.map((word) => word.split("=")[0] ?? "") : list;
  });
  return [command.name, ...words].join(" ").slice(0, 500);
}
