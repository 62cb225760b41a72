import { unknownCommand } from "../parse.ts";
import type { CommandHelp } from "./help.ts";
import { topicOf, topics } from "./topics.ts";

type Entries = readonly (readonly [string, string])[];

/** "    apps      Manage apps" */
function table(entries: Entries): string[] {
  const width = Math.max(0, ...entries.map(([left]) => left.length));
  return entries.map(([left, right]) => `    ${left.padEnd(width)}   ${right}`);
}

const usages = (commands: readonly CommandHelp[]): Entries =>
  commands.map(({ usage, summary }) => [usage, summary]);

/** `help`: a line for each topic; `help --all`: for each command. */
export function frontPage(commands: readonly CommandHelp[], all: boolean): string[] {
  const names = [...new Set(commands.map(({ name }) => topicOf(name)))];
  const summaryOf = (topic: string) =>
    topics[topic] ?? commands.find(({ name }) => name === topic)?.summary ?? "";
  return [
    "Usage: [--quiet|--force|--app <app>] COMMAND <app> [command-specific-options]",
    "",
    'For one topic use "TOPIC:help", for one command "COMMAND --help", for all commands "help --all".',
    "",
    "Commands:",
    "",
    ...table(all ? usages(commands) : names.map((name) => [name, summaryOf(name)])),
  ];
}

/** `apps:help` or `apps:create --help`. */
export function topicPage(commands: readonly CommandHelp[], topic: string): string[] {
  const command = commands.find(({ name }) => name === topic);
  if (command !== undefined) return commandPage(command);
  const verbs = commands.filter(({ name }) => topicOf(name) === topic);
  if (verbs.length === 0) throw unknownCommand(topic);
  return [
    `Usage: ${topic}[:COMMAND]`,
    "",
    topics[topic] ?? "",
    "",
    "Additional commands:",
    "",
    ...table(usages(verbs)),
  ];
}

function commandPage({ usage, summary, flags, examples }: CommandHelp): string[] {
  return [
    `Usage: ${usage}`,
    "",
    summary,
    ...(flags.length > 0 ? ["", "Flags:", "", ...table(flags)] : []),
    "",
    "Examples:",
    "",
    ...examples.map((example) => `    ${example}`),
  ];
}
