// `node dist/test/bench/trace-container.js [rounds]`: where a container's time goes, call by call, as strace(1) sees it.
// Being traced slows every process down when it starts and at each call shown: compare what a call took, not when it came.
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorPath } from "../../native/index.ts";
import { ContainerRoom } from "../support/containers.ts";
import { median } from "./median.ts";

const rounds = Number(process.argv[2] ?? 15);
const shownFromMs = 0.04;
/** The others run at full speed. */
const traced =
  "execve,clone3,clone,unshare,mkdir,mount,fsopen,fsconfig,fsmount,move_mount,open_tree,mount_setattr,openat2,pivot_root,umount2,sendto,seccomp,wait4,rmdir";

/** One line of `strace -f -ttt -T`: pid, seconds, call, seconds it took. The second half of an interrupted call has no time of its own. */
const linePattern = /^(\d+) +(\d+\.\d+) (.*?)(?: = (?:-?\w+).*)? <(\d+\.\d+)>$/;

interface Call {
  readonly name: string;
  readonly startMs: number;
  readonly tookMs: number;
}

const directory = await mkdtemp(join(tmpdir(), "slipway-trace-"));
try {
  const traces = await record();
  const calls = new Map<string, { started: number[]; took: number[] }>();
  for (const trace of traces) {
    for (const { name, startMs, tookMs } of callsOf(trace)) {
      const entry = calls.get(name) ?? { started: [], took: [] };
      calls.set(name, entry);
      entry.started.push(startMs);
      entry.took.push(tookMs);
    }
  }
  const rows = [...calls]
    .map(([name, { started, took }]) => ({
      name,
      at: median(started),
      took: median(took),
      times: took.length,
    }))
    .filter(({ took, times }) => took >= shownFromMs && times * 2 > traces.length)
    .sort((a, b) => a.at - b.at);
  console.log("   at ms  took ms  call");
  for (const { at, took, name } of rows)
    console.log(`${at.toFixed(2).padStart(8)} ${took.toFixed(2).padStart(8)}  ${name}`);
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function record(): Promise<string[]> {
  const monitor = join(directory, "monitor");
  await writeFile(
    monitor,
    `#!/bin/sh\nexec strace -f --seccomp-bpf -e trace=${traced} -ttt -T -s 200 -o ${directory}/$$.trace ${monitorPath}\n`,
  );
  await chmod(monitor, 0o755);
  const room = await ContainerRoom.open({ monitor });
  try {
    for (let round = 0; round < rounds; round++) await room.run(["/bin/true"]);
  } finally {
    await room.close();
  }
  const names = (await readdir(directory)).filter((name) => name.endsWith(".trace"));
  return Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
}

/** Calls of all processes, timed from the monitor's start, without what differs between containers in their names. */
function callsOf(trace: string): Call[] {
  const lines = trace.split("\n");
  const started = Number(lines[0]?.split(/ +/)[1]);
  const processes = [...new Set(lines.map((line) => line.split(" ", 1)[0]!).filter(Boolean))];
  const seen = new Map<string, number>();
  return lines.flatMap((line, index) => {
    const match = linePattern.exec(line);
    if (match === null || index === 0) return [];
    const [, pid, at, call, took] = match;
    const role = ["monitor", "init", "app"][processes.indexOf(pid!)] ?? "other";
    const plain = call!
      .replace(/test-[0-9a-f]{8}|slipway-runtime-\w{6}|\b\d{4,}\b/g, "…")
      .replace(/^<\.\.\. (\w+) resumed>.*/, "$1 (interrupted)")
      .slice(0, 90);
    const name = `${role.padEnd(8)}${plain}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return [
      {
        name: times === 1 ? name : `${name} #${times}`,
        startMs: (Number(at) - started) * 1000,
        tookMs: Number(took) * 1000,
      },
    ];
  });
}
