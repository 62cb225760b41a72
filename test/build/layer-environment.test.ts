import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  addBuildEnvironment,
  addLaunchEnvironment,
  type Environment,
  type PlacedLayer,
} from "../../server/build/layer-environment.ts";

describe("environment from layers", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-layers-"));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  async function layer(name: string, files: Readonly<Record<string, string>>): Promise<PlacedLayer> {
    const path = join(directory, name);
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), content);
    }
    return { path, target: `/layers/x/${name}` };
  }

  it("puts folders of later layers first in search paths", async () => {
    const layers = [
      await layer("a", { "bin/x": "", "lib/x": "" }),
      await layer("b", { "bin/x": "", "include/x": "" }),
    ];
    const launch: Environment = { PATH: "/bin" };
    await addLaunchEnvironment(launch, layers, "web");
    assert.deepEqual(launch, {
      PATH: "/layers/x/b/bin:/layers/x/a/bin:/bin",
      LD_LIBRARY_PATH: "/layers/x/a/lib",
    });
    const build: Environment = { PATH: "/bin" };
    await addBuildEnvironment(build, layers);
    assert.equal(build["CPATH"], "/layers/x/b/include");
    assert.equal(build["LIBRARY_PATH"], "/layers/x/a/lib");
  });

  it("sets, defaults, prepends and appends as the file's ending says, without trimming", async () => {
    const layers = [
      await layer("a", {
        "env/SET": " as it is\n",
        "env/FORCED.override": "forced",
        "env/KEPT.default": "not used",
        "env/FILLED.default": "default",
        "env/LIST.append": "last",
        "env/LIST.delim": ";",
        "env/LIST.prepend": "first",
        "env/GLUED.append": "b",
      }),
    ];
    const environment: Environment = { KEPT: "mine", LIST: "middle", FORCED: "old", GLUED: "a" };
    await addLaunchEnvironment(environment, layers, "web");
    assert.deepEqual(environment, {
      SET: " as it is\n",
      FORCED: "forced",
      KEPT: "mine",
      FILLED: "default",
      LIST: "first;middle;last",
      GLUED: "ab",
    });
  });

  it("keeps the variables of build, launch and single processes apart", async () => {
    const layers = [
      await layer("a", {
        "env.build/BUILD": "1",
        "env.launch/LAUNCH": "1",
        "env.launch/web/WEB": "1",
        "env.launch/worker/WORKER": "1",
      }),
    ];
    const [build, web]: [Environment, Environment] = [{}, {}];
    await addBuildEnvironment(build, layers);
    await addLaunchEnvironment(web, layers, "web");
    assert.deepEqual(build, { BUILD: "1" });
    assert.deepEqual(web, { LAUNCH: "1", WEB: "1" });
  });

  it("reads nothing of the host through links that a build left", async () => {
    const made = await layer("a", { "env.launch/OWN": "1" });
    await symlink("/etc/hostname", join(made.path, "env.launch/STOLEN"));
    await symlink("/etc", join(made.path, "env"));
    await symlink("/etc", join(made.path, "env.launch/web"));
    const environment: Environment = {};
    await addLaunchEnvironment(environment, [made], "web");
    assert.deepEqual(environment, { OWN: "1" });
  });
});
