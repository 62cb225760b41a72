import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { hookPath } from "../../server/runtime/hook-path.ts";

const update = `${"0".repeat(40)} ${"1".repeat(40)} refs/heads/main\n`;

describe("the pre-receive program", () => {
  let directory: string;
  let path: string;
  let server: Server;
  let requests: string[];
  let answer: (socket: Socket) => void;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-hook-"));
    path = join(directory, "hook.sock");
    requests = [];
    server = createServer((socket) => {
      let request = "";
      socket.on("data", (chunk) => {
        request += chunk.toString();
        if (!request.endsWith("end\n")) return;
        requests.push(request);
        answer(socket);
      });
    }).listen(path);
    await once(server, "listening");
  });
  afterEach(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });

  async function hook(env: NodeJS.ProcessEnv): Promise<{ code: number; stdout: string }> {
    const child = spawn(hookPath, { env, stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.on("error", () => {}); // it may end without reading, which git takes as well
    child.stdin.end(update);
    const [stdout, [code]] = await Promise.all([
      text(child.stdout),
      once(child, "exit") as Promise<[number]>,
    ]);
    return { code, stdout };
  }
  const known = () => ({ SLIPWAY_HOOK_SOCKET: path, SLIPWAY_HOOK_TOKEN: "secret" });

  it("hands on the push with what git says of its quarantine, shows the answer, and ends as told", async () => {
    answer = (socket) => {
      socket.write("out -----> Buil");
      socket.end("ding\nout \nexit 0\n");
    };
    const quarantine = { GIT_QUARANTINE_PATH: "/q", GIT_OBJECT_DIRECTORY: "/o" };
    const result = await hook({ ...known(), ...quarantine, GIT_DIR: "." });
    assert.deepEqual(result, { code: 0, stdout: "-----> Building\n\n" });
    assert.deepEqual(requests, [
      `secret\nenv GIT_OBJECT_DIRECTORY=/o\nenv GIT_QUARANTINE_PATH=/q\nref ${update}end\n`,
    ]);
  });

  it("refuses the push when told to, and when the server goes away or is not there", async () => {
    answer = (socket) => socket.end("out no\nexit 3\n");
    assert.deepEqual(await hook(known()), { code: 3, stdout: "no\n" });
    const gone = { code: 1, stdout: " !     Slipway went away during the deploy\n" };
    answer = (socket) => socket.end("out half a li");
    assert.deepEqual(await hook(known()), gone);
    assert.deepEqual(await hook({ ...known(), SLIPWAY_HOOK_SOCKET: `${path}.none` }), gone);
  });

  it("says what to do when git runs it without Slipway", async () => {
    const { code, stdout } = await hook({});
    assert.equal(code, 1);
    assert.match(stdout, /Push to this repository through Slipway/);
  });
});
