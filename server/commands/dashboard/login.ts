import { defineCommand } from "../command.ts";

const lifetimeMinutes = 10;

export const dashboardLogin = defineCommand({
  name: "dashboard:login",
  summary: "Print a link that signs you in to the dashboard, once",
  role: "deploy",
  effect: "change",
  args: {},
  flags: {},
  examples: ["dashboard:login"],
  run({ state, actor, settings }) {
    const secret = state.sessions.createLink(actor.id, lifetimeMinutes * 60_000);
    return { url: `${settings.dashboardUrl()}/sign-in/${secret}` };
  },
  text({ url }, { quiet }) {
    const header = `-----> Open this link within ${lifetimeMinutes} minutes, it works once:`;
    return quiet ? [url] : [header, url];
  },
});
