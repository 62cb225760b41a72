import { defineCommand } from "../command.ts";

/**
 * Clients of Dokku take the first three numbers of the first line and gate what they send by them. From 0.31 on they
 * send `ports:*`, and the two Terraform providers refuse what is above 0.34.7 or 0.35: the last one that all accept.
 */
const dokkuVersion = "0.34.7";

export const version = defineCommand({
  name: "version",
  summary: "Show the version of Dokku whose commands these are, and Slipway's own",
  role: "deploy",
  effect: "read",
  args: {},
  flags: {},
  examples: ["version"],
  run: (ctx) => ({ dokku: dokkuVersion, slipway: ctx.settings.version }),
  text: ({ dokku, slipway }) => [`dokku version ${dokku} (slipway ${slipway})`],
});
