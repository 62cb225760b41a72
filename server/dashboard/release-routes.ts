import type { Router } from "express";
import { UserError } from "../model/error.ts";
import type { App } from "../model/app.ts";
import type { Release } from "../model/release.ts";
import { lastSeen } from "./app-routes.ts";
import { forApp, frame, stillThere, type Context } from "./context.ts";
import { deployView } from "./deploys.ts";
import type { ServerEvent } from "./event-stream.ts";
import { answerLive, fragmentEvent, type RenderFragments } from "./live.ts";
import { deployLinesSince, deployLinesSoFar } from "./logs.ts";

/** One deploy and its log, live while it runs and afterwards. */
export function addReleaseRoutes(router: Router, context: Context): void {
  const { state, operations, views } = context;

  router.get(
    "/apps/:name/releases/:version",
    forApp(context, async (request, response, actor, app) => {
      const release = requireRelease(app, request.params["version"]);
      const lines = await deployLinesSoFar(operations, release);
      const page = pageOf(app, release);
      const frameOptions = {
        title: `${app.name} v${release.version}`,
        live: page.deploy.running ? `${page.deploy.href}/live` : null,
        refresh: page.deploy.running,
      };
      const model = { frame: frame(context, actor, frameOptions), lines, lastId: String(lines.length) };
      response.send(views.page("release", { ...model, ...page }));
    }),
  );

  router.get(
    "/apps/:name/releases/:version/live",
    forApp(context, (request, response, _actor, app) => {
      const release = requireRelease(app, request.params["version"]);
      const render: RenderFragments = () => {
        const current = stillThere(context, request, app.name);
        return current === null ? null : fragments(current, release);
      };
      return answerLive(response, render, (signal) =>
        deployEvents(app, release, Number(lastSeen(request)) || 0, signal),
      );
    }),
  );

  function requireRelease(app: App, version: unknown): Release {
    const release = state.releases.byVersion(app.id, Number(version));
    if (release !== null) return release;
    throw new UserError(`App ${app.name} has no release v${String(version)}`, { exitCode: 20 });
  }

  function pageOf(app: App, release: Release) {
    const latest = state.releases.byId(release.id) ?? release;
    return { name: app.name, deploy: deployView(app.name, latest, app.currentReleaseId, Date.now()) };
  }

  function fragments(app: App, release: Release): Record<string, string> {
    return { "release-header": views.partial("release-header", pageOf(app, release)) };
  }

  async function* deployEvents(
    app: App,
    release: Release,
    seen: number,
    signal: AbortSignal,
  ): AsyncGenerator<ServerEvent> {
    for await (const { number, line } of deployLinesSince(state, operations, release, seen, signal)) {
      yield { event: "line", id: String(number), data: views.partial("deploy-line", line) };
    }
    const current = state.apps.byId(app.id);
    if (current === null) return;
    for (const [id, html] of Object.entries(fragments(current, release))) yield fragmentEvent(id, html);
    yield { event: "end", data: null };
  }
}
