import { defineCommand, ExitStatus } from "../command.ts";
import { appOrGlobal, globalFlag } from "../input.ts";
import { quote } from "./formats.ts";

export const configGet = defineCommand({
  name: "config:get",
  summary: "Print the value of a config var; exit with 1 if it is not set",
  role: "deploy",
  effect: "read",
  args: { app: appOrGlobal, name: { kind: "word", label: "name" } },
  flags: { global: globalFlag, quoted: { kind: "switch", summary: "quote the value for a shell" } },
  examples: ["config:get blog RACK_ENV"],
  run(ctx, input) {
    const value = ctx.state.configVars.get(input.app?.id ?? null).get(input.name);
    if (value === undefined) throw new ExitStatus(1);
    return value;
  },
  text: (value, { input }) => [input.quoted ? quote(value) : value],
});
