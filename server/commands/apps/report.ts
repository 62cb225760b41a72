import type { App } from "../../model/app.ts";
import type { Release } from "../../model/release.ts";
import type { CommandContext } from "../command.ts";
import { defineReport } from "../report.ts";

const globalRows = { "app-global-disable-autocreation": "false" };

export const appsReport = defineReport({
  name: "apps:report",
  summary: "Show what is known about an app, or about all",
  about: "app",
  prefix: "app-",
  rows(ctx, app) {
    const push = lastPush(ctx, app);
    return {
      "app-created-at": String(Math.floor(app.createdAt / 1000)),
      "app-deploy-source": push === undefined ? "" : "git-push",
      "app-deploy-source-metadata": push?.commit ?? "",
      ...globalRows,
      // Deploys of an app wait for each other: there is no lock that could be left behind.
      "app-locked": "false",
    };
  },
  globalRows: () => globalRows,
});

function lastPush({ state }: CommandContext, app: App): Release | undefined {
  return state.releases
    .list(app.id)
    .find((release) => release.status === "succeeded" && release.commit !== null);
}
