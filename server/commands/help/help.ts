import type { Role } from "../../model/key.ts";
import { defineCommand, type AnyCommand } from "../command.ts";
import { flagUsage, usage } from "../usage.ts";
import { frontPage, topicPage } from "./pages.ts";

/** A command as help shows it. */
export interface CommandHelp {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly role: Role;
  /** Usage and summary of each. */
  readonly flags: readonly (readonly [string, string])[];
  readonly examples: readonly string[];
}

export const help = defineCommand({
  name: "help",
  summary: "Show what can be done",
  role: "deploy",
  effect: "read",
  args: { topic: { kind: "optional-word", label: "topic" } },
  flags: { all: { kind: "switch", summary: "every command, not only the topics" } },
  examples: ["help", "help --all", "apps:help", "apps:create --help"],
  run: (ctx) => ctx.commands.filter((command) => command.raw !== true).map(describe),
  text: (commands, { input }) =>
    input.topic === null ? frontPage(commands, input.all) : topicPage(commands, input.topic),
});

function describe(command: AnyCommand): CommandHelp {
  const { name, summary, role, examples } = command;
  const flags = Object.entries(command.flags)
    .filter(([, flag]) => flag.kind !== "rows")
    .map(([flagName, flag]) => {
      const short = flag.short === undefined ? "" : `-${flag.short}, `;
      return [`${short}${flagUsage(flagName, flag)}`, flag.summary] as const;
    });
  return { name, usage: usage(command), summary, role, flags, examples };
}
