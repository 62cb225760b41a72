import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDashboard, type Dashboard } from "../../server/dashboard/dashboard.ts";
import { createHttpServer, type HttpServer } from "../../server/http/server.ts";
import type { App } from "../../server/model/app.ts";
import type { Key, Role } from "../../server/model/key.ts";
import type { ProcessState } from "../../server/model/process.ts";
import type { Release } from "../../server/model/release.ts";
import { packageRoot } from "../../server/paths.ts";
import { openState, type State } from "../../server/state/state.ts";
import { MemoryOperations } from "./memory-operations.ts";

/** The dashboard behind its real server and on a real database, with no machine to run apps on. */
export class DashboardServer {
  readonly state: State;
  readonly operations: MemoryOperations;
  readonly router: Dashboard["router"];
  readonly #directory: string;
  readonly #errorPage: Dashboard["errorPage"];
  #server: HttpServer;
  #port = 0;

  private constructor(directory: string, state: State) {
    this.#directory = directory;
    this.state = state;
    this.operations = new MemoryOperations(state);
    const dashboard = createDashboard({
      state,
      operations: this.operations,
      settings: { version: "1.2.3", sshPort: 2222 },
      viewsDir: join(packageRoot, "server/dashboard/views"),
      publicDir: join(packageRoot, "server/dashboard/public"),
    });
    this.router = dashboard.router;
    this.#errorPage = dashboard.errorPage;
    this.#server = this.#newServer();
  }

  static async start(): Promise<DashboardServer> {
    const directory = await mkdtemp(join(tmpdir(), "slipway-dashboard-"));
    const state = await openState({
      database: join(directory, "slipway.db"),
      secretKey: join(directory, "secret.key"),
      migrations: join(packageRoot, "server/state/migrations"),
    });
    const server = new DashboardServer(directory, state);
    server.#port = await server.#server.listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async close(): Promise<void> {
    await this.stopListening();
    this.state.close();
    await rm(this.#directory, { recursive: true });
  }

  async stopListening(): Promise<void> {
    await this.#server.close();
  }

  /** As after a restart: on the same port. */
  async listenAgain(): Promise<void> {
    this.#server = this.#newServer();
    await this.#server.listen();
  }

  #newServer(): HttpServer {
    const { router } = this;
    return createHttpServer({ address: "127.0.0.1", port: this.#port, router, errorPage: this.#errorPage });
  }

  addKey(name: string, role: Role): Key {
    return this.state.keys.add({
      name,
      role,
      publicKey: `ssh-ed25519 ${name}`,
      fingerprint: `SHA256:${name}`,
    });
  }

  signInLink(key: Key): string {
    return `${this.url}/sign-in/${this.state.sessions.createLink(key.id, 60_000)}`;
  }

  /** Value of a Cookie header with which `key` is signed in. */
  async cookieOf(key: Key): Promise<string> {
    const answer = await fetch(this.signInLink(key), {
      method: "POST",
      headers: { origin: this.url },
      redirect: "manual",
    });
    const [cookie = ""] = (answer.headers.get("set-cookie") ?? "").split(";");
    return cookie;
  }

  /** An app with one good release and its processes in these states. */
  deployedApp(name: string, processes: Readonly<Record<string, ProcessState>>, commit = "a1b2c3d4e5f6"): App {
    const app = this.state.apps.create(name);
    const release = this.beginDeploy(app, commit);
    this.state.releases.setImage(release.id, "sha256:0");
    this.state.releases.succeed(release.id);
    this.operations.endDeploy(release);
    const scale = new Map<string, number>();
    for (const [process, state] of Object.entries(processes)) {
      const [type = "", index = "1"] = process.split(".");
      scale.set(type, (scale.get(type) ?? 0) + 1);
      this.addProcess(app, release, type, Number(index), state);
    }
    this.state.scale.set(app.id, scale);
    return this.state.apps.get(name);
  }

  beginDeploy(app: App, commit: string): Release {
    return this.state.releases.create({
      appId: app.id,
      source: "push",
      author: "alice",
      commit,
      imageDigest: null,
    });
  }

  addProcess(app: App, release: Release, type: string, index: number, state: ProcessState): void {
    const process = this.state.processes.create({
      appId: app.id,
      releaseId: release.id,
      type,
      index,
      containerId: `${app.name}-${release.version}-${type}-${index}`,
      port: null,
    });
    const crashed = state === "backoff" || state === "exited";
    this.state.processes.update({
      ...process,
      state,
      restarts: crashed ? 3 : 0,
      lastExit: crashed ? "exit status 1" : null,
    });
  }
}
