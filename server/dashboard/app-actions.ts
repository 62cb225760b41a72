import { randomUUID } from "node:crypto";
import type { Operations, Say } from "../deploy/operations.ts";
import { log } from "../lib/log.ts";
import type { App } from "../model/app.ts";
import { UserError } from "../model/error.ts";
import type { Actor } from "../model/key.ts";

export type ActionName = "restart" | "stop" | "start";

/** What the app's page says about the last thing that was asked for with a button. */
export interface ActionNotice {
  readonly running: boolean;
  readonly text: string;
}

const doing: Record<ActionName, string> = { restart: "Restarting", stop: "Stopping", start: "Starting" };

/** Runs what the buttons ask for behind the answer, since it can take as long as an app takes to stop or to boot. */
export class AppActions {
  readonly #operations: Operations;
  readonly #notices = new Map<number, ActionNotice>();

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  noticeOf(appId: number): ActionNotice | null {
    return this.#notices.get(appId) ?? null;
  }

  /** Begins; a second click while one runs changes nothing. */
  begin(app: App, action: ActionName, actor: Actor): void {
    if (this.noticeOf(app.id)?.running === true) return;
    const say: Say = (line) => this.#notices.set(app.id, { running: true, text: withoutArrow(line) });
    say(`${doing[action]} ${app.name}`);
    this.#run(app, action, actor, say).then(
      () => this.#notices.delete(app.id),
      (error: unknown) =>
        this.#notices.set(app.id, { running: false, text: failureText(app, action, error) }),
    );
  }

  async #run(app: App, action: ActionName, actor: Actor, say: Say): Promise<void> {
    if (action === "stop") return await this.#operations.stop(app, actor, say);
    if (action === "start") return await this.#operations.start(app, actor, say);
    await this.#operations.redeploy(app, "restart", actor, say);
  }
}

/** "-----> Starting web.1" reads "Starting web.1" on a page. */
function withoutArrow(line: string): string {
  return line.replace(/^(?:[-=]+>| !|\s+)\s*/, "");
}

function failureText(app: App, action: ActionName, error: unknown): string {
  const failed = `Could not ${action} ${app.name}`;
  if (error instanceof UserError) return `${failed}: ${error.message}`;
  const id = randomUUID().slice(0, 8);
  log("action failed", { id, app: app.name, action, error: error instanceof Error ? error.stack : "" });
  return `${failed}. The server's log has the detail: look for ${id}`;
}
