import { defineCommand } from "../command.ts";
import { appOrGlobal, globalFlag } from "../input.ts";
import { formats } from "./formats.ts";
import { mergedFlag, varsOf } from "./vars.ts";

export const configExport = defineCommand({
  name: "config:export",
  summary: "Print config vars in a form that other programs read",
  role: "deploy",
  effect: "read",
  args: { app: appOrGlobal },
  flags: {
    global: globalFlag,
    merged: mergedFlag,
    format: {
      kind: "choice",
      choices: Object.keys(formats),
      summary: `one of ${Object.keys(formats).join(", ")}`,
    },
  },
  examples: ["config:export blog", "config:export --format json blog"],
  run: (ctx, input) => Object.fromEntries(varsOf(ctx, input.app, input.merged)),
  text: (vars, { input }) => formats[input.format]?.(new Map(Object.entries(vars))) ?? [],
});
