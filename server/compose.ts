import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Builder } from "./build/builder.ts";
import { createExecuteLine } from "./commands/execute.ts";
import { receivePack } from "./commands/git/receive-pack.ts";
import { uploadPack } from "./commands/git/upload-pack.ts";
import type { RecordEvent } from "./commands/invoke.ts";
import { commands } from "./commands/registry.ts";
import type { Config } from "./config.ts";
import { createDashboard } from "./dashboard/dashboard.ts";
import { createOperations } from "./deploy/create-operations.ts";
import { DeployLogs } from "./deploy/deploy-logs.ts";
import { HookServer } from "./git/hook-server.ts";
import { Repositories } from "./git/repositories.ts";
import { createHttpServer, type HttpServer } from "./http/server.ts";
import { openHostStack } from "./image/host-stack.ts";
import { ImageStore } from "./image/store.ts";
import { log } from "./lib/log.ts";
import { removeTree } from "./lib/remove-tree.ts";
import { dataPaths, packageRoot, type DataPaths } from "./paths.ts";
import { loadPlugins } from "./plugins/host.ts";
import { startProxy } from "./proxy/launch.ts";
import { hookPath } from "./runtime/hook-path.ts";
import { openNetwork } from "./runtime/network.ts";
import { createRuntime } from "./runtime/runtime.ts";
import { addAdminKey } from "./ssh/admin-key.ts";
import { loadHostKey } from "./ssh/host-key.ts";
import { createSshServer } from "./ssh/server.ts";
import { openState } from "./state/state.ts";

const proxyGraceMs = 2000;

export interface Slipway {
  /** Opens the doors; resolves with the ports, those that were free where 0 was asked for. */
  listen(): Promise<{ sshPort: number; httpPort: number; dashboardPort: number }>;
  /** Closes the doors and ends what runs here. Apps and the router go on, unless the server is ephemeral. */
  close(): Promise<void>;
}

/** Builds every room once and connects them. */
export async function compose(config: Config): Promise<Slipway> {
  const paths = dataPaths(config.dataDir);
  await makeFolders(paths);
  const version = await packageVersion();
  const closing = new AbortController();

  const state = await openState({ ...paths, migrations: join(packageRoot, "server/state/migrations") });
  await addAdminKey({ keys: state.keys, configured: config.adminKey, home: homedir() });
  const plugins = await loadPlugins({ pluginsDir: join(packageRoot, "plugins"), dataDir: paths.root, log });
  const record: RecordEvent = (event) => void plugins.emit("event", state.events.add(event));

  const proxy = await startProxy({
    mainPath: join(packageRoot, "dist/server/proxy-main.js"),
    address: config.address,
    port: config.httpPort,
    socketPath: paths.proxySocket,
    tablePath: paths.routingTable,
    logPath: paths.proxyLog,
  });

  const network = await openNetwork(paths.root);
  const runtime = createRuntime({ containersDir: paths.containers, network });
  const images = await ImageStore.open(paths.images);
  const stack = await openHostStack(paths.stacks);
  const builder = new Builder({
    runtime,
    images,
    stack,
    buildpacksDir: join(packageRoot, "buildpacks"),
    buildsDir: paths.builds,
    cachesDir: paths.caches,
  });
  const repositories = new Repositories({
    root: paths.repositories,
    hookExecutable: hookPath,
    hookSocket: paths.hookSocket,
  });
  await repositories.prepare();
  const hooks = new HookServer(paths.hookSocket);
  const host = createOperations({
    state,
    repositories,
    build: (request) => builder.build(request),
    removeCache: (appId) => removeTree(join(paths.caches, String(appId))),
    images,
    stack,
    runtime,
    router: proxy.client,
    deployLogs: new DeployLogs(paths.buildLogs),
    settings: { ...config, httpPort: proxy.port, logsDir: paths.logs, buildsDir: paths.builds },
    emit: plugins.emit,
    tell: (kind, app, actor, message) => record({ app: app.name, actor, kind, message }),
    closing: closing.signal,
  });
  const { operations } = host;

  let dashboardPort = config.dashboardPort;
  const settings = {
    version,
    domain: config.domain,
    dashboardUrl: () => `http://${config.domain}:${dashboardPort}`,
  };
  const ssh = createSshServer({
    address: config.address,
    port: config.sshPort,
    hostKey: await loadHostKey(paths.hostKey),
    keys: state.keys,
    execute: createExecuteLine({
      commands: [...commands, receivePack(repositories, hooks), uploadPack(repositories)],
      state,
      operations,
      settings,
      record,
    }),
  });
  let http: HttpServer | null = null;

  return {
    async listen() {
      await hooks.listen();
      await runtime.removeAllBut(new Set(state.processes.all().map(({ containerId }) => containerId)));
      await host.reconcile();
      const sshPort = await ssh.listen();
      const dashboard = createDashboard({
        state,
        operations,
        settings: { version, sshPort },
        viewsDir: join(packageRoot, "server/dashboard/views"),
        publicDir: join(packageRoot, "server/dashboard/public"),
      });
      http = createHttpServer({ address: config.address, port: config.dashboardPort, ...dashboard });
      dashboardPort = await http.listen();
      return { sshPort, httpPort: proxy.port, dashboardPort };
    },
    async close() {
      closing.abort();
      await Promise.all([ssh.close(), http?.close()]);
      await host.idle();
      await hooks.close();
      if (config.ephemeral) {
        await host.stopAll();
        await proxy.client.shutdown(proxyGraceMs);
        await runtime.close();
        await network.close();
      } else {
        await proxy.client.close();
        await runtime.tidy();
      }
      state.close();
    },
  };
}

async function makeFolders(paths: DataPaths): Promise<void> {
  // What builds of an earlier server left half done is of no use.
  await removeTree(paths.builds);
  const { root, repositories, images, stacks, caches, builds, containers, logs, buildLogs } = paths;
  for (const folder of [root, repositories, images, stacks, caches, builds, containers, logs, buildLogs]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
}

async function packageVersion(): Promise<string> {
  const text = await readFile(join(packageRoot, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
