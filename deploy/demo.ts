import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../server/paths.ts";
import { LocalServer } from "./local-server.ts";

const appName = "hello";

/** Starts a Slipway of its own, pushes a sample app to it as a person would, checks that it is served, and says where. */
async function demo(checkOnly: boolean): Promise<void> {
  const source = await mkdtemp(join(tmpdir(), "slipway-demo-"));
  let server: LocalServer | null = null;
  try {
    console.log("-----> Starting Slipway on free local ports");
    server = await LocalServer.start();
    console.log("-----> git push of an Express app");
    await pushSample(server, source);
    await checkServed(server);
    await tell(server);
    if (!checkOnly) await untilInterrupted();
  } finally {
    console.log("-----> Stopping Slipway and removing what the demo made");
    await server?.close();
    await rm(source, { recursive: true, force: true });
  }
}

async function pushSample(server: LocalServer, source: string): Promise<void> {
  await cp(join(packageRoot, "test/fixtures/apps/node-express"), source, { recursive: true });
  for (const args of [
    ["init", "--quiet", "--initial-branch=main"],
    ["add", "--all"],
    ["commit", "--quiet", "--message=Hello"],
  ]) {
    await succeed(server, source, args);
  }
  await succeed(server, source, ["push", server.gitUrl(appName), "main"]);
}

async function succeed(server: LocalServer, directory: string, args: string[]): Promise<void> {
  const child = server.spawnGit(directory, args);
  child.stdout?.pipe(process.stdout);
  child.stderr?.pipe(process.stderr);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`git ${args[0]} failed (exit ${code})`);
}

async function checkServed(server: LocalServer): Promise<void> {
  const { status, body } = await server.fetch(`${appName}.localhost`);
  if (status !== 200) throw new Error(`the app answered ${status}: ${body.slice(0, 200)}`);
  console.log(`-----> The router answers 200: ${body.trim().slice(0, 200)}`);
}

async function tell(server: LocalServer): Promise<void> {
  const { httpPort, sshPort } = server.addresses;
  const link = await server.ssh("dashboard:login");
  const key = join(server.directory, "admin");
  console.log("=====> It is live:");
  console.log(`       app        http://${appName}.localhost:${httpPort}`);
  console.log(`       dashboard  ${/https?:\S+/.exec(link.stdout)?.[0] ?? link.stderr.trim()}`);
  console.log(`       commands   ssh -i ${key} -p ${sshPort} slipway@127.0.0.1 help`);
}

async function untilInterrupted(): Promise<void> {
  console.log("       Ctrl-C ends the demo");
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}

demo(process.argv.includes("--once")).catch((error: unknown) => {
  console.error(` !     The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
