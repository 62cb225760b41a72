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

/** How many are asked for at a time, and in how many rounds of how many each. */
const crowds = [8, 32];
const crowdRounds = 5;
const crowdStarts = 32;

type Contender = () => Promise<unknown>;

/**
 * Milliseconds from asking for a container until /bin/true has ended in it and its namespaces are gone: full isolation for us, what
 * runc's own example configuration gives, and as much as bwrap knows of (no seccomp filter, no control group, no writable
 * layer). All are asked for by this process, taking turns, over the machine's /usr: one after the other (NAME_ms), then many at a
 * time (NAME_8_ms, NAME_32_ms: from the first request to the last end, divided by their number). Docker only where there is one.
 */
export async function containerStart(): Promise<Record<string, number | null>> {
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
    const figures: Record<string, number | null> = { docker_ms: null };
    for (const [name, times] of await alternate(contenders, rounds, timed)) {
      figures[`${name}_ms`] = median(times);
    }
    for (const crowd of crowds) {
      const timedCrowd = (contender: Contender) => timedTogether(contender, crowd);
      for (const [name, times] of await alternate(contenders, crowdRounds, timedCrowd)) {
        figures[`${name}_${crowd}_ms`] = median(times);
      }
    }
    return figures;
  } finally {
    await room.close();
  }
}

async function alternate(
  contenders: Readonly<Record<string, Contender>>,
  count: number,
  measure: (contender: Contender) => Promise<number>,
): Promise<Map<string, number[]>> {
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
  for (let round = -warmUps; round < count; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const ms = await measure(contender);
      if (round >= 0) times.get(name)!.push(ms);
    }
  }
  return times;
}

async function timed(contender: Contender): Promise<number> {
  const started = performance.now();
  await contender();
  return performance.now() - started;
}

/** Milliseconds for each of `crowdStarts` containers, `crowd` of them at any time. */
async function timedTogether(contender: Contender, crowd: number): Promise<number> {
  let left = crowdStarts;
  const one = async () => {
    while (left-- > 0) await contender();
  };
  return (await timed(() => Promise.all(Array.from({ length: crowd }, one)))) / crowdStarts;
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
