import { UserError } from "../../model/error.ts";
import { defineCommand, type CommandContext } from "../command.ts";
import type { App } from "../../model/app.ts";
import { app } from "../input.ts";

/** A typing mistake must not fill the machine. */
const mostProcesses = 100;

interface Quantity {
  readonly process_type: string;
  readonly quantity: number;
}

export const psScale = defineCommand({
  name: "ps:scale",
  summary: "Show how many processes of each type run, or set it",
  role: "deploy",
  effect: "change",
  args: { app, quantities: { kind: "words", label: "type=count" } },
  flags: {},
  examples: ["ps:scale blog", "ps:scale blog web=2 worker=1"],
  async run(ctx, input): Promise<Quantity[] | undefined> {
    if (input.quantities.length === 0) return scaleOf(ctx, input.app);
    const quantities = parseQuantities(input.quantities);
    const words = [...quantities].map(([type, count]) => `${type}=${count}`).join(" ");
    ctx.out(`-----> Scaling ${input.app.name} processes: ${words}`);
    await ctx.operations.scale(input.app, quantities, ctx.actor, ctx.out);
    return undefined;
  },
  text(quantities, { input, quiet }) {
    if (quantities === undefined) return [];
    const header = [`-----> Scaling for ${input.app.name}`, "proctype: qty", "--------: ---"];
    const rows = quantities.map((each) => `${`${each.process_type}:`.padEnd(5)} ${each.quantity}`);
    return quiet ? rows : [...header, ...rows];
  },
});

/** What is stored; before the first deploy and the first ps:scale one web is what will run. */
function scaleOf({ state }: CommandContext, { id }: App): Quantity[] {
  const stored = state.scale.get(id);
  const shown = stored.size === 0 ? new Map([["web", 1]]) : stored;
  return [...shown].map(([type, quantity]) => ({ process_type: type, quantity }));
}

function parseQuantities(words: readonly string[]): Map<string, number> {
  const quantities = new Map<string, number>();
  for (const word of words) {
    const [type = "", count, ...more] = word.split("=");
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(type))
      throw new UserError(`${type} is not a valid process name to scale up`);
    if (count === undefined) throw new UserError(`Missing count for process type ${type}`);
    if (more.length > 0 || !/^\d{1,9}$/.test(count))
      throw new UserError(`Invalid count for process type ${type}`);
    if (Number(count) > mostProcesses)
      throw new UserError(`Invalid count for process type ${type}: at most ${mostProcesses} can run`);
    if (quantities.has(type)) throw new UserError(`Unable to scale process ${type} multiple times`);
    quantities.set(type, Number(count));
  }
  return quantities;
}
