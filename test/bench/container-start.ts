import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "../../server/lib/exec.ts";
import { ContainerRoom } from "../support/containers.ts";
import { median } from "./median.ts";

const warmUps = 3;
const rounds = 40;
const dockerSocket = "/var/run/docker.sock";
const dockerImage = "busybox";

export type ContainerStartFigures = {
  readonly ours_ms: number;
  readonly bwrap_ms: number;
  readonly runc_ms: number;
  readonly docker_ms: number | null;
};

type Contender = () => Promise<unknown>;

/**
 * Milliseconds from asking for a container until /bin/true has ended in it and its namespaces are gone: full isolation for us, what
 * runc's own example configuration gives, and as much as bwrap knows of (no seccomp filter, no control group, no writable
 * layer). All are asked for by this process, one after the other, over the machine's /usr.
 */
export async function containerStart(): Promise<ContainerStartFigures> {
  const room = await ContainerRoom.open();
  try {
    const contenders: Record<string, Contender> = {
      ours: () => room.run(["/bin/true"]),
      bwrap: () => runProgram("bwrap", bwrapArguments),
      runc: await runcContender(room),
      ...(existsSync(dockerSocket) && {
        docker: () => runProgram("docker", ["run", "--rm", dockerImage, "/bin/true"]),
      }),
    };
    const times = await alternate(contenders);
    return {
      ours_ms: median(times["ours"]!),
      bwrap_ms: median(times["bwrap"]!),
      runc_ms: median(times["runc"]!),
      docker_ms: times["docker"] === undefined ? null : median(times["docker"]),
    };
  } finally {
    await room.close();
  }
}

async function alternate(contenders: Readonly<Record<string, Contender>>): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  for (let round = -warmUps; round < rounds; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const started = performance.now();
      await contender();
      if (round >= 0) (times[name] ??= []).push(performance.now() - started);
    }
  }
  return times;
}

const links = [
  ["usr/bin", "/bin"],
  ["usr/lib", "/lib"],
  ["usr/lib64", "/lib64"],
] as const;
const bwrapArguments = [
  "--unshare-all",
  "--die-with-parent",
  "--ro-bind",
  "/usr",
  "/usr",
  ...links.flatMap(([target, name]) => ["--symlink", target, name]),
  "--proc",
  "/proc",
  "--dev",
  "/dev",
  "/bin/true",
];

async function runcContender(room: ContainerRoom): Promise<Contender> {
  const bundle = join(room.directory, "bundle");
  const { layers } = room.spec([]);
  await mkdir(bundle);
  await cp(layers[0]!, join(bundle, "rootfs"), { recursive: true, verbatimSymlinks: true });
  await exec(["runc", "spec", "--bundle", bundle]);
  const path = join(bundle, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as {
    process: { terminal: boolean; args: string[] };
    mounts: unknown[];
  };
  config.process.terminal = false;
  config.process.args = ["/bin/true"];
  config.mounts.push({ destination: "/usr", type: "bind", source: "/usr", options: ["bind", "ro"] });
  await writeFile(path, JSON.stringify(config));
  const state = join(room.directory, "runc");
  let count = 0;
  return () =>
    runProgram("runc", [
      "--root",
      state,
      "run",
      "--bundle",
      bundle,
      `slipway-bench-${process.pid}-${count++}`,
    ]);
}

async function runProgram(file: string, args: readonly string[]): Promise<void> {
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
}
