import type { AnyCommand } from "./command.ts";
import type { Argument, Flag } from "./input.ts";

/** How a command is written: "config:get [--quoted] <app> <key>". */
export function usage(command: AnyCommand): string {
  const flags = Object.entries(command.flags)
    .filter(([name, flag]) => flag.kind !== "rows" && !replacesArgument(command, name))
    .map(([name, flag]) => `[${flagUsage(name, flag)}]`);
  const words = Object.values(command.args).map(argumentUsage);
  return [command.name, ...flags, ...words].join(" ");
}

/** --global and --all stand in the place of the app. */
function replacesArgument(command: AnyCommand, flag: string): boolean {
  return Object.values(command.args).some((each) => each.kind === "optional-app" && each.unless === flag);
}

/** "--num <lines>"; of a choice between few words "--role admin|deploy". */
export function flagUsage(name: string, flag: Flag): string {
  if (flag.kind === "choice")
    return `--${name} ${flag.choices.length < 4 ? flag.choices.join("|") : `<${name}>`}`;
  if (flag.kind === "text" || flag.kind === "number") return `--${name} <${flag.label}>`;
  return `--${name}`;
}

function argumentUsage(argument: Argument): string {
  switch (argument.kind) {
    case "app":
    case "app-name":
      return "<app>";
    case "optional-app":
      return argument.unless === undefined ? "[<app>]" : `(<app>|--${argument.unless})`;
    case "word":
      return `<${argument.label}>`;
    case "optional-word":
      return `[<${argument.label}>]`;
    case "words":
      return `[<${argument.label}>...]`;
  }
}
